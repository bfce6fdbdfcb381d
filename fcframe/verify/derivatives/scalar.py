"""Holds the gradient of a scalar function of one array, a loss say, against its measured derivatives."""

from collections.abc import Callable

import numpy as np

from fcframe.context import Array
from fcframe.verify.derivatives.verdict import Judgement, judge, scales

ROUNDING = 16 * np.finfo(np.float64).eps
"""The rounding error of one value, relative to its size."""


def judged(
    analytic: Array, array: Array, value: Callable[[Array], float], chosen: Array | slice = slice(None)
) -> Judgement:
    """The verdict on each chosen element of the gradient of `value` at `array`; each is moved alone.

    Args:
        analytic: The gradient.
        array: Where, in float64.
        value: The function.
        chosen: Flat indices; all elements, by default.
    """
    base = value(array)
    every = np.arange(array.size)[chosen]

    def difference(elements: Array, offsets: Array) -> tuple[Array, Array]:
        values = np.empty(len(elements))
        moved = array.copy()
        flat = moved.reshape(-1)
        for place, (element, offset) in enumerate(zip(every[elements], offsets, strict=True)):
            before = flat[element]
            flat[element] += offset
            values[place] = value(moved)
            flat[element] = before
        return values - base, ROUNDING * (np.abs(values) + abs(base))

    return judge(np.asarray(analytic, np.float64).reshape(-1)[every], difference, scales(array)[every])
