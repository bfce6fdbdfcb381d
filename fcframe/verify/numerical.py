"""Numerical derivatives with error bars, and the verdict on an analytic one.

A derivative is measured by central differences at two steps and Richardson's extrapolation; how far the two disagree,
and what rounding can do, is its error bar. Most elements are settled by that. The others are measured again over many
scales, from both sides: the scale with the smallest error bar counts, and where the slopes from left and right differ
by more than their error bars there is a kink, at which any value between the slopes is a subgradient. (Ridders,
"Accurate computation of F'(x) and F'(x)F''(x)", 1982, for choosing among step sizes by the error that they show.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np

from fcframe.context import Array

Difference: TypeAlias = Callable[[Array, Array], tuple[Array, Array]]
"""(elements (m,), offsets (m,)) → f(x + offset·e) − f(x) and the size of its rounding error, each (m,)."""

ERROR_BARS = 10.0
"""How many error bars a right derivative may be away."""
RELATIVE = 1e-7
"""What is left to the analytic value's own rounding, relative to the derivative."""
ABSOLUTE = 1e-10
"""The same, relative to the largest derivative of the array."""
SCREEN = 1e-3
"""The first step, relative to the element's scale."""
SCALES = 10.0 ** np.arange(-1, -9, -1)
"""The steps of the closer look, relative to the element's scale."""
VAGUE = 1e-3
"""An error bar of this share of the derivative's size decides nothing."""
NATURAL = 1e-5
"""A derivative that is 0 has no size: then this share of the slope that the function's values would allow counts."""


class Verdict(Enum):
    """What is known of one analytic derivative."""

    AGREES = "agrees"
    WRONG = "wrong"
    KINK = "kink"
    INCONCLUSIVE = "inconclusive"


@dataclass
class Judgement:
    """The verdict on each element of an array, in its flat order."""

    analytic: Array
    numerical: Array
    """The measured derivative; at a kink the nearer end of the subgradients."""
    error: Array
    """Its error bar."""
    verdicts: "np.ndarray[Any, np.dtype[np.object_]]"
    low: Array
    """The smaller of the one-sided slopes where there is a kink, else the derivative."""
    high: Array

    def where(self, verdict: Verdict) -> Array:
        """The flat indices of the elements with this verdict."""
        return np.flatnonzero(self.verdicts == verdict)

    def worst(self) -> int:
        """The flat index of the wrong element that is furthest off, in error bars and then in size."""
        wrong = self.where(Verdict.WRONG)
        off = np.abs(self.analytic[wrong] - self.numerical[wrong])
        off = np.where(np.isfinite(off), off, np.inf)
        return int(wrong[np.argmax(off)])


def scales(x: Array) -> Array:
    """The scale of each element, by which steps are measured: its size, or that of the array where it is nearly 0."""
    flat = np.abs(x.reshape(-1)).astype(np.float64)
    typical = float(np.sqrt(np.mean(flat * flat))) if flat.size else 1.0
    return np.maximum(flat, 1e-2 * typical if typical > 0 else 1.0)


def judge(analytic: Array, difference: Difference, scale: Array) -> Judgement:
    """Holds analytic derivatives of a scalar function against measured ones.

    Args:
        analytic: (n,), one derivative for each element of x.
        difference: Measures the function.
        scale: (n,), from `scales`.

    Returns:
        The verdict on each element.
    """
    n = len(analytic)
    elements = np.arange(n)
    steps = SCREEN * scale
    coarse, _ = _central(difference, elements, steps)
    fine, noise = _central(difference, elements, steps / 2)
    with np.errstate(all="ignore"):
        value = fine + (fine - coarse) / 3
        error = np.abs(value - fine) + noise
        size = _size(value)
        close = _tolerance(value, error, size)
        natural = noise / np.finfo(np.float64).eps * SCREEN
        measure = np.maximum(np.maximum(np.abs(value), 1e-3 * size), NATURAL * natural)
        settled = (np.abs(analytic - value) <= close) & (error <= 1e-3 * VAGUE * measure)
    verdicts = np.full(n, Verdict.AGREES, dtype=object)
    judgement = Judgement(analytic, value, error, verdicts, value.copy(), value.copy())
    rest = np.flatnonzero(~settled)
    if len(rest):
        _look_closer(judgement, difference, scale, rest, size, natural[rest])
    return judgement


def _look_closer(
    judgement: Judgement, difference: Difference, scale: Array, rest: Array, size: float, natural: Array
) -> None:
    """Measures the elements that the first look left open, over all scales and from both sides."""
    with np.errstate(all="ignore"):
        table = _Table(difference, scale, rest)
        value, error = table.best_central()
        left, left_error = table.best_side(-1)
        right, right_error = table.best_side(+1)
        analytic = judgement.analytic[rest]
        margin = ERROR_BARS * (left_error + right_error) + RELATIVE * (np.abs(left) + np.abs(right)) + ABSOLUTE * size
        kink = np.abs(left - right) > margin
        jump = table.jumps()
        low = np.minimum(left, right) - ERROR_BARS * np.maximum(left_error, right_error)
        high = np.maximum(left, right) + ERROR_BARS * np.maximum(left_error, right_error)
        room = RELATIVE * np.maximum(np.abs(low), np.abs(high)) + ABSOLUTE * size
        between = (analytic >= low - room) & (analytic <= high + room)
        close = np.abs(analytic - value) <= _tolerance(value, error, size)
        vague = error > VAGUE * np.maximum(np.maximum(np.abs(value), 1e-2 * size), NATURAL * natural)
    for place, element in enumerate(rest):
        smooth = not kink[place] and not jump[place]
        nearest = value[place] if smooth else min(max(analytic[place], low[place]), high[place])
        judgement.numerical[element] = nearest
        judgement.error[element] = error[place] if smooth else max(left_error[place], right_error[place])
        judgement.low[element], judgement.high[element] = (
            (value[place], value[place]) if smooth else (low[place], high[place])
        )
        judgement.verdicts[element] = _verdict(
            bool(np.isfinite(analytic[place])), smooth, bool(jump[place]), bool(between[place]), bool(close[place]),
            bool(vague[place] or not np.isfinite(value[place])),
        )  # fmt: skip


def _verdict(finite: bool, smooth: bool, jump: bool, between: bool, close: bool, vague: bool) -> Verdict:
    if not finite:
        return Verdict.INCONCLUSIVE if vague else Verdict.WRONG
    if jump:  # the function has no slope here, so there is nothing that backward could give
        return Verdict.KINK
    if not smooth:
        return Verdict.KINK if between else Verdict.WRONG
    if vague:
        return Verdict.INCONCLUSIVE
    return Verdict.AGREES if close else Verdict.WRONG


class _Table:
    """Differences of some elements over all scales, each at a step and at half of it, on both sides."""

    def __init__(self, difference: Difference, scale: Array, elements: Array) -> None:
        shape = (len(SCALES), len(elements))
        self.steps = SCALES[:, None] * scale[elements]
        many = np.broadcast_to(elements, shape).reshape(-1)

        def measured(steps: Array) -> tuple[Array, Array]:
            values, noise = difference(many, steps.reshape(-1))
            return values.reshape(shape), noise.reshape(shape)

        self.right, self.noise = measured(self.steps)
        self.left, _ = measured(-self.steps)
        self.right_half, _ = measured(self.steps / 2)
        self.left_half, _ = measured(-self.steps / 2)

    def best_central(self) -> tuple[Array, Array]:
        """The derivative and its error bar, at the scale where that is smallest."""
        coarse = (self.right - self.left) / (2 * self.steps)
        fine = (self.right_half - self.left_half) / self.steps
        return self._best(fine + (fine - coarse) / 3, fine)

    def best_side(self, side: int) -> tuple[Array, Array]:
        """The slope from one side and its error bar, at the scale where that is smallest."""
        whole, half = (self.right, self.right_half) if side > 0 else (self.left, self.left_half)
        coarse, fine = whole / (side * self.steps), half / (side * self.steps / 2)
        return self._best(2 * fine - coarse, fine)

    def jumps(self) -> Array:
        """Where a slope grows without end as the step shrinks: the function jumps, or rises like a root."""
        found = np.zeros(self.steps.shape[1], bool)
        for values in (self.right, self.left):
            slopes = np.abs(values) / self.steps
            loud = np.abs(values) > 1e3 * self.noise
            grows = (slopes[1:] > 2 * slopes[:-1]) & loud[1:] & loud[:-1]
            found |= grows.all(axis=0)
        return found

    def _best(self, value: Array, finest: Array) -> tuple[Array, Array]:
        """Chooses by how far a scale's value is from its own coarser estimate and from its neighbours."""
        apart = np.abs(np.diff(value, axis=0))
        nearest = np.minimum(np.vstack([apart, apart[-1:]]), np.vstack([apart[:1], apart]))
        error = np.maximum(np.abs(value - finest), nearest) + 2 * self.noise / self.steps
        error = np.where(np.isfinite(error), error, np.inf)
        best = np.argmin(error, axis=0)
        columns = np.arange(value.shape[1])
        return value[best, columns], error[best, columns]


def _central(difference: Difference, elements: Array, steps: Array) -> tuple[Array, Array]:
    right, noise = difference(elements, steps)
    left, _ = difference(elements, -steps)
    return (right - left) / (2 * steps), noise / steps


def _size(value: Array) -> float:
    finite = np.abs(value[np.isfinite(value)])
    return float(finite.max()) if finite.size else 0.0


def _tolerance(value: Array, error: Array, size: float) -> Array:
    return ERROR_BARS * error + RELATIVE * np.abs(value) + ABSOLUTE * size
