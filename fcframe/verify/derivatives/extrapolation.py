"""Derivatives by Richardson extrapolation over many step sizes, from both sides, with error bars.

Used for the few elements that a single central difference does not decide. The method is that of Ridders, "Accurate
computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4 (1982): extrapolate at many step sizes,
estimate the error of each result, and take the result with the smallest error.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from fcframe.context import Array

Difference: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]
"""A function (elements, offsets) → (changes, noise).

elements (m,) are flat indices into x, and offsets (m,) are what is added to each of them, one element at a time.
changes is f(x + offset) − f(x), and noise is a bound of its rounding error: both (m,) for one function, (k, m) for k
functions. Some differences also take elements and offsets of shape (m, g), and then move g elements at once.
"""

ERROR_BARS = 10.0
"""A correct derivative lies within this many error bars of the measured one."""
STEPS = 2.0 ** -np.arange(2, 33, 2)
"""The step sizes h, relative to the element's scale; each is a quarter of the one before."""
CANCELLED = 2.0**12
"""Irregular changes up to this many times the known rounding error are taken for rounding of terms that cancel."""
QUANTUM = 16 * np.finfo(np.float64).eps
"""The largest change, in absolute value, that is taken for one rounding step of a function that moves in steps."""


class ChangeTable:
    """The changes of k functions for m elements of x at all s step sizes, on both sides of x.

    Args:
        difference: Measures the changes.
        scale: (n,), the scale of each element of x.
        elements: (m,), the flat indices of the elements, in ascending order.

    Attributes:
        steps: (s, m), the step sizes h.
        right: (k, s, m), f(x + h) − f(x).
        left: (k, s, m), f(x − h) − f(x).
        noise: (k, s, m), a bound of the rounding error of a change.
    """

    def __init__(self, difference: Difference, scale: Array, elements: Array) -> None:
        self.elements = elements
        self.steps = STEPS[:, None] * scale[elements]
        repeated = np.broadcast_to(elements, self.steps.shape).reshape(-1)
        self.right, self.noise = self._measure(difference, repeated, self.steps)
        self.left, _ = self._measure(difference, repeated, -self.steps)
        with np.errstate(all="ignore"):
            observed = _observed_rounding(self.right, self.left, self.noise)
            self.noise = np.maximum(self.noise, observed[:, None, None])

    def _measure(self, difference: Difference, repeated: Array, steps: Array) -> tuple[Array, Array]:
        changes, noise = difference(repeated, steps.reshape(-1))
        return changes.reshape(-1, *steps.shape), noise.reshape(-1, *steps.shape)


def _observed_rounding(right: Array, left: Array, noise: Array) -> Array:
    """The rounding error that is visible in the changes at the three smallest steps: (k, s, m) → (k,).

    The bound `noise` is computed from the size of f(x). It is too small where large terms cancel inside f, so the
    rounding error is also estimated from the changes themselves, in two ways.
    """
    # 1. For a smooth f and small h, three combinations of the changes tend to 0:
    #      right(h) + left(h)       = f(x + h) + f(x − h) − 2 f(x) = O(h²)
    #      right(h) − 4 right(h/4)  = O(h²),   and the same for left.
    #    At the three smallest steps h, h/4, h/16 the truncation error, and also a kink, a jump or a root at x, gives
    #    three values in a geometric sequence (first · third = second²). Rounding gives irregular values. A value much
    #    larger than rounding can be has another cause, for example a layer that draws new random numbers each time.
    residuals = (right + left, right[:, :-1] - 4 * right[:, 1:], left[:, :-1] - 4 * left[:, 1:])
    largest_rounding = CANCELLED * np.maximum(noise[:, -3:].max(axis=1), np.finfo(np.float64).eps)
    observed = np.zeros(largest_rounding.shape)  # (k, m)
    for residual in residuals:
        first, second, third = residual[:, -3], residual[:, -2], residual[:, -1]
        geometric = (first * third > 0) & (np.abs(first * third - second**2) <= 0.1 * second**2)
        size = np.maximum.reduce((np.abs(first), np.abs(second), np.abs(third)))
        observed = np.maximum(observed, np.where(~geometric & (size <= largest_rounding), size, 0.0))
    # 2. If f does not change at all at the smallest steps, but does at the largest one, its values move in steps. The
    #    smallest change that is not 0 is one of them.
    sizes = np.minimum(np.abs(right), np.abs(left))
    smallest = np.where(sizes > 0, sizes, np.inf).min(axis=1)
    constant = ((right == 0) & (left == 0))[:, -3:].all(axis=1) & (sizes[:, 0] > 0) & (smallest <= QUANTUM)
    return np.asarray(np.maximum(observed, np.where(constant, smallest, 0.0)).max(axis=1))


class Slopes:
    """The slopes of one function at some of a table's elements, from the right and from the left, both (s, m).

    Args:
        table: The measured changes.
        row: The index of the function, 0 to k − 1.
        elements: (m,), the flat indices of the elements; all of them must be in the table.
    """

    def __init__(self, table: ChangeTable, row: int, elements: Array) -> None:
        columns = np.searchsorted(table.elements, elements)
        self.steps, self.noise = table.steps[:, columns], table.noise[row][:, columns]
        self.right = table.right[row][:, columns] / self.steps
        self.left = table.left[row][:, columns] / -self.steps

    def central(self) -> tuple[Array, Array]:
        """The derivative from central differences, and its error bar; both (m,)."""
        # D(h) = (f(x + h) − f(x − h)) / 2h is the mean of the two one-sided slopes.
        slopes = (self.right + self.left) / 2
        # D(h) = f'(x) + a h² + O(h⁴), and the next step is h/4, so (16 D(h/4) − D(h)) / 15 = f'(x) + O(h⁴).
        return self._best_estimate((16 * slopes[1:] - slopes[:-1]) / 15, slopes)

    def one_sided(self, slopes: Array) -> tuple[Array, Array]:
        """The derivative from one side, of `right` or `left`, and its error bar; both (m,)."""
        # S(h) = f'(x) + a h + O(h²), and the next step is h/4, so (4 S(h/4) − S(h)) / 3 = f'(x) + O(h²).
        return self._best_estimate((4 * slopes[1:] - slopes[:-1]) / 3, slopes)

    def jumps(self) -> Array:
        """Whether a slope grows without limit as the step shrinks, as at a jump or at a root of x; booleans (m,)."""
        found = np.zeros(self.steps.shape[1], bool)
        for slopes in (np.abs(self.right), np.abs(self.left)):
            above_noise = slopes * self.steps > 1e3 * self.noise
            found |= (above_noise.all(axis=0)) & (slopes[1:] > 1.5 * slopes[:-1]).all(axis=0)
        return found

    def _best_estimate(self, extrapolated: Array, slopes: Array) -> tuple[Array, Array]:
        """For each element, the extrapolated slope with the smallest error bar, and that error bar; both (m,).

        Args:
            extrapolated: (s − 1, m), where row j is computed from the slopes at the steps j and j + 1.
            slopes: (s, m).
        """
        # Error bar of R_j = extrapolated[j], with the slope D(h) at the smaller of its two steps, h = steps[j + 1]:
        #   E_j = max(|R_j − D(h)|, |R_j − R_{j+1}|, |R_j − R_{j+2}|) + 2 noise / h
        # The first three terms estimate the truncation error, and the last one bounds the rounding error.
        to_finer = np.maximum(
            np.abs(extrapolated[:-2] - extrapolated[1:-1]), np.abs(extrapolated[:-2] - extrapolated[2:])
        )
        value, unextrapolated = extrapolated[:-2], slopes[1:-2]
        error = np.maximum(np.abs(value - unextrapolated), to_finer) + 2 * (self.noise / self.steps)[1:-2]
        error = np.where(np.isfinite(error), error, np.inf)
        # A slope is a limit, so an estimate must also lie within the error bars of all estimates from smaller steps.
        # At large steps, three estimates can agree by chance: for a periodic function, or with a kink nearby. So go
        # from the smallest step to the largest, keep the interval [low, high] that the error bars so far have in
        # common, and make the error bar of an estimate outside of it at least as large as its distance from it.
        low, high = np.full(value.shape[1], -np.inf), np.full(value.shape[1], np.inf)
        for index in range(len(value) - 1, -1, -1):
            distance = np.maximum(low - value[index], value[index] - high)
            error[index] = np.maximum(error[index], np.where(np.isfinite(distance), distance, 0))
            low = np.fmax(low, value[index] - ERROR_BARS * error[index])
            high = np.fmin(high, value[index] + ERROR_BARS * error[index])
        best = np.argmin(error, axis=0), np.arange(value.shape[1])
        return value[best], error[best]
