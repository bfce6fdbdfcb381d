"""The kinds of targets y that losses and metrics take."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from fcframe.components.base import Shape
from fcframe.context import Array


class WrongTargetError(ValueError):
    """A target is wrong.

    Attributes:
        row: The first row with a wrong target.
        problem: The message without the row, for callers that know the row's place in the source.
    """

    def __init__(self, target: object, row: int, problem: str) -> None:
        super().__init__(f"target {target} in row {row} {problem}")
        self.row = row
        self.problem = f"target {target} {problem}"


class Targets(ABC):
    """A kind of targets y for scores of shape (N, *output_shape).

    A loss or a metric declares it as a class attribute: `targets = Classes()`. It is used to refuse a spec whose scores
    have a wrong shape, to refuse data with wrong targets, and to draw targets for the harness.
    """

    @abstractmethod
    def row_shape(self, output_shape: Shape) -> Shape:
        """The shape of one example's target.

        Raises:
            ValueError: There are no such targets for scores of this shape; the message describes the right shapes.
        """

    @abstractmethod
    def draw(self, rng: "np.random.Generator", N: int, output_shape: Shape) -> Array:
        """Draws targets for N examples, for the harness."""

    @abstractmethod
    def find_wrong(self, y: Array, output_shape: Shape) -> Array:
        """A boolean array of y's shape that marks wrong targets. y has the right shape and a numeric dtype."""

    @abstractmethod
    def describe(self, output_shape: Shape) -> str:
        """A description of one target for messages: "an integer from 0 to 9"."""

    integers: bool = False
    """Whether y must have an integer dtype."""
    quantities: ClassVar[bool] = False
    """Whether targets are quantities. If so, class labels are refused although they are numbers."""

    def check(self, y: Array, output_shape: Shape) -> None:
        """Refuses targets that do not fit scores of `output_shape`.

        Raises:
            WrongTargetError: A target is wrong; the message has the first wrong one and its row.
            ValueError: y has a wrong dtype or shape.

        >>> Classes().check(np.array([0, 3]), (3,))
        Traceback (most recent call last):
            ...
        fcframe.components.targets.WrongTargetError: target 3 in row 1 is wrong: expected an integer from 0 to 2, ...
        """
        shape = self.row_shape(output_shape)
        kinds = "iu" if self.integers else "iufb"
        if y.dtype.kind not in kinds or not self._fits(y.shape[1:], shape):
            what = "integers" if self.integers else "numbers"
            got = _rows(y.shape[1:]) if y.ndim else "()"
            remedy = self._remedy(y, shape) if y.ndim else ""
            raise ValueError(f"targets are {what} of shape {_rows(shape)}, got {y.dtype} of shape {got}{remedy}")
        wrong = np.argwhere(self.find_wrong(y, output_shape))
        if len(wrong):
            expected = self.describe(output_shape)
            problem = f"is wrong: expected {expected} ({len(wrong)} of {y.size} targets are wrong)"
            problem += self.remedy(y, output_shape)
            raise WrongTargetError(y[tuple(wrong[0])], int(wrong[0][0]), problem)

    def remedy(self, y: Array, output_shape: Shape) -> str:
        """What to do about wrong targets, as the end of a message, such as "; subtract 1"; empty if it is unknown."""
        return ""

    def _remedy(self, y: Array, shape: Shape) -> str:
        """What to do about targets of a wrong dtype or shape."""
        if y.dtype.kind in "US":
            return "; number the classes: names, y = np.unique(y, return_inverse=True)" if self.integers else ""
        if y.dtype.kind not in "iufb":
            return ""
        change = ""
        if self.integers and shape == () and y.ndim == 2 and y.shape[1] > 1:
            one_hot = bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())
            return "; these rows are one-hot: use y.argmax(axis=1)" if one_hot else ""
        if y.shape[1:] != shape and y.shape[1:] == (*shape, 1):
            change = "[:, 0]" if shape == () else "[..., 0]"
        elif not self._fits(y.shape[1:], shape):
            return ""
        if self.integers and y.dtype.kind not in "iu":
            if y.dtype.kind == "f" and not (y == np.floor(y)).all():
                return "; labels are whole numbers: numbers to be predicted need another loss"
            change += ".astype(int)"
        return f"; use y{change}" if change else ""

    def _fits(self, shape: Shape, expected: Shape) -> bool:
        # For scores of shape (N, 1), targets are usually of shape (N,).
        return shape == expected or (shape == () and prod(expected) == 1)


def _rows(shape: Shape) -> str:
    """The shape of N targets: "(N,)", "(N, 3)"."""
    return f"({', '.join(['N', *map(str, shape)])}{'' if shape else ','})"


@dataclass(frozen=True)
class Classes(Targets):
    """One class per example: integers y (N,) with 0 ≤ y < C, for scores (N, C).

    >>> Classes().row_shape((10,))
    ()
    """

    integers = True

    def row_shape(self, output_shape: Shape) -> Shape:
        """() for scores (C,) of at least two classes."""
        if len(output_shape) != 1:
            raise ValueError(f"it takes one score for each class, shape (C,), got {tuple(output_shape)}")
        if output_shape[0] < 2:
            raise ValueError("it takes one score for each class, so at least 2 scores an example, got 1")
        return ()

    def draw(self, rng: "np.random.Generator", N: int, output_shape: Shape) -> Array:
        """Uniformly distributed classes."""
        return rng.integers(output_shape[0], size=N)

    def find_wrong(self, y: Array, output_shape: Shape) -> Array:
        """Numbers outside of 0 … C − 1."""
        return np.asarray((y < 0) | (y >= output_shape[0]))

    def describe(self, output_shape: Shape) -> str:
        """The range of the classes."""
        return f"an integer from 0 to {output_shape[0] - 1}, for {output_shape[0]} scores an example"

    def remedy(self, y: Array, output_shape: Shape) -> str:
        """How to number the labels from 0 without gaps, or how many scores they need."""
        low, high = int(y.min()), int(y.max())
        if low > 0 and high - low < output_shape[0]:
            return f"; labels count from 0: use y - {low}"
        if low < 0 or high > 2 * output_shape[0]:
            return "; labels count from 0, without gaps: names, y = np.unique(y, return_inverse=True)"
        return f"; labels count from 0, so those up to {high} need {high + 1} scores"


@dataclass(frozen=True)
class Numbers(Targets):
    """One finite number per score: y of the scores' shape, or (N,) where an example has one score.

    >>> Numbers().row_shape((2, 3))
    (2, 3)
    """

    quantities = True

    def row_shape(self, output_shape: Shape) -> Shape:
        """The shape of one example's scores."""
        return tuple(output_shape)

    def draw(self, rng: "np.random.Generator", N: int, output_shape: Shape) -> Array:
        """Normal numbers."""
        return rng.normal(size=(N, *output_shape))

    def find_wrong(self, y: Array, output_shape: Shape) -> Array:
        """NaN and infinite numbers."""
        return ~np.isfinite(y)

    def describe(self, output_shape: Shape) -> str:
        """A finite number."""
        return "a finite number"


class _NumbersWithin(Numbers):
    """Numbers that satisfy a condition."""

    def find_wrong(self, y: Array, output_shape: Shape) -> Array:
        return ~np.isfinite(y) | ~self.satisfied(y)

    @abstractmethod
    def satisfied(self, y: Array) -> Array:
        """Where the condition holds."""


@dataclass(frozen=True)
class Binary(_NumbersWithin):
    """0 or 1 per score, for example one for each label of a multi-label classification."""

    quantities = False

    def draw(self, rng: "np.random.Generator", N: int, output_shape: Shape) -> Array:
        """Zeros and ones."""
        return rng.integers(2, size=(N, *output_shape)).astype(np.float64)

    def satisfied(self, y: Array) -> Array:
        """Where y is 0 or 1."""
        return np.asarray((y == 0) | (y == 1))

    def describe(self, output_shape: Shape) -> str:
        """0 or 1."""
        return "0 or 1"


@dataclass(frozen=True)
class Signs(_NumbersWithin):
    """−1 or 1 per score, as in the two-class hinge loss."""

    quantities = False

    def draw(self, rng: "np.random.Generator", N: int, output_shape: Shape) -> Array:
        """Signs."""
        return rng.choice([-1.0, 1.0], size=(N, *output_shape))

    def satisfied(self, y: Array) -> Array:
        """Where y is −1 or 1."""
        return np.asarray((y == -1) | (y == 1))

    def describe(self, output_shape: Shape) -> str:
        """−1 or 1."""
        return "-1 or 1"


@dataclass(frozen=True)
class Positive(_NumbersWithin):
    """A number greater than 0 per score."""

    def draw(self, rng: "np.random.Generator", N: int, output_shape: Shape) -> Array:
        """Exponentially distributed numbers."""
        return rng.exponential(size=(N, *output_shape)) + 1e-3

    def satisfied(self, y: Array) -> Array:
        """Where y is greater than 0."""
        return np.asarray(y > 0)

    def describe(self, output_shape: Shape) -> str:
        """A number greater than 0."""
        return "a number greater than 0"


@dataclass(frozen=True)
class Counts(_NumbersWithin):
    """An integer of at least 0 per score, as numbers of any dtype."""

    def draw(self, rng: "np.random.Generator", N: int, output_shape: Shape) -> Array:
        """Poisson distributed numbers."""
        return rng.poisson(3.0, size=(N, *output_shape)).astype(np.float64)

    def satisfied(self, y: Array) -> Array:
        """Where y is a whole number of at least 0."""
        return np.asarray((y >= 0) & (y == np.floor(y)))

    def describe(self, output_shape: Shape) -> str:
        """A whole number of at least 0."""
        return "a whole number of at least 0"


@dataclass(frozen=True)
class Shares(_NumbersWithin):
    """A probability per score; the probabilities along the last axis add up to 1."""

    tolerance: float = 1e-4
    """Largest deviation of a sum from 1."""

    def draw(self, rng: "np.random.Generator", N: int, output_shape: Shape) -> Array:
        """Rows of probabilities."""
        return rng.dirichlet([1.0] * output_shape[-1], size=(N, *output_shape[:-1]))

    def satisfied(self, y: Array) -> Array:
        """Where y is at least 0, in rows that add up to 1."""
        sums: Any = y.sum(axis=-1, keepdims=True)
        return np.asarray((y >= 0) & (np.abs(sums - 1) <= self.tolerance))

    def describe(self, output_shape: Shape) -> str:
        """A probability."""
        return "a probability, with a sum of 1 along the last axis"
