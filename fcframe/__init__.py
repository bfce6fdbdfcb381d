"""Fully connected networks on NumPy, where every layer, loss and optimizer is a plugin.

spec = fcframe.load_spec("specs/digits.json")     # JSON text → spec
network = fcframe.build(spec)                     # spec → network
run = fcframe.train(spec)                         # network → solver → run
"""

import importlib
from typing import Any

# Module → the public names that it defines. A name is imported on first use: importing the package is cheap, and a
# command imports only what it needs. Type checkers and editors read __init__.pyi instead.
_MODULES = {
    "builder": "build",
    "chain": "Chain",
    "components": "AnyDataset AnyInitializer AnyLayer AnyLoss AnyMetric AnyObserver AnyOptimizer AnyRegularizer "
    "AnySchedule Binary Classes Counts Data Dataset Domain Example Initializer Integers Layer Layers "
    "Loss Metric Numbers Observer Optimizer Parameter Params Positive Progress Reals Regularizer "
    "Rejected Schedule Shape Shares Signs Step Targets",
    "container": "Container",
    "context": "Array Context",
    "errors": "ContractError DataError DivergenceError FcframeError OutputError PluginError ShapeError SpecError",
    "events": "Evaluation FlatArrays Results Training",
    "hookspecs": "hookimpl",
    "kernels": "Kernels",
    "limits": "human_bytes max_bytes",
    "network": "Network",
    "plugins": "Registry registry",
    "spec": "ExperimentSpec NetworkSpec load_spec",
    "training": "Run train",
    "verify": "gradcheck",
}
_MODULE = {name: module for module, names in _MODULES.items() for name in names.split()}
__all__ = sorted(_MODULE)


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module 'fcframe' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"fcframe.{_MODULE[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE})
