"""The closer look at a derivative: changes at many steps, slopes from both sides, and their error bars."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from fcframe.context import Array

Difference: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]
"""(elements (m,), offsets (m,)) → by how much a function changes when that element of x is moved by that offset, and
the size of the change's rounding error: both (m,), or (k, m) for k functions. Some move g elements at once: (m, g)."""

ERROR_BARS = 10.0
"""How many error bars a right derivative may be away."""
STEPS = 2.0 ** -np.arange(2, 33, 2)
"""The steps of the closer look, relative to the element's scale; each a quarter of the one before."""
CANCELLED = 2.0**12
"""Changes of so many times the rounding error of a function's value, or of 1, may be those of terms that cancel."""
QUANTUM = 16 * np.finfo(np.float64).eps
"""A function that stands still at short steps is believed to go in steps of its own, if these are no longer."""


class Table:
    """The changes of some elements at all steps, on both sides."""

    def __init__(self, difference: Difference, scale: Array, elements: Array) -> None:
        self.elements = elements
        self.steps = STEPS[:, None] * scale[elements]
        many = np.broadcast_to(elements, self.steps.shape).reshape(-1)
        self.right, self.noise = self._measured(difference, many, self.steps)
        self.left, _ = self._measured(difference, many, -self.steps)
        with np.errstate(all="ignore"):
            self.noise = np.maximum(self.noise, _seen(self.right, self.left, self.noise)[:, None, None])

    def _measured(self, difference: Difference, many: Array, steps: Array) -> tuple[Array, Array]:
        changes, noise = difference(many, steps.reshape(-1))
        return changes.reshape(-1, *steps.shape), noise.reshape(-1, *steps.shape)


def _seen(right: Array, left: Array, noise: Array) -> Array:
    """The rounding errors that show at the shortest steps, for each function the largest; (k, steps, m) → (k,).

    Where terms cancel within a function, its value does not tell how large they are. There the changes on both sides
    add up to nothing, and those on one side are in proportion to the steps, but for a kink, a jump or a root at x: then
    what is left goes in a geometric row from one step to the next. What is larger than cancelling terms can explain is
    no rounding: a layer that draws anew, say. And where a function stands still at the shortest steps, though not at
    the longest, its least change is a step of its own.
    """
    left_over = (right + left, right[:, :-1] - 4 * right[:, 1:], left[:, :-1] - 4 * left[:, 1:])
    believed = CANCELLED * np.maximum(noise[:, -3:].max(axis=1), np.finfo(np.float64).eps)
    found = np.zeros(right.shape[::2])
    for first, second, third in ((changes[:, -3], changes[:, -2], changes[:, -1]) for changes in left_over):
        in_a_row = (first * third > 0) & (np.abs(first * third - second**2) <= 0.1 * second**2)
        rough = np.maximum.reduce((np.abs(first), np.abs(second), np.abs(third)))
        found = np.maximum(found, np.where(~in_a_row & (rough <= believed), rough, 0.0))
    sizes = np.minimum(np.abs(right), np.abs(left))
    least = np.where(sizes > 0, sizes, np.inf).min(axis=1)
    still = ((right == 0) & (left == 0))[:, -3:].all(axis=1) & (sizes[:, 0] > 0) & (least <= QUANTUM)
    return np.asarray(np.maximum(found, np.where(still, least, 0.0)).max(axis=1))


class Slopes:
    """What a table says of one function at some of its elements."""

    def __init__(self, table: Table, row: int, elements: Array) -> None:
        columns = np.searchsorted(table.elements, elements)
        self.steps, self.noise = table.steps[:, columns], table.noise[row][:, columns]
        self.right = table.right[row][:, columns] / self.steps
        self.left = table.left[row][:, columns] / -self.steps

    def central(self) -> tuple[Array, Array]:
        """The derivative and its error bar."""
        slopes = (self.right + self.left) / 2
        # D(h) = f' + a h² + …, the next step is h/4: (16 D(h/4) − D(h)) / 15 is without the term in h² (Richardson).
        return self._best((16 * slopes[1:] - slopes[:-1]) / 15, slopes)

    def side(self, slopes: Array) -> tuple[Array, Array]:
        """The slope from one side and its error bar."""
        # One-sided, S(h) = f' + a h + …: (4 S(h/4) − S(h)) / 3 is without the term in h.
        return self._best((4 * slopes[1:] - slopes[:-1]) / 3, slopes)

    def jumps(self) -> Array:
        """Where a slope grows without end as the step shrinks: the function jumps, or rises like a root."""
        found = np.zeros(self.steps.shape[1], bool)
        for slopes in (np.abs(self.right), np.abs(self.left)):
            loud = slopes * self.steps > 1e3 * self.noise
            found |= (loud.all(axis=0)) & (slopes[1:] > 1.5 * slopes[:-1]).all(axis=0)
        return found

    def _best(self, value: Array, slopes: Array) -> tuple[Array, Array]:
        """Of the extrapolated slopes the one that agrees best with its own coarser estimate and the two finer ones.

        An estimate must also lie within the error bars of all finer ones: a slope is a limit, and what large steps say
        of a periodic function, or of one with a kink nearby, may look certain.
        """
        # The error bar: how far an estimate is from its coarser one and from the two finer ones, and 2 noise / h.
        finer = np.maximum(np.abs(value[:-2] - value[1:-1]), np.abs(value[:-2] - value[2:]))
        value, coarse = value[:-2], slopes[1:-2]
        error = np.maximum(np.abs(value - coarse), finer) + 2 * (self.noise / self.steps)[1:-2]
        error = np.where(np.isfinite(error), error, np.inf)
        low, high = np.full(value.shape[1], -np.inf), np.full(value.shape[1], np.inf)
        for place in range(len(value) - 1, -1, -1):
            outside = np.maximum(low - value[place], value[place] - high)
            error[place] = np.maximum(error[place], np.where(np.isfinite(outside), outside, 0))
            low = np.fmax(low, value[place] - ERROR_BARS * error[place])
            high = np.fmin(high, value[place] + ERROR_BARS * error[place])
        best = np.argmin(error, axis=0), np.arange(value.shape[1])
        return value[best], error[best]
