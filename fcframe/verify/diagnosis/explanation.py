"""From a mismatch to words: what is wrong, its likely cause, and where to look."""

from collections.abc import Callable, Iterator

import numpy as np

from fcframe.verify.derivatives.layer import Comparison
from fcframe.verify.diagnosis.mismatch import Mismatch
from fcframe.verify.diagnosis.missing_terms import TERMS
from fcframe.verify.diagnosis.mistakes import MISTAKES
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.report import look_at

LOOKS: tuple[Callable[[Mismatch], str], ...] = (*MISTAKES, *TERMS)
"""The dictionary, the most telling first. Each entry gives the cause in words, or nothing where it does not fit."""


def explain(fixture: LayerFixture, found: Comparison) -> tuple[str, str]:
    """What is wrong with a gradient, in two texts: the facts, and the likely cause with where to look."""
    wrong = Mismatch(fixture, found)
    cause = next(causes(wrong), "")
    where = look_at(fixture.layer, "backward")
    return _facts(wrong), "\n".join([*([f"likely cause: {cause}"] if cause else []), where])


def causes(wrong: Mismatch) -> Iterator[str]:
    """All entries of the dictionary that account for a mismatch, the most telling first."""
    if not np.all(np.isfinite(wrong.analytic)):
        yield "it is not a finite number: a division by 0, or the logarithm or root of a negative number"
    elif np.all(np.isfinite(wrong.numerical)):
        with np.errstate(all="ignore"):
            yield from filter(None, (look(wrong) for look in LOOKS))


def _facts(wrong: Mismatch) -> str:
    judgement, array = wrong.found.judgement, wrong.name
    worst = judgement.worst()
    index = ", ".join(str(int(step)) for step in np.unravel_index(worst, wrong.analytic.shape))
    returned, measured, bar = judgement.analytic[worst], judgement.numerical[worst], judgement.error[worst]
    low, high = judgement.low[worst], judgement.high[worst]
    if low < high:
        expected = f"forward has a kink there, at which anything from {low:.6g} to {high:.6g} is right"
    else:
        off = abs(returned - measured) / bar if bar > 0 else np.inf
        bars = f", which is {off:.1g} error bars away" if np.isfinite(off) else ""
        expected = f"the slope of forward, measured, is {measured:.10g} ± {max(bar, 0):.1g}{bars}"
    return (
        f"{array} is wrong in {int(wrong.wrong.sum())} of {wrong.analytic.size} elements; the worst is "
        f"{array}[{index}]: backward gives {returned:.10g}; {expected}"
    )
