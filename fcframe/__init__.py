"""Fully connected networks on NumPy, where every layer, loss and optimizer is a plugin.

spec = fcframe.load_spec("specs/digits.json")     # JSON text → spec
network = fcframe.build(spec)                     # spec → network
run = fcframe.train(spec)                         # network → solver → run
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fcframe.builder import build
    from fcframe.chain import Chain
    from fcframe.components import (
        AnyDataset,
        AnyInitializer,
        AnyLayer,
        AnyLoss,
        AnyMetric,
        AnyObserver,
        AnyOptimizer,
        AnyRegularizer,
        AnySchedule,
        Binary,
        Classes,
        Counts,
        Data,
        Dataset,
        Example,
        Initializer,
        Integers,
        Layer,
        Layers,
        Loss,
        Metric,
        Numbers,
        Observer,
        Optimizer,
        Parameter,
        Positive,
        Progress,
        Reals,
        Regularizer,
        Rejected,
        Schedule,
        Shares,
        Signs,
        Step,
        Targets,
    )
    from fcframe.container import Container
    from fcframe.context import Array, Context
    from fcframe.errors import (
        ContractError,
        DataError,
        DivergenceError,
        FcframeError,
        OutputError,
        PluginError,
        ShapeError,
        SpecError,
    )
    from fcframe.events import Evaluation, Results, Training
    from fcframe.hookspecs import hookimpl
    from fcframe.kernels import Kernels
    from fcframe.network import Network
    from fcframe.registry import Registry, registry
    from fcframe.spec import ExperimentSpec, NetworkSpec, load_spec
    from fcframe.training import Run, train
    from fcframe.verify import gradcheck

# Each name comes on first use, so that importing the package, and a command that needs few of them, stays cheap.
_ROOMS = {
    "builder": "build",
    "chain": "Chain",
    "components": "AnyDataset AnyInitializer AnyLayer AnyLoss AnyMetric AnyObserver AnyOptimizer AnyRegularizer "
    "AnySchedule Binary Classes Counts Data Dataset Example Initializer Integers Layer Layers Loss Metric Numbers "
    "Observer Optimizer Parameter Positive Progress Reals Regularizer Rejected Schedule Shares Signs Step Targets",
    "container": "Container",
    "context": "Array Context",
    "errors": "ContractError DataError DivergenceError FcframeError OutputError PluginError ShapeError SpecError",
    "events": "Evaluation Results Training",
    "hookspecs": "hookimpl",
    "kernels": "Kernels",
    "network": "Network",
    "registry": "Registry registry",
    "spec": "ExperimentSpec NetworkSpec load_spec",
    "training": "Run train",
    "verify": "gradcheck",
}
_ROOM = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _ROOM:
        raise AttributeError(f"module 'fcframe' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"fcframe.{_ROOM[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM})


class _Package(ModuleType):
    """Python gives a package each submodule that is imported as an attribute; a public name is not to be lost to one.

    `fcframe.registry` is the function, whoever imports the room of that name, and whenever.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _ROOM or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package

__all__ = [
    "AnyDataset",
    "AnyInitializer",
    "AnyLayer",
    "AnyLoss",
    "AnyMetric",
    "AnyObserver",
    "AnyOptimizer",
    "AnyRegularizer",
    "AnySchedule",
    "Array",
    "Binary",
    "Chain",
    "Classes",
    "Container",
    "Context",
    "ContractError",
    "Counts",
    "Data",
    "DataError",
    "Dataset",
    "DivergenceError",
    "Evaluation",
    "Example",
    "ExperimentSpec",
    "FcframeError",
    "Initializer",
    "Integers",
    "Kernels",
    "Layer",
    "Layers",
    "Loss",
    "Metric",
    "Network",
    "NetworkSpec",
    "Numbers",
    "Observer",
    "Optimizer",
    "OutputError",
    "Parameter",
    "PluginError",
    "Positive",
    "Progress",
    "Reals",
    "Registry",
    "Regularizer",
    "Rejected",
    "Results",
    "Run",
    "Schedule",
    "ShapeError",
    "Shares",
    "Signs",
    "SpecError",
    "Step",
    "Targets",
    "Training",
    "build",
    "gradcheck",
    "hookimpl",
    "load_spec",
    "registry",
    "train",
]
