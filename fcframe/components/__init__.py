"""The contract of components: what each kind must provide.

A component is a frozen, strict pydantic model. Its fields define its JSON, its JSON Schema and its documentation; its
methods are pure functions of their arguments. A component contains no arrays: parameters, state, caches and slots are
passed in and returned. A component derives from one of the nine classes below, or from `Container`, the abstract layer
that contains layers; components do not derive from each other.

Names in shapes: N examples in a minibatch, D input features, H hidden units, C classes or outputs. An `input_shape`
is the shape of one example, without N.
"""

from fcframe.components.base import Component, Example, Params, Rejected, Shape
from fcframe.components.dataset import AnyDataset, Data, Dataset
from fcframe.components.domain import Domain, Integers, Reals
from fcframe.components.fields import SCHEMA_KEY
from fcframe.components.initializer import AnyInitializer, Initializer, Parameter
from fcframe.components.layer import AnyLayer, Layer, Layers
from fcframe.components.loss import AnyLoss, AnyMetric, AnyRegularizer, Loss, Metric, Regularizer
from fcframe.components.observer import AnyObserver, Observer
from fcframe.components.optimizer import AnyOptimizer, AnySchedule, Optimizer, Progress, Schedule, Step
from fcframe.components.targets import (
    Binary,
    Classes,
    Counts,
    Numbers,
    Positive,
    Shares,
    Signs,
    Targets,
    WrongTargetError,
)

KINDS: tuple[type[Component], ...] = (
    Layer, Loss, Optimizer, Schedule, Initializer, Regularizer, Metric, Observer, Dataset,
)  # fmt: skip
"""The nine kinds, in the order in which `fcframe list` shows them."""

__all__ = [
    "KINDS",
    "SCHEMA_KEY",
    "AnyDataset",
    "AnyInitializer",
    "AnyLayer",
    "AnyLoss",
    "AnyMetric",
    "AnyObserver",
    "AnyOptimizer",
    "AnyRegularizer",
    "AnySchedule",
    "Binary",
    "Classes",
    "Component",
    "Counts",
    "Data",
    "Dataset",
    "Domain",
    "Example",
    "Initializer",
    "Integers",
    "Layer",
    "Layers",
    "Loss",
    "Metric",
    "Numbers",
    "Observer",
    "Optimizer",
    "Parameter",
    "Params",
    "Positive",
    "Progress",
    "Reals",
    "Regularizer",
    "Rejected",
    "Schedule",
    "Shape",
    "Shares",
    "Signs",
    "Step",
    "Targets",
    "WrongTargetError",
]
