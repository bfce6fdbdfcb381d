"""Judges analytic derivatives by numerical ones.

Each element of x is decided by the first of these steps that can decide it:

1. **Groups.** Where an evaluation is expensive, a few elements are moved together, each by a random share of its step,
   and the sum of their analytic derivatives is compared with the central difference. Errors of several elements cancel
   in such a sum only for particular shares, so random shares make this practically impossible.
2. **Central difference at one step.** The two values are computed independently of each other, so close agreement is
   accepted as proof.
3. **Central difference at a smaller step**, because the first one may have been too large, or may cross a kink.
4. **Extrapolation** (`extrapolation.py`): slopes from both sides at sixteen steps, with error bars. If the slopes from
   the left and from the right differ by more than their error bars, there is a kink, and every value between the two
   slopes is a subgradient, which is accepted (Clarke, "Optimization and Nonsmooth Analysis", 1983).
5. **Repetition.** An element that is wrong after step 4 is measured again at other steps before it is reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from fcframe.context import Array
from fcframe.verify.derivatives.extrapolation import ERROR_BARS, ChangeTable, Difference, Slopes

RELATIVE_TOLERANCE = 1e-7
"""The allowed rounding error of an analytic derivative, relative to the derivative."""
ABSOLUTE_TOLERANCE = 1e-10
"""The allowed rounding error of an analytic derivative, relative to the largest derivative of the array."""
FIRST_STEP, SECOND_STEP = 2.0**-14, 2.0**-17
"""The steps of the two central differences, relative to the element's scale; powers of 2, so that x + h is exact."""
GROUP_SIZE = 4
"""How many elements are moved together."""
MIN_GROUPED = 2 * GROUP_SIZE
"""Arrays with fewer elements are not grouped, because little time would be saved."""
SHARE_RESOLUTION = 2**20
"""Shares of a step, from 1/2 to 1, are multiples of 1 / SHARE_RESOLUTION, so that x + h is exact."""
MAX_GROUP_RATIO = 4.0
"""The largest ratio of two derivatives in a group: a small term has little influence on a sum of much larger ones."""
REPEAT_STEP_RATIO = 0.75
"""The steps of the repetition, relative to those of the first extrapolation."""
MAX_RELATIVE_ERROR = 1e-3
"""The largest error bar, relative to the derivative, with which an element can be decided."""
KINK_TOLERANCE = 1e-3
"""How far a subgradient may lie outside the derivatives at nearby points, relative to the range of these."""
MIN_NATURAL_SHARE = 1e-5
"""The least size that an error bar is compared with, relative to |f| / scale; needed where the derivative is 0."""


class Verdict(Enum):
    """The result for one analytic derivative."""

    AGREES = "agrees"
    WRONG = "wrong"
    KINK = "kink"
    """Accepted: f has a kink there and the value is a subgradient, or f has a jump there and no derivative."""
    INCONCLUSIVE = "inconclusive"
    """The derivative could not be measured precisely enough."""


@dataclass
class Judgement:
    """The verdict on each element of a gradient; all arrays are flat, (n,)."""

    analytic: Array
    numerical: Array
    """The measured derivative; at a kink the subgradient that is nearest to the analytic value."""
    error: Array
    """The error bar of the measured derivative."""
    verdicts: "np.ndarray[Any, np.dtype[np.object_]]"
    low: Array
    """The smaller of the two one-sided slopes at a kink; elsewhere the measured derivative."""
    high: Array
    """The larger of the two one-sided slopes at a kink; elsewhere the measured derivative."""

    def where(self, verdict: Verdict) -> Array:
        """The flat indices of the elements with this verdict."""
        return np.flatnonzero(self.verdicts == verdict)

    def has(self, verdict: Verdict) -> bool:
        """Whether any element has this verdict."""
        return verdict in self.verdicts.tolist()

    def worst(self) -> int:
        """The flat index of the wrong element with the largest absolute error."""
        wrong = self.where(Verdict.WRONG)
        errors = np.abs(self.analytic[wrong] - self.numerical[wrong])
        errors = np.where(np.isfinite(errors), errors, np.inf)
        return int(wrong[np.argmax(errors)])

    @property
    def wrong_at_a_kink(self) -> bool:
        """Whether some element at a kink is wrong, that is, outside the range of its two one-sided slopes."""
        if not self.has(Verdict.WRONG):
            return False
        wrong = self.where(Verdict.WRONG)
        return bool(np.any(self.low[wrong] < self.high[wrong]))

    def add_subgradients(self, derivatives: Array) -> None:
        """Extends the accepted range of each element that is wrong at a kink.

        Args:
            derivatives: (n,), the derivatives at a point near x.
        """
        kinks = (self.verdicts == Verdict.WRONG) & (self.low < self.high) & np.isfinite(derivatives)
        self.low[kinks] = np.minimum(self.low, derivatives)[kinks]
        self.high[kinks] = np.maximum(self.high, derivatives)[kinks]
        self.numerical[kinks] = np.clip(self.analytic, self.low, self.high)[kinks]
        inside = np.abs(self.analytic - self.numerical) <= KINK_TOLERANCE * (self.high - self.low)
        self.verdicts[kinks & inside] = Verdict.KINK


def scales(x: Array) -> Array:
    """The scale of each element of x, flat, to which its steps are relative: a power of 2 near its absolute value.

    An element near 0 has the scale of one hundredth of the array's root mean square.

    >>> scales(np.array([0.0, 3.0, -100.0]))
    array([ 0.5,  4. , 128. ])
    """
    flat = np.abs(x.reshape(-1)).astype(np.float64)
    typical = float(np.sqrt(np.mean(flat * flat))) if flat.size else 1.0
    size = np.maximum(flat, 1e-2 * typical if typical > 0 else 1.0)
    return np.asarray(np.exp2(np.round(np.log2(size))))


def judge(analytic: Array, difference: Difference, scale: Array, rounding: float = 0.0) -> Judgement:
    """Judges the analytic derivatives, (n,), of one scalar function; the arguments are those of `judge_all`."""

    def single(elements: Array, offsets: Array) -> tuple[Array, Array]:
        changes, noise = difference(elements, offsets)
        return changes[None], noise[None]

    return judge_all(analytic[None], single, scale, rounding)[0]


def judge_all(
    analytic: Array, difference: Difference, scale: Array, rounding: float = 0.0, *, together: bool = False
) -> list[Judgement]:
    """Judges the analytic derivatives of k scalar functions of one array x with n elements.

    Args:
        analytic: (k, n), the derivative of each function with respect to each element.
        difference: Measures the changes of all k functions.
        scale: (n,), from `scales`.
        rounding: The absolute rounding error of an analytic derivative where terms cancel.
        together: Whether `difference` can move several elements at once.

    Returns:
        One judgement for each function.
    """
    with np.errstate(all="ignore"):
        # `decided` is (n,) after the groups, where one test holds for all functions, and (k, n) after that.
        value, error, decided = _compare_groups(analytic, difference, scale, rounding, together)
        rest = np.flatnonzero(~decided)
        if len(rest):
            value[:, rest], error[:, rest] = _central(difference, rest, FIRST_STEP * scale[rest])
        largest = np.where(np.isfinite(value), np.abs(value), 0).max(axis=1, initial=0)[:, None]
        tolerance = ABSOLUTE_TOLERANCE * largest + rounding
        # error = noise / h, where noise is about eps · |f| and h = FIRST_STEP · scale, so this is about |f| / scale:
        # the slope at which f would change by its own size over one scale of x.
        natural = error * FIRST_STEP / np.finfo(np.float64).eps
        decided = decided | _agrees(analytic, value, error, largest, natural, tolerance)
        rest = np.flatnonzero(~decided.all(axis=0))
        if len(rest):
            second = _central(difference, rest, SECOND_STEP * scale[rest])
            agrees = _agrees(analytic[:, rest], *second, largest, natural[:, rest], tolerance) & ~decided[:, rest]
            value[:, rest], error[:, rest] = np.where(agrees, second, (value[:, rest], error[:, rest]))
            decided[:, rest] |= agrees
    verdicts = np.full(analytic.shape, Verdict.AGREES, dtype=object)
    rows = zip(analytic, value, error, verdicts, value.copy(), value.copy(), strict=True)
    judgements = [Judgement(*row) for row in rows]

    def extrapolate(step_ratio: float, elements: Sequence[Array]) -> None:
        """Judges elements[i], flat indices, of function i by extrapolation."""
        measured = np.unique(np.concatenate(elements))
        if not len(measured):
            return
        table = ChangeTable(difference, step_ratio * scale, measured)
        for row, judgement in enumerate(judgements):
            sizes = float(largest[row, 0]), natural[row], float(tolerance[row, 0])
            _judge_by_extrapolation(judgement, table, row, elements[row], *sizes)

    extrapolate(1.0, [np.flatnonzero(~row) for row in decided])
    extrapolate(REPEAT_STEP_RATIO, [judgement.where(Verdict.WRONG) for judgement in judgements])
    return judgements


def _central(difference: Difference, elements: Array, steps: Array) -> tuple[Array, Array]:
    """The central differences of the elements (m,), and bounds of their rounding errors; both (k, m)."""
    # (f(x + h) − f(x − h)) / 2h = f'(x) + O(h²). Each change has an error up to noise, the quotient up to noise / h.
    right, noise = difference(elements, steps)
    left, _ = difference(elements, -steps)
    return (right - left) / (2 * steps), noise / steps


def _compare_groups(
    analytic: Array, difference: Difference, scale: Array, rounding: float, together: bool
) -> tuple[Array, Array, Array]:
    """Compares sums of a few analytic derivatives with central differences.

    Returns:
        The derivatives (k, n), their error bars (k, n), and for which elements all functions agree (n,).
    """
    value, error = analytic.copy(), np.zeros_like(analytic)
    agreed = np.zeros(len(scale), bool)
    count = len(scale) // GROUP_SIZE if together and len(scale) >= MIN_GROUPED else 0
    if not count:
        return value, error, agreed
    # Element i contributes |f'ᵢ| · scaleᵢ to a sum of changes. Sort by this contribution, cut the sorted elements into
    # groups of GROUP_SIZE, and keep the groups in which the contributions are similar.
    contributions = (np.abs(analytic) * scale).max(axis=0)
    groups = np.argsort(contributions, kind="stable")[len(scale) - GROUP_SIZE * count :].reshape(count, GROUP_SIZE)
    groups = groups[contributions[groups[:, -1]] <= MAX_GROUP_RATIO * contributions[groups[:, 0]]]
    rng = np.random.default_rng(0)
    shares = rng.integers(SHARE_RESOLUTION // 2, SHARE_RESOLUTION, groups.shape) / SHARE_RESOLUTION
    moves = scale[groups] * shares * rng.choice([-1.0, 1.0], groups.shape)
    # If all elements of a group move by t · mᵢ at once, f changes by t · Σ f'ᵢ mᵢ + O(t²). So the central difference
    # with respect to t must be Σ f'ᵢ mᵢ.
    expected = (analytic[:, groups] * moves).sum(axis=-1)
    right, noise = difference(groups, FIRST_STEP * moves)
    left, _ = difference(groups, -FIRST_STEP * moves)
    measured, noise = (right - left) / (2 * FIRST_STEP), noise / FIRST_STEP
    # The tolerance of the sum is the smallest tolerance that a single element of the group would have: all of the
    # difference may be due to one element.
    weights = np.abs(moves)
    size = np.where(np.isfinite(measured), np.abs(measured), 0) / weights.sum(axis=1)
    tolerance = (ABSOLUTE_TOLERANCE * size.max(axis=1, initial=0)[:, None] + rounding) * weights.min(axis=1)
    tolerance += RELATIVE_TOLERANCE * (np.abs(analytic[:, groups]) * weights).min(axis=-1) + noise * shares.min(axis=1)
    agree = (np.abs(expected - measured) <= tolerance).all(axis=0)
    agreed[groups[agree]] = True
    error[:, groups] = noise[:, :, None] / np.abs(moves)
    return value, error, agreed


def _agrees(analytic: Array, value: Array, error: Array, largest: Array, natural: Array, tolerance: Array) -> Array:
    """Where a central difference is nearly exact and the analytic derivative agrees with it; booleans (k, m).

    Args:
        analytic: (k, m), the analytic derivatives.
        value: (k, m), the central differences.
        error: (k, m), bounds of the rounding errors of the central differences.
        largest: (k, 1), the largest derivative of the array.
        natural: (k, m), about |f| / scale.
        tolerance: (k, 1), the allowed absolute error of an analytic derivative.
    """
    close = np.abs(analytic - value) <= error + RELATIVE_TOLERANCE * np.abs(value) + tolerance
    # The error bar must be at most 1e-6 of the derivative's size. For a derivative near 0, the size is 1e-3 of the
    # largest derivative of the array, or MIN_NATURAL_SHARE · |f| / scale: 1e-6 of its own size would be too strict.
    size = np.maximum(np.maximum(np.abs(value), MAX_RELATIVE_ERROR * largest), MIN_NATURAL_SHARE * natural)
    return np.asarray(close & (error <= 1e-3 * MAX_RELATIVE_ERROR * size))


def derivatives(difference: Difference, scale: Array) -> Array:
    """The extrapolated derivatives of all k functions with respect to all n elements, (k, n), without a verdict."""
    elements = np.arange(len(scale))
    table = ChangeTable(difference, scale, elements)
    with np.errstate(all="ignore"):
        return np.stack([Slopes(table, row, elements).central()[0] for row in range(len(table.right))])


def _judge_by_extrapolation(
    judgement: Judgement,
    table: ChangeTable,
    row: int,
    elements: Array,
    largest: float,
    natural: Array,
    tolerance: float,
) -> None:
    """Sets the verdicts on some elements of one function from its extrapolated slopes.

    Args:
        judgement: The function's judgement, which is changed.
        table: The measured changes.
        row: The index of the function.
        elements: (m,), flat indices.
        largest: The largest derivative of the array.
        natural: (n,), about |f| / scale.
        tolerance: The allowed absolute error of an analytic derivative.
    """
    analytic = judgement.analytic[elements]
    with np.errstate(all="ignore"):
        slopes = Slopes(table, row, elements)
        value, error = slopes.central()
        left, left_error = slopes.one_sided(slopes.left)
        right, right_error = slopes.one_sided(slopes.right)
        jump = slopes.jumps()
        # A kink: f'₋(x) ≠ f'₊(x) by more than the error bars of both. All values in [low, high] are subgradients.
        slope_tolerance = RELATIVE_TOLERANCE * (np.abs(left) + np.abs(right)) + tolerance
        kink = (np.abs(left - right) > ERROR_BARS * (left_error + right_error) + slope_tolerance) & ~jump
        error_bar = np.where(kink, np.maximum(left_error, right_error), error)
        low = np.where(kink, np.minimum(left, right), value)
        high = np.where(kink, np.maximum(left, right), value)
        nearest = np.clip(analytic, low, high)
        allowed = ERROR_BARS * error_bar + RELATIVE_TOLERANCE * np.maximum(np.abs(low), np.abs(high)) + tolerance
        close = np.abs(analytic - nearest) <= allowed
        # Too imprecise to decide: the error bar is more than 1e-3 of the derivative's size. The size is at least 1e-2
        # of the largest derivative of the array, and at least MIN_NATURAL_SHARE · |f| / scale.
        size = np.maximum(np.maximum(np.abs(value), 1e-2 * largest), MIN_NATURAL_SHARE * natural[elements])
        imprecise = ~kink & ~(error <= MAX_RELATIVE_ERROR * size)
    finite = np.isfinite(analytic)
    judgement.numerical[elements] = np.where(finite, nearest, value)
    judgement.error[elements], judgement.low[elements], judgement.high[elements] = error_bar, low, high
    verdicts = np.full(len(elements), Verdict.AGREES, dtype=object)
    verdicts[kink | jump] = Verdict.KINK  # at a jump there is no derivative, so no value is wrong
    verdicts[~(close | jump) | ~finite] = Verdict.WRONG
    verdicts[imprecise & ~jump] = Verdict.INCONCLUSIVE
    judgement.verdicts[elements] = verdicts
