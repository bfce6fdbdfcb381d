"""What the checks of losses, optimizers and the other small kinds are handed: a component in one case, with arrays."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fcframe.components import Component, Data, Dataset, Loss, Metric, Optimizer, Regularizer, Shape
from fcframe.context import Array, Context
from fcframe.plugins import Registry
from fcframe.verify.labels import MANY, Labelled, N
from fcframe.verify.trial import unusual_fields


def named(component: Component) -> str:
    """A configuration's name: the fields that are not at their defaults."""
    return ",".join(unusual_fields(component)) or "defaults"


def drawing(component: Component, seed: int) -> np.random.Generator:
    """A generator of its own for each configuration."""
    return np.random.default_rng([seed, zlib.crc32(f"{component.type} {named(component)}".encode())])


@dataclass(frozen=True)
class Form:
    """A component's class, and what is registered beside it."""

    component: type[Component]
    registry: Registry

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The JSON Schema of each field."""
        found: dict[str, Any] = self.component.model_json_schema().get("properties", {})
        return found

    def made(self, document: Mapping[str, Any]) -> Component:
        """The component that a JSON document describes.

        Raises:
            ValidationError: The class refuses it.
        """
        return self.component.model_validate(dict(document), context={"registry": self.registry})


@dataclass(frozen=True)
class LossTrial:
    """A loss with scores and labels that it takes."""

    loss: Loss
    labelled: Labelled
    seed: int = 0
    dtype: Any = np.float64
    ties: bool = False

    @cached_property
    def drawn(self) -> tuple[Array, Array]:
        """The scores and the labels."""
        return self.labelled.draw(N, drawing(self.loss, self.seed), self.dtype, self.ties)

    @property
    def scores(self) -> Array:
        """(N, *output_shape)."""
        return self.drawn[0]

    @property
    def y(self) -> Array:
        """N labels."""
        return self.drawn[1]

    def value(self, scores: Array | None = None, y: Array | None = None) -> float:
        """The loss, of the trial's arrays unless others are given."""
        return self.value_and_grad(scores, y)[0]

    def value_and_grad(
        self, scores: Array | None = None, y: Array | None = None, ctx: Context | None = None
    ) -> tuple[float, Array]:
        """The loss and dscores, of copies, and in a fresh context unless one is given."""
        scores, y = self.scores if scores is None else scores, self.y if y is None else y
        ctx = Context(dtype=self.dtype) if ctx is None else ctx
        return self.loss.value_and_grad(scores.copy(), y.copy(), ctx)


@dataclass(frozen=True)
class MetricTrial:
    """A metric with scores and labels that it takes, 12 rows of them."""

    metric: Metric
    labelled: Labelled
    seed: int = 0

    @property
    def drawn(self) -> tuple[Array, Array]:
        """The scores and the labels, the same whenever they are asked for."""
        return self.labelled.draw(MANY, drawing(self.metric, self.seed))


@dataclass(frozen=True)
class PenaltyTrial:
    """A regularizer with a weight; every third number of it is exactly 0."""

    regularizer: Regularizer
    shape: Shape
    seed: int = 0
    dtype: Any = np.float64

    @cached_property
    def w(self) -> Array:
        """The weight, with values that float32 can hold."""
        w = drawing(self.regularizer, self.seed).normal(size=self.shape)
        w.reshape(-1)[::3] = 0.0
        return w.astype(np.float32).astype(self.dtype)

    def value_and_grad(self, w: Array | None = None, ctx: Context | None = None) -> tuple[float, Array]:
        """The penalty and its gradient, of a copy, and in a fresh context unless one is given."""
        ctx = Context(dtype=self.dtype) if ctx is None else ctx
        return self.regularizer.value_and_grad((self.w if w is None else w).copy(), ctx)


@dataclass
class Weights:
    """Parameters that an optimizer updates, with the slots that it declares."""

    optimizer: Optimizer
    w: Sequence[Array]
    slots: Sequence[dict[str, Array]]

    def update(self, dw: Sequence[Array], step: int, learning_rate: float | None = None) -> list[Any]:
        """One update of each, with copies of the gradients, and what was returned."""
        rate = self.optimizer.learning_rate if learning_rate is None else learning_rate
        pieces = zip(self.w, dw, self.slots, strict=True)
        return [self.optimizer.update(w, dw.copy(), slots, step, rate) for w, dw, slots in pieces]

    def updated(self, gradients: Sequence[Sequence[Array]], start: int = 1) -> "Weights":
        """Itself, after an update with each of these gradients."""
        for step, dw in enumerate(gradients, start):
            self.update(dw, step)
        return self

    def copy(self, optimizer: Optimizer | None = None) -> "Weights":
        """The same numbers in other arrays, as a checkpoint restores them."""
        slots = [{name: array.copy() for name, array in own.items()} for own in self.slots]
        return Weights(optimizer or self.optimizer, [array.copy() for array in self.w], slots)

    def bytes(self) -> list[bytes]:
        """All numbers, exactly."""
        arrays = [*self.w, *(own[name] for own in self.slots for name in self.optimizer.slots())]
        return [array.tobytes() for array in arrays]


@dataclass(frozen=True)
class OptimizerTrial:
    """An optimizer with parameters of a few shapes: one flat array if it is elementwise."""

    optimizer: Optimizer
    declared: bool = True
    """Whether its author chose the configuration, as an example or as the defaults."""
    seed: int = 0

    @property
    def shapes(self) -> Sequence[Shape]:
        """What `update` is handed."""
        return ((6, 4), (3, 5), (7,), (2, 3, 4)) if self.optimizer.per_tensor else ((50,),)

    def drawn(self, count: int, dtype: Any = np.float64, scale: float = 1.0) -> list[list[Array]]:
        """`count` times an array of each shape, of normal numbers that float32 can hold."""
        rng = drawing(self.optimizer, self.seed)
        return [
            [(scale * rng.normal(size=shape).astype(np.float32).astype(np.float64)).astype(dtype)
             for shape in self.shapes]
            for _ in range(count)
        ]  # fmt: skip

    def start(self, dtype: Any = np.float64) -> Weights:
        """Parameters before the first update."""
        w = self.drawn(1, dtype)[0]
        return Weights(
            self.optimizer, w, [{name: np.zeros_like(array) for name in self.optimizer.slots()} for array in w]
        )

    def gradients(self, count: int, dtype: Any = np.float64, scale: float = 1.0) -> list[list[Array]]:
        """Gradients for some updates; of other numbers than the parameters."""
        return self.drawn(count + 1, dtype, scale)[1:]


@dataclass(frozen=True)
class DataTrial:
    """A dataset, to be loaded."""

    dataset: Dataset
    seed: int = 0

    def load(self, dtype: Any = np.float64, seed: int | None = None) -> tuple[Data, bool]:
        """The data, and whether the dataset drew from its generator.

        Raises:
            OSError: It is not there.
        """
        rng = np.random.default_rng(self.dataset.seed if seed is None else seed)
        before = rng.bit_generator.state
        data = self.dataset.load(np.dtype(dtype), rng)
        return data, rng.bit_generator.state != before
