"""Derivatives by the complex step: one evaluation an element, and no rounding error of a difference.

Where x is moved by ih, h tiny, the imaginary part of a layer's output is h times its derivative (Squire and Trapp,
"Using complex variables to estimate derivatives of real functions", SIAM Review 40, 1998). That holds for what is
analytic: of a modulus or a real part it gives something else, and a wrong backward might say the same. So this only
ever confirms: backward must agree with it in every element, and along random directions with central differences in
real numbers, which see moduli, kinks and jumps. Whatever else is found, or raised, is left to those alone.
"""

import warnings

import numpy as np

from fcframe.context import Array
from fcframe.kernels import NUMPY
from fcframe.verify.differences import CHUNK, one_by_one, place_of, with_another
from fcframe.verify.numerical import ABSOLUTE, RELATIVE, Judgement, Verdict, judge_all, scales
from fcframe.verify.trial import Trial

STEP = 2.0**-300
"""So short that its square is nothing beside a number."""
DIRECTIONS = 2
"""How many random directions central differences look along."""
FEWEST = 48
"""Elements for which this is worth the directions."""
SAME = 1e-9
"""How well an output's real part is what it was, relative to the largest."""


def agreed(trial: Trial, name: str, analytic: Array, rounding: float) -> list[Judgement] | None:
    """Judges the gradients of one array, (douts, elements), where all of their elements are right.

    Returns:
        For each dout a judgement in which everything agrees; None where that cannot be said in this way.
    """
    if analytic.shape[1] < FEWEST or trial.case.kernels is not NUMPY or (name == "dx" and trial.independent):
        return None
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # what real numbers make a layer warn of is heard elsewhere
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # an imaginary part would be lost
            values = _Steps(trial, name, analytic, rounding).values()
    except Exception:  # the layer computes with real numbers alone, as it may
        return None
    if values is None:
        return None
    error = np.finfo(np.float64).eps * np.abs(values)
    verdicts = np.full(analytic.shape, Verdict.AGREES, dtype=object)
    rows = zip(analytic, values, error, verdicts, values.copy(), values.copy(), strict=True)
    return [Judgement(*row) for row in rows]


class _Steps:
    """One array of a trial, its analytic derivatives, and a complex copy that is moved."""

    def __init__(self, trial: Trial, name: str, analytic: Array, rounding: float) -> None:
        self.trial, self.name, self.analytic, self.rounding = trial, name, analytic, rounding
        self.array = place_of(trial, name)
        self.weights = np.stack(trial.douts).reshape(len(trial.douts), -1)
        self.base = trial.outputs(trial.x.copy(), trial.params).reshape(-1).copy()
        self.moved = self.array.astype(np.complex128)
        complex_outputs = trial.outputs_in(trial.context(dtype=np.complex128))
        self.outputs = with_another(trial, name, self.moved, complex_outputs)

    def values(self) -> Array | None:
        """The derivatives, if they are the analytic ones."""
        count = self.array.size
        directions = np.random.default_rng(0).normal(size=(DIRECTIONS, count)) * scales(self.array) / np.sqrt(count)
        slopes = self.analytic @ directions.T
        rounding = self.rounding * float(np.abs(directions).sum(axis=1).max())
        self.moved[...] = self.array + 1j * STEP * directions[0].reshape(self.array.shape)
        first = self._seen(self.outputs().reshape(1, -1))
        if not _equal(slopes[:, :1], first, rounding) or not self._confirmed(directions, slopes, rounding):
            return None
        values = self._of_each_element()
        return values if _equal(self.analytic, values, self.rounding) else None

    def _confirmed(self, directions: Array, slopes: Array, rounding: float) -> bool:
        """Whether the analytic derivatives along the directions are those of central differences."""
        place, moved = np.zeros(len(directions)), self.array.copy()
        outputs = with_another(self.trial, self.name, moved, self.trial.outputs)

        def along() -> Array:
            moved[...] = self.array + (place @ directions).reshape(self.array.shape)
            return outputs()

        changes = one_by_one(np.zeros_like(place), place, self.weights, along)
        judgements = judge_all(slopes, changes, np.ones_like(place), rounding)
        return all(verdict is Verdict.AGREES for found in judgements for verdict in found.verdicts)

    def _of_each_element(self) -> Array:
        values, flat, start = np.empty_like(self.analytic), self.moved.reshape(-1), self.array.astype(np.complex128)
        stepped = (start.reshape(-1) + 1j * STEP).tolist()
        size = max(1, CHUNK // max(1, self.base.size))
        for first in range(0, len(flat), size):
            part = range(first, min(first + size, len(flat)))
            outs = np.empty((len(part), self.base.size), np.complex128)
            for element, out in zip(part, outs, strict=True):
                self.moved[...] = start  # whole: the layer may have written into it
                flat[element] = stepped[element]
                out[:] = self.outputs().reshape(-1)
            values[:, first : first + size] = self._seen(outs)
        return values

    def _seen(self, outs: Array) -> Array:
        """What each dout sees of the imaginary parts; nan where a real part is not what it was."""
        same = np.abs(outs.real - self.base).max(axis=1) <= SAME * np.abs(self.base).max()
        return np.asarray(np.where(same, self.weights @ (outs.imag / STEP).T, np.nan))


def _equal(analytic: Array, values: Array, rounding: float) -> bool:
    """Whether derivatives are the same but for the analytic ones' rounding."""
    room = ABSOLUTE * np.abs(values).max(axis=1)[:, None] + rounding
    return bool(np.all(np.abs(analytic - values) <= RELATIVE * np.abs(values) + room))
