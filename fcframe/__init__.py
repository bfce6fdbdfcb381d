"""Fully connected networks on NumPy, where every layer, loss and optimizer is a plugin.

spec = fcframe.load_spec("specs/digits.json")     # JSON text → spec
network = fcframe.build(spec)                     # spec → network
run = fcframe.train(spec)                         # network → solver → run
"""

import importlib
from typing import TYPE_CHECKING, Any

from fcframe.chain import Chain
from fcframe.components import (
    Data,
    Dataset,
    Example,
    Initializer,
    Layer,
    Loss,
    Metric,
    Optimizer,
    Parameter,
    Progress,
    Regularizer,
    Rejected,
    Schedule,
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
from fcframe.fields import (
    AnyDataset,
    AnyInitializer,
    AnyLayer,
    AnyLoss,
    AnyMetric,
    AnyOptimizer,
    AnyRegularizer,
    AnySchedule,
    Layers,
)
from fcframe.hookspecs import hookimpl
from fcframe.registry import Registry, registry

if TYPE_CHECKING:
    from fcframe.builder import build
    from fcframe.network import Network
    from fcframe.spec import ExperimentSpec, NetworkSpec, load_spec
    from fcframe.training import Run, train
    from fcframe.verify import gradcheck

# What a plugin does not need comes on first use, so that importing the package stays cheap.
_LATER = {
    "ExperimentSpec": "fcframe.spec",
    "Network": "fcframe.network",
    "NetworkSpec": "fcframe.spec",
    "Run": "fcframe.training",
    "build": "fcframe.builder",
    "gradcheck": "fcframe.verify",
    "load_spec": "fcframe.spec",
    "train": "fcframe.training",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'fcframe' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


__all__ = [
    "AnyDataset",
    "AnyInitializer",
    "AnyLayer",
    "AnyLoss",
    "AnyMetric",
    "AnyOptimizer",
    "AnyRegularizer",
    "AnySchedule",
    "Array",
    "Chain",
    "Container",
    "Context",
    "ContractError",
    "Data",
    "DataError",
    "Dataset",
    "DivergenceError",
    "Example",
    "ExperimentSpec",
    "FcframeError",
    "Initializer",
    "Layer",
    "Layers",
    "Loss",
    "Metric",
    "Network",
    "NetworkSpec",
    "Optimizer",
    "OutputError",
    "Parameter",
    "PluginError",
    "Progress",
    "Registry",
    "Regularizer",
    "Rejected",
    "Run",
    "Schedule",
    "ShapeError",
    "SpecError",
    "build",
    "gradcheck",
    "hookimpl",
    "load_spec",
    "registry",
    "train",
]
