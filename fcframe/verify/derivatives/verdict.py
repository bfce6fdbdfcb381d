"""Numerical derivatives with error bars, and the verdict on an analytic one.

Every element is moved to either side; where the central difference and the analytic derivative agree closely, two
independent computations gave one number, and that settles it. Where an evaluation is dear, a few elements are moved
together, each by a random share of its step, and the analytic derivatives must add up to what is measured: errors of
several would have to know the shares to cancel. Each of a group that does not agree is moved alone. Where that does not
agree either, the step may have been too long, or a kink within it, and a shorter one is tried. The elements that are
left are measured at many steps, from both sides, each extrapolated from two steps (Richardson): how far the estimates
disagree, and what rounding can do, is the error bar, and the step with the smallest one counts (Ridders, "Accurate
computation of F'(x) and F'(x)F''(x)", 1982). Where the slopes from left and right differ by more than their error bars
there is a kink, at which any value between the slopes is a subgradient. What is found wrong is measured once more, at
other steps, before it is said.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from fcframe.context import Array
from fcframe.verify.derivatives.extrapolation import ERROR_BARS, Difference, Slopes, Table

RELATIVE_TOLERANCE = 1e-7
"""What is left to the analytic value's own rounding, relative to the derivative."""
ABSOLUTE_TOLERANCE = 1e-10
"""The same, relative to the largest derivative of the array."""
FIRST_STEP, SECOND_STEP = 2.0**-14, 2.0**-17
"""The first two steps, relative to the element's scale. All steps are powers of 2, so that x + step is exact."""
GROUP_SIZE = 4
"""How many elements are moved together."""
MIN_GROUPED = 2 * GROUP_SIZE
"""For fewer elements it is not worth the trouble."""
SHARE_RESOLUTION = 2**20
"""An element's share of its step, 1/2 to 1, is a multiple of 1 / SHARE_RESOLUTION, so that x + step is exact."""
MAX_GROUP_RATIO = 4.0
"""How many times as large as another a derivative of a group may be: a sum says little of what is much smaller."""
REPEAT_STEP_RATIO = 0.75
"""By how much the steps of the second closer look differ from those of the first."""
MAX_RELATIVE_ERROR = 1e-3
"""An error bar of this share of the derivative's size decides nothing."""
KINK_TOLERANCE = 1e-3
"""How well derivatives at points nearby bound the subgradients at a kink, relative to how far they are apart."""
MIN_NATURAL_SHARE = 1e-5
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
    """The measured derivative; at a kink the subgradient that is nearest to the analytic value."""
    error: Array
    """Its error bar."""
    verdicts: "np.ndarray[Any, np.dtype[np.object_]]"
    low: Array
    """The smaller of the one-sided slopes where there is a kink, else the derivative."""
    high: Array

    def where(self, verdict: Verdict) -> Array:
        """The flat indices of the elements with this verdict."""
        return np.flatnonzero(self.verdicts == verdict)

    def has(self, verdict: Verdict) -> bool:
        """Whether any element has this verdict."""
        return verdict in self.verdicts.tolist()

    def worst(self) -> int:
        """The flat index of the wrong element that is furthest off."""
        wrong = self.where(Verdict.WRONG)
        off = np.abs(self.analytic[wrong] - self.numerical[wrong])
        off = np.where(np.isfinite(off), off, np.inf)
        return int(wrong[np.argmax(off)])

    @property
    def outside_a_kink(self) -> bool:
        """Whether some element is wrong at a kink."""
        if not self.has(Verdict.WRONG):
            return False
        wrong = self.where(Verdict.WRONG)
        return bool(np.any(self.low[wrong] < self.high[wrong]))

    def widen(self, derivatives: Array) -> None:
        """Takes further subgradients in, at the elements that are wrong at a kink."""
        kinks = (self.verdicts == Verdict.WRONG) & (self.low < self.high) & np.isfinite(derivatives)
        self.low[kinks] = np.minimum(self.low, derivatives)[kinks]
        self.high[kinks] = np.maximum(self.high, derivatives)[kinks]
        self.numerical[kinks] = np.clip(self.analytic, self.low, self.high)[kinks]
        off = np.abs(self.analytic - self.numerical) <= KINK_TOLERANCE * (self.high - self.low)
        self.verdicts[kinks & off] = Verdict.KINK


def scales(x: Array) -> Array:
    """The scale of each element, by which steps are measured: its size, or that of the array where it is nearly 0.

    >>> scales(np.array([0.0, 3.0, -100.0]))
    array([ 0.5,  4. , 128. ])
    """
    flat = np.abs(x.reshape(-1)).astype(np.float64)
    typical = float(np.sqrt(np.mean(flat * flat))) if flat.size else 1.0
    size = np.maximum(flat, 1e-2 * typical if typical > 0 else 1.0)
    return np.asarray(np.exp2(np.round(np.log2(size))))


def judge(analytic: Array, difference: Difference, scale: Array, rounding: float = 0.0) -> Judgement:
    """Holds analytic derivatives of a scalar function against measured ones; see `judge_all`, for one function."""

    def alone(elements: Array, offsets: Array) -> tuple[Array, Array]:
        changes, noise = difference(elements, offsets)
        return changes[None], noise[None]

    return judge_all(analytic[None], alone, scale, rounding)[0]


def judge_all(
    analytic: Array, difference: Difference, scale: Array, rounding: float = 0.0, *, together: bool = False
) -> list[Judgement]:
    """Holds analytic derivatives of k scalar functions of one array against measured ones.

    Args:
        analytic: (k, n), for each function one derivative for each element of x.
        difference: Measures the functions.
        scale: (n,), from `scales`.
        rounding: The rounding error of the analytic derivatives where terms cancel.
        together: Whether `difference` can move several elements at once.

    Returns:
        For each function the verdict on each element.
    """
    with np.errstate(all="ignore"):
        value, error, settled = _in_groups(analytic, difference, scale, rounding, together)
        rest = np.flatnonzero(~settled)
        if len(rest):
            value[:, rest], error[:, rest] = _central(difference, rest, FIRST_STEP * scale[rest])
        size = np.where(np.isfinite(value), np.abs(value), 0).max(axis=1, initial=0)[:, None]
        room = ABSOLUTE_TOLERANCE * size + rounding
        # error = noise / step and noise = eps · |f|: error · step / eps is |f| over one scale, a natural size.
        natural = error * FIRST_STEP / np.finfo(np.float64).eps
        settled = settled | _agrees(analytic, value, error, size, natural, room)
        rest = np.flatnonzero(~settled.all(axis=0))
        if len(rest):
            found = _central(difference, rest, SECOND_STEP * scale[rest])
            now = _agrees(analytic[:, rest], *found, size, natural[:, rest], room) & ~settled[:, rest]
            value[:, rest], error[:, rest] = np.where(now, found, (value[:, rest], error[:, rest]))
            settled[:, rest] |= now
            rest = rest[~settled[:, rest].all(axis=0)]
    verdicts = np.full(analytic.shape, Verdict.AGREES, dtype=object)
    rows = zip(analytic, value, error, verdicts, value.copy(), value.copy(), strict=True)
    judgements = [Judgement(*row) for row in rows]
    if not len(rest):
        return judgements
    table = Table(difference, scale, rest)
    for row, judgement in enumerate(judgements):
        _look_closer(
            judgement, table, row, rest[~settled[row, rest]], float(size[row, 0]), natural[row], float(room[row, 0])
        )
    wrong = [judgement.where(Verdict.WRONG) for judgement in judgements]
    doubtful = np.unique(np.concatenate(wrong))
    if len(doubtful):
        table = Table(difference, REPEAT_STEP_RATIO * scale, doubtful)
        for row, judgement in enumerate(judgements):
            _look_closer(judgement, table, row, wrong[row], float(size[row, 0]), natural[row], float(room[row, 0]))
    return judgements


def _central(difference: Difference, elements: Array, steps: Array) -> tuple[Array, Array]:
    """The central differences, and what rounding can do to them."""
    # (f(x + h) − f(x − h)) / 2h = f'(x) + O(h²); each value is off by up to `noise`, so the quotient by noise / h.
    right, noise = difference(elements, steps)
    left, _ = difference(elements, -steps)
    return (right - left) / (2 * steps), noise / steps


def _in_groups(
    analytic: Array, difference: Difference, scale: Array, rounding: float, together: bool
) -> tuple[Array, Array, Array]:
    """Derivatives and their error bars, (k, n), and for which elements they are known, (n,)."""
    value, error = analytic.copy(), np.zeros_like(analytic)
    settled = np.zeros(len(scale), bool)
    count = len(scale) // GROUP_SIZE if together and len(scale) >= MIN_GROUPED else 0
    if not count:
        return value, error, settled
    # Neighbours in the order of |f'ᵢ| · scaleᵢ, their part in a sum of changes, make a group if these parts are alike.
    sizes = (np.abs(analytic) * scale).max(axis=0)
    groups = np.argsort(sizes, kind="stable")[len(scale) - GROUP_SIZE * count :].reshape(count, GROUP_SIZE)
    groups = groups[sizes[groups[:, -1]] <= MAX_GROUP_RATIO * sizes[groups[:, 0]]]
    rng = np.random.default_rng(0)
    shares = rng.integers(SHARE_RESOLUTION // 2, SHARE_RESOLUTION, groups.shape) / SHARE_RESOLUTION
    moves = scale[groups] * shares * rng.choice([-1.0, 1.0], groups.shape)
    # Moved together by t · mᵢ, f changes by t · Σ f'ᵢ mᵢ + O(t²): the central difference in t must be Σ f'ᵢ mᵢ.
    sums = (analytic[:, groups] * moves).sum(axis=-1)
    right, noise = difference(groups, FIRST_STEP * moves)
    left, _ = difference(groups, -FIRST_STEP * moves)
    measured, noise = (right - left) / (2 * FIRST_STEP), noise / FIRST_STEP
    # No more room than the strictest of the group has alone: one may be wrong, and the others are no excuse.
    weights = np.abs(moves)
    size = np.where(np.isfinite(measured), np.abs(measured), 0) / weights.sum(axis=1)
    room = (ABSOLUTE_TOLERANCE * size.max(axis=1, initial=0)[:, None] + rounding) * weights.min(axis=1)
    room += RELATIVE_TOLERANCE * (np.abs(analytic[:, groups]) * weights).min(axis=-1) + noise * shares.min(axis=1)
    agree = (np.abs(sums - measured) <= room).all(axis=0)
    settled[groups[agree]] = True
    error[:, groups] = noise[:, :, None] / np.abs(moves)
    return value, error, settled


def _agrees(analytic: Array, value: Array, error: Array, size: Array, natural: Array, room: Array) -> Array:
    """Where a central difference is nearly exact and says what the analytic derivative says."""
    close = np.abs(analytic - value) <= error + RELATIVE_TOLERANCE * np.abs(value) + room
    measure = np.maximum(np.maximum(np.abs(value), MAX_RELATIVE_ERROR * size), MIN_NATURAL_SHARE * natural)
    return np.asarray(close & (error <= 1e-3 * MAX_RELATIVE_ERROR * measure))


def derivatives(difference: Difference, scale: Array) -> Array:
    """The measured derivatives alone, (k, n)."""
    elements = np.arange(len(scale))
    table = Table(difference, scale, elements)
    with np.errstate(all="ignore"):
        return np.stack([Slopes(table, row, elements).central()[0] for row in range(len(table.right))])


def _look_closer(
    judgement: Judgement, table: Table, row: int, elements: Array, size: float, natural: Array, room: float
) -> None:
    """Decides on the elements that the first look left open."""
    analytic = judgement.analytic[elements]
    with np.errstate(all="ignore"):
        slopes = Slopes(table, row, elements)
        value, error = slopes.central()
        left, left_error = slopes.side(slopes.left)
        right, right_error = slopes.side(slopes.right)
        jump = slopes.jumps()
        apart = ERROR_BARS * (left_error + right_error) + RELATIVE_TOLERANCE * (np.abs(left) + np.abs(right)) + room
        # At a kink f'₋(x) ≠ f'₊(x), beyond the error bars of both; each value between them is a subgradient (Clarke).
        kink = (np.abs(left - right) > apart) & ~jump
        bar = np.where(kink, np.maximum(left_error, right_error), error)
        low = np.where(kink, np.minimum(left, right), value)
        high = np.where(kink, np.maximum(left, right), value)
        nearest = np.clip(analytic, low, high)
        allowed = ERROR_BARS * bar + RELATIVE_TOLERANCE * np.maximum(np.abs(low), np.abs(high)) + room
        close = np.abs(analytic - nearest) <= allowed
        measure = np.maximum(np.maximum(np.abs(value), 1e-2 * size), MIN_NATURAL_SHARE * natural[elements])
        vague = ~kink & ~(error <= MAX_RELATIVE_ERROR * measure)
    finite = np.isfinite(analytic)
    judgement.numerical[elements] = np.where(finite, nearest, value)
    judgement.error[elements], judgement.low[elements], judgement.high[elements] = bar, low, high
    verdicts = np.full(len(elements), Verdict.AGREES, dtype=object)
    verdicts[kink | jump] = Verdict.KINK  # at a jump there is no slope to be right
    verdicts[~(close | jump) | ~finite] = Verdict.WRONG
    verdicts[vague & ~jump] = Verdict.INCONCLUSIVE
    judgement.verdicts[elements] = verdicts
