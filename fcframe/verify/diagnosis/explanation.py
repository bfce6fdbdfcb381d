"""Describes a wrong gradient of a layer: the facts, the likely cause, and where to look."""

from collections.abc import Callable, Iterator

import numpy as np

from fcframe.verify.derivatives.layer import Comparison
from fcframe.verify.diagnosis.mismatch import Mismatch
from fcframe.verify.diagnosis.missing_terms import TERMS
from fcframe.verify.diagnosis.mistakes import MISTAKES
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.report import look_at

DIAGNOSES: tuple[Callable[[Mismatch], str], ...] = (*MISTAKES, *TERMS)
"""The known mistakes, the most specific first. Each function returns the cause in words, or "" if it does not fit."""


def explain(fixture: LayerFixture, comparison: Comparison) -> tuple[str, str]:
    """The message and the diagnosis for a wrong gradient: the facts, and the likely cause with where to look."""
    mismatch = Mismatch(fixture, comparison)
    cause = next(causes(mismatch), "")
    where = look_at(fixture.layer, "backward")
    return _facts(mismatch), "\n".join([*([f"likely cause: {cause}"] if cause else []), where])


def causes(mismatch: Mismatch) -> Iterator[str]:
    """All known mistakes that explain a wrong gradient, the most specific first."""
    if not np.all(np.isfinite(mismatch.analytic)):
        yield "it is not a finite number: a division by 0, or the logarithm or root of a negative number"
    elif np.all(np.isfinite(mismatch.numerical)):
        with np.errstate(all="ignore"):
            yield from filter(None, (diagnosis(mismatch) for diagnosis in DIAGNOSES))


def _facts(mismatch: Mismatch) -> str:
    """How many elements are wrong, and the worst one with the returned and the measured value."""
    judgement, array = mismatch.comparison.judgement, mismatch.name
    worst = judgement.worst()
    index = ", ".join(str(int(axis_index)) for axis_index in np.unravel_index(worst, mismatch.analytic.shape))
    returned, measured, error_bar = judgement.analytic[worst], judgement.numerical[worst], judgement.error[worst]
    low, high = judgement.low[worst], judgement.high[worst]
    if low < high:
        expected = f"forward has a kink there, where any value from {low:.6g} to {high:.6g} is right"
    else:
        distance = abs(returned - measured) / error_bar if error_bar > 0 else np.inf
        bars = f", which is {distance:.1g} error bars away" if np.isfinite(distance) else ""
        expected = f"the measured derivative of forward is {measured:.10g} ± {max(error_bar, 0):.1g}{bars}"
    return (
        f"{array} is wrong in {int(mismatch.wrong.sum())} of {mismatch.analytic.size} elements; the worst is "
        f"{array}[{index}]: backward gives {returned:.10g}; {expected}"
    )
