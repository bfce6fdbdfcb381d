"""Whether the gradient of a scalar function is right, and in words why it is not."""

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from fcframe.context import Array
from fcframe.verify.derivatives.scalar import judged
from fcframe.verify.derivatives.verdict import Judgement, Verdict
from fcframe.verify.report import CheckFailure, Inconclusive

CLOSE = 1e-4
"""How well a factor must account for a wrong gradient, relative to the gradient's size."""


def compare(
    name: str,
    analytic: Array,
    array: Array,
    value: Callable[[Array], float],
    where: str,
    factors: Mapping[str, float] | None = None,
) -> None:
    """Raises where a gradient is wrong, or cannot be decided; a kink takes any value between its slopes.

    Args:
        name: What the gradient is a gradient of, for the message.
        analytic: What the component gave.
        array: Where, in float64.
        value: The function.
        where: Where the reader should look.
        factors: What some numbers mean here, "N = 3" → 3.0.
    """
    judgement = judged(analytic, array, value)
    if judgement.has(Verdict.WRONG):
        cause = _cause(np.asarray(analytic, np.float64).reshape(-1), judgement.numerical, factors or {})
        raise CheckFailure(described(name, judgement, array.shape), "\n".join(filter(None, (cause, where))))
    undecided = len(judgement.where(Verdict.INCONCLUSIVE))
    if undecided:
        raise Inconclusive(f"{undecided} derivatives of {name} could not be measured well enough to decide")


def described(name: str, judgement: Judgement, shape: tuple[int, ...], chosen: Array | slice = slice(None)) -> str:
    """The worst element with both values and the error bar, and how many are wrong, of those that were measured."""
    worst, wrong = judgement.worst(), judgement.where(Verdict.WRONG)
    index = ", ".join(str(step) for step in np.unravel_index(np.arange(prod(shape))[chosen][worst], shape))
    low, high = judgement.low[worst], judgement.high[worst]
    expected = f"measured {judgement.numerical[worst]:.10g} ± {judgement.error[worst]:.1g}"
    if low < high:
        expected = f"there is a kink, and any value from {low:.6g} to {high:.6g} is right"
    return (
        f"the gradient of {name}[{index}] is given as {judgement.analytic[worst]:.10g}, {expected}; "
        f"{len(wrong)} of {judgement.analytic.size} elements are wrong"
    )


def _cause(analytic: Array, numerical: Array, factors: Mapping[str, float]) -> str:
    if not np.all(np.isfinite(analytic)):
        return "it is not a finite number: a division by 0, or the logarithm or root of a negative number"
    if not analytic.any():
        return "it is zero everywhere: the gradient is not computed, or not returned"
    factor = float(np.vdot(numerical, analytic) / np.vdot(numerical, numerical)) if numerical.any() else np.nan
    if not np.allclose(analytic, factor * numerical, rtol=CLOSE, atol=CLOSE * np.abs(analytic).max()):
        return ""
    known = {"the sign is turned": -1.0, "a factor 2 too much": 2.0, "a factor 2 is missing": 0.5}
    for text, number in factors.items():
        known |= {f"that is {text}": number, f"that is 1 / ({text})": 1 / number}
    meaning = next((f": {text}" for text, number in known.items() if abs(factor / number - 1) < CLOSE), "")
    return f"likely cause: it is {factor:.6g} times the right gradient{meaning}"
