"""The contract: what each kind of component must provide.

A component is a frozen, strict pydantic model. Its fields are its JSON, its JSON Schema and its documentation;
its methods are pure functions of their arguments. Arrays never live inside it: parameters, state, caches and
slots are handed in and handed back. Kinds are abstract, components are final: a component derives from one of
the eight classes below and from nothing else, and nothing derives from a component.

Words for shapes: N examples in a minibatch, D features in, H hidden, C classes or outputs. A method that takes
an `input_shape` means the shape of one example, without N.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, TypeAlias

import numpy as np
from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    NonNegativeInt,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from fcframe.context import Array, Context
from fcframe.strict import StrictModel, problem_at, shown

Shape: TypeAlias = tuple[int, ...]
Params: TypeAlias = Mapping[str, Array]
NonNegativeFloat: TypeAlias = Annotated[float, Field(ge=0)]


class Component(StrictModel, ABC):
    """What all kinds share: a type, examples, and the road from JSON and back."""

    kind: ClassVar[str]
    """What the component is: "layer", "loss", …; set by the eight classes below."""
    plural: ClassVar[str]
    """The registry's attribute for this kind: "layers", "losses", …"""
    type: ClassVar[str]
    """The component's name in JSON."""
    examples: ClassVar[tuple["Example", ...]] = ()
    """Configurations that show the component off; the harness checks each and makes more of its own."""

    @model_validator(mode="wrap")
    @classmethod
    def _read_type(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, Mapping) and "type" in value:
            if value["type"] != cls.type:
                raise problem_at(("type",), f"expected {shown(cls.type)}, got {shown(value['type'])}", value["type"])
            value = {key: item for key, item in value.items() if key != "type"}
        return handler(value)

    @model_serializer(mode="wrap")
    def _write_type(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"type": self.type, **handler(self)}


class Example:
    """One configuration of a component, and for a layer the shape of one input example.

    >>> Example(input_shape=(2, 3), units=5)
    Example(input_shape=(2, 3), units=5)
    """

    def __init__(self, input_shape: Shape | None = None, **fields: Any) -> None:
        self.input_shape = input_shape
        self.fields = fields

    def __repr__(self) -> str:
        shape = {} if self.input_shape is None else {"input_shape": self.input_shape}
        return f"Example({', '.join(f'{key}={value!r}' for key, value in (shape | self.fields).items())})"


class Initializer(Component):
    """How a parameter starts."""

    kind = "initializer"
    plural = "initializers"

    @abstractmethod
    def sample(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Draws the start of one parameter.

        Args:
            shape: The parameter's shape; (D, units) for a matrix that maps D features to `units`.
            rng: The only source of randomness.

        Returns:
            A float64 array of that shape; the framework casts it to the network's dtype.
        """

    @abstractmethod
    def moments(self, shape: Shape) -> tuple[float, float]:
        """The mean and the standard deviation of the distribution that `sample` draws from."""


@dataclass(frozen=True)
class Parameter:
    """One array that a layer owns: its shape, how it starts, and whether a regularizer acts on it.

    Args:
        shape: Positive sizes, known from the input's shape alone.
        initializer: How the array starts.
        decay: Whether a regularizer acts on it: True for weights, False for biases, scales and running state.

    Raises:
        ValueError: A size is not a positive integer.
    """

    shape: Shape
    initializer: Initializer
    decay: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        if not all(isinstance(size, int) and size > 0 for size in self.shape):
            raise ValueError(f"a parameter's sizes are positive integers, got {self.shape}")

    @property
    def size(self) -> int:
        """How many numbers it holds; a Python integer, so that no size overflows."""
        return math.prod(self.shape)


class Layer(Component):
    """A differentiable step: x (N, *input_shape) → out (N, *output_shape)."""

    kind = "layer"
    plural = "layers"
    examples_independent: ClassVar[bool] = True
    """Whether no example's result depends on another example of the minibatch."""
    stochastic: ClassVar[bool] = False
    """Whether a training pass draws from `ctx.rng`."""

    name: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)] | None = None
    """What the layer is called in parameter names; without it, its type numbered from 1 among its siblings."""

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one output example, from the shape of one input example.

        Raises:
            ValueError: The layer cannot take this shape; the message says which shapes it takes.
        """

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """What is learned, by name. Nothing by default."""
        return {}

    def state(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """What is kept from step to step without being learned, running statistics say. Nothing by default."""
        return {}

    def inner(self, input_shape: Shape) -> Sequence[tuple[str, "Layer", Shape]]:
        """The layers that this layer holds: name, layer, and the input shape that each sees. For tables."""
        return ()

    @abstractmethod
    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, tuple[Any, ...]]:
        """The layer's value, and what backward needs.

        Args:
            x: (N, *input_shape), unchanged on return. N may be 0.
            params: Arrays of the names and shapes that `parameters` gives, unchanged on return.
            ctx: What is not the layer's own; see `Context`.

        Returns:
            out (N, *output_shape) in x's dtype, and the cache: a tuple of exactly what backward needs.
        """

    @abstractmethod
    def backward(self, dout: Array, cache: tuple[Any, ...], ctx: Context) -> tuple[Array | None, Params]:
        """The gradients of the sum of dout · out.

        Args:
            dout: The upstream gradient, (N, *output_shape), unchanged on return.
            cache: What forward returned, unchanged on return.
            ctx: The context that forward was given.

        Returns:
            dx (N, *input_shape), or None where `ctx.needs_input_grad` is False; and the gradient of each
            parameter, with the parameter's name, shape and dtype.
        """


class Loss(Component):
    """What training makes small: the mean over the minibatch of how wrong each row of scores is."""

    kind = "loss"
    plural = "losses"
    metric: ClassVar["Metric | None"] = None
    """What an evaluation reports beside the loss, unless the spec names another metric."""

    def check_scores(self, output_shape: Shape) -> None:
        """Refuses a network whose scores, of this shape per example, the loss cannot take.

        Raises:
            ValueError: Says which shapes it takes.
        """

    def check_labels(self, y: Array, output_shape: Shape) -> None:
        """Refuses labels that do not fit scores of `output_shape`; called once for a data set, not in the step.

        Raises:
            ValueError: Says which label is wrong, and where.
        """

    @abstractmethod
    def value_and_grad(self, scores: Array, y: Array, ctx: Context) -> tuple[float, Array]:
        """The mean loss over the minibatch, and its gradient.

        Args:
            scores: (N, *output_shape), unchanged on return.
            y: N labels that `check_labels` has accepted, unchanged on return.
            ctx: Gives reusable arrays.

        Returns:
            The loss (0.0 for N = 0) and dscores, in the shape and dtype of scores.
        """


class Optimizer(Component):
    """The update rule."""

    kind = "optimizer"
    plural = "optimizers"
    per_tensor: ClassVar[bool] = False
    """False: elementwise, written for one array and handed blocks of all parameters; True: handed each parameter."""

    learning_rate: NonNegativeFloat = 1e-3
    """The step size before the schedule's factor."""

    def slots(self) -> tuple[str, ...]:
        """The names of the arrays kept for each parameter between updates; they start as zeros."""
        return ()

    @abstractmethod
    def update(self, w: Array, dw: Array, slots: Mapping[str, Array], step: int, learning_rate: float) -> None:
        """Changes w, and the slots, in place.

        Args:
            w: A block of all parameters as one flat array, or for a per-tensor optimizer one parameter.
            dw: Its gradient, unchanged on return.
            slots: For each name of `slots()`, an array of w's shape.
            step: How many updates there have been, counting this one: 1, 2, …
            learning_rate: Already multiplied with the schedule's factor.
        """


@dataclass(frozen=True)
class Progress:
    """Where in its training a solver is.

    >>> Progress(step=250, steps_per_epoch=100, steps=1000).epoch
    2
    """

    step: int
    """Updates done so far."""
    steps_per_epoch: int
    """Updates in one epoch."""
    steps: int
    """Updates in the whole training."""

    @property
    def epoch(self) -> int:
        """Epochs done so far."""
        return self.step // self.steps_per_epoch


class Schedule(Component):
    """How the learning rate changes during training."""

    kind = "schedule"
    plural = "schedules"

    def start(self) -> Mapping[str, float]:
        """What the schedule remembers when training starts. Nothing by default."""
        return {}

    @abstractmethod
    def factor(self, progress: Progress, memory: Mapping[str, float]) -> float:
        """What the optimizer's learning rate is multiplied with in the next update: 1.0 leaves it as it is."""

    def observe(self, memory: Mapping[str, float], results: Mapping[str, float]) -> Mapping[str, float]:
        """What the schedule remembers after an evaluation. What it did before, by default.

        Args:
            memory: What it remembered so far; unchanged on return.
            results: The evaluation's figures: "train_loss", "val_loss", and the metric as "train_acc", "val_acc".

        Raises:
            KeyError: A figure that the schedule watches is not among the results.
        """
        return memory


class Regularizer(Component):
    """A penalty on a weight, added to the loss; it acts on every parameter with `decay=True`."""

    kind = "regularizer"
    plural = "regularizers"

    @abstractmethod
    def value_and_grad(self, w: Array, ctx: Context) -> tuple[float, Array]:
        """The penalty on one parameter, and its gradient in w's shape and dtype; w is unchanged on return."""


class Metric(Component):
    """How good scores are, for a person to read. It need not be differentiable."""

    kind = "metric"
    plural = "metrics"
    label: ClassVar[str]
    """The short name under which results and progress show it: "acc"."""
    higher_is_better: ClassVar[bool] = True
    """Which way is better when the best parameters are kept."""

    @abstractmethod
    def value(self, scores: Array, y: Array) -> float:
        """The metric of all N rows of scores (N, *output_shape) against their N labels; N is at least 1."""


@dataclass(frozen=True)
class Data:
    """Six arrays: X (N, *input_shape) and y (N, …) for training, validation and test.

    Raises:
        ValueError: X and y of a split differ in length, the training split is empty, or the example shapes differ.
    """

    X_train: Array
    y_train: Array
    X_val: Array
    y_val: Array
    X_test: Array
    y_test: Array
    classes: tuple[str, ...] = ()
    """What the labels 0, 1, … are called, where the data says."""

    def __post_init__(self) -> None:
        for split, (X, y) in self.splits().items():
            if len(X) != len(y):
                raise ValueError(f"X_{split} has {len(X)} rows and y_{split} has {len(y)}; they must be as many")
            if X.shape[1:] != self.input_shape:
                raise ValueError(f"an example of X_{split} has shape {X.shape[1:]}, one of X_train {self.input_shape}")
        if len(self.X_train) == 0:
            raise ValueError("there is no training example")

    @property
    def input_shape(self) -> Shape:
        """The shape of one example."""
        return tuple(self.X_train.shape[1:])

    def splits(self) -> dict[str, tuple[Array, Array]]:
        """(X, y) under "train", "val" and "test"; validation and test may have no row."""
        return {
            "train": (self.X_train, self.y_train),
            "val": (self.X_val, self.y_val),
            "test": (self.X_test, self.y_test),
        }


class Dataset(Component):
    """Where examples come from."""

    kind = "dataset"
    plural = "datasets"

    seed: NonNegativeInt = 0
    """Draws what the dataset leaves to chance, its split say. Not the training's seed: that leaves the data alone."""

    @abstractmethod
    def load(self, dtype: np.dtype[Any], rng: np.random.Generator) -> Data:
        """Reads the examples; nothing that comes from outside is executed or unpickled.

        Args:
            dtype: What X is made in, so that the data is held once; y keeps integer labels, or has this dtype.
            rng: The only source of randomness, made from `seed`.

        Raises:
            OSError: A file cannot be read.
            ValueError: What was read is not what the dataset promises; the message names file and line.
        """


KINDS: tuple[type[Component], ...] = (
    Layer, Loss, Optimizer, Schedule, Initializer, Regularizer, Metric, Dataset,
)  # fmt: skip
"""The eight kinds, in the order in which they are listed."""
