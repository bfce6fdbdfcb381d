"""Checks the gradient of a scalar function, and describes the likely cause where it is wrong."""

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from fcframe.context import Array
from fcframe.verify.derivatives.scalar import judged
from fcframe.verify.derivatives.verdict import Judgement, Verdict
from fcframe.verify.report import CheckFailure, Inconclusive

CLOSE = 1e-4
"""How close a wrong gradient must be to a multiple of the right one, relative to its largest element."""


def compare(
    name: str,
    analytic: Array,
    array: Array,
    value: Callable[[Array], float],
    where: str,
    factors: Mapping[str, float] | None = None,
) -> None:
    """Compares a gradient with numerical derivatives; at a kink, every value between the two slopes is accepted.

    Args:
        name: The name of `array`, for the message, for example "scores".
        analytic: The gradient that the component returned.
        array: The point at which the gradient is taken, in float64.
        value: The scalar function.
        where: Where to look for the mistake, as the last line of the diagnosis.
        factors: Factors by which the gradient may be wrong, by their meaning, for example "N = 3" → 3.0.

    Raises:
        CheckFailure: An element is wrong.
        Inconclusive: No element is wrong, but some could not be measured precisely enough.
    """
    judgement = judged(analytic, array, value)
    if judgement.has(Verdict.WRONG):
        cause = _cause(np.asarray(analytic, np.float64).reshape(-1), judgement.numerical, factors or {})
        raise CheckFailure(described(name, judgement, array.shape), "\n".join(filter(None, (cause, where))))
    undecided = len(judgement.where(Verdict.INCONCLUSIVE))
    if undecided:
        raise Inconclusive(f"{undecided} derivatives of {name} could not be measured well enough to decide")


def described(name: str, judgement: Judgement, shape: tuple[int, ...], chosen: Array | slice = slice(None)) -> str:
    """The message for a wrong gradient: its worst element, and how many of the measured elements are wrong.

    Args:
        name: The name of the array.
        judgement: The verdict on the measured elements.
        shape: The shape of the array.
        chosen: The flat indices of the measured elements; by default all.
    """
    worst, wrong = judgement.worst(), judgement.where(Verdict.WRONG)
    index = ", ".join(str(axis_index) for axis_index in np.unravel_index(np.arange(prod(shape))[chosen][worst], shape))
    low, high = judgement.low[worst], judgement.high[worst]
    expected = f"measured {judgement.numerical[worst]:.10g} ± {judgement.error[worst]:.1g}"
    if low < high:
        expected = f"there is a kink, and any value from {low:.6g} to {high:.6g} is right"
    return (
        f"the gradient of {name}[{index}] is given as {judgement.analytic[worst]:.10g}, {expected}; "
        f"{len(wrong)} of {judgement.analytic.size} elements are wrong"
    )


def _cause(analytic: Array, numerical: Array, factors: Mapping[str, float]) -> str:
    """The likely cause in words, or "" if none is known."""
    if not np.all(np.isfinite(analytic)):
        return "it is not a finite number: a division by 0, or the logarithm or root of a negative number"
    if not analytic.any():
        return "it is zero everywhere: the gradient is not computed, or not returned"
    # Least squares: ‖analytic − c · numerical‖ is smallest for c = ⟨numerical, analytic⟩ / ⟨numerical, numerical⟩.
    factor = float(np.vdot(numerical, analytic) / np.vdot(numerical, numerical)) if numerical.any() else np.nan
    if not np.allclose(analytic, factor * numerical, rtol=CLOSE, atol=CLOSE * np.abs(analytic).max()):
        return ""
    known = {"the sign is wrong": -1.0, "a factor 2 too much": 2.0, "a factor 2 is missing": 0.5}
    for text, number in factors.items():
        known |= {f"that is {text}": number, f"that is 1 / ({text})": 1 / number}
    meaning = next((f": {text}" for text, number in known.items() if abs(factor / number - 1) < CLOSE), "")
    return f"likely cause: it is {factor:.6g} times the right gradient{meaning}"
