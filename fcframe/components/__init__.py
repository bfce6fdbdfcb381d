"""The contract: what each kind of component must provide.

A component is a frozen, strict pydantic model. Its fields are its JSON, its JSON Schema and its documentation;
its methods are pure functions of their arguments. Arrays never live inside it: parameters, state, caches and
slots are handed in and handed back. Kinds are abstract, components are final: a component derives from one of
the eight classes below (or from `Container`, the abstract layer that holds layers), and nothing derives from it.

Words for shapes: N examples in a minibatch, D features in, H hidden, C classes or outputs. A method that takes
an `input_shape` means the shape of one example, without N.
"""

from fcframe.components.base import Component, Example, Params, Rejected, Shape
from fcframe.components.dataset import Data, Dataset
from fcframe.components.initializer import Initializer, Parameter
from fcframe.components.layer import Layer
from fcframe.components.loss import Loss, Metric, Regularizer
from fcframe.components.optimizer import Optimizer, Progress, Schedule

KINDS: tuple[type[Component], ...] = (
    Layer, Loss, Optimizer, Schedule, Initializer, Regularizer, Metric, Dataset,
)  # fmt: skip
"""The eight kinds, in the order in which they are listed."""

__all__ = [
    "KINDS",
    "Component",
    "Data",
    "Dataset",
    "Example",
    "Initializer",
    "Layer",
    "Loss",
    "Metric",
    "Optimizer",
    "Parameter",
    "Params",
    "Progress",
    "Regularizer",
    "Rejected",
    "Schedule",
    "Shape",
]
