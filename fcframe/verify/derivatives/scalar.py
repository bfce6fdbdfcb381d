"""Judges the gradient of a scalar function of one array, for example of a loss, by numerical derivatives."""

from collections.abc import Callable

import numpy as np

from fcframe.context import Array
from fcframe.verify.derivatives.verdict import Judgement, judge, scales

ROUNDING = 16 * np.finfo(np.float64).eps
"""A bound of the rounding error of one value, relative to its size."""


def judged(
    analytic: Array, array: Array, value: Callable[[Array], float], chosen: Array | slice = slice(None)
) -> Judgement:
    """The verdict on each chosen element of the gradient of `value` at `array`.

    Args:
        analytic: The gradient to be judged, in the shape of `array`.
        array: The point at which the gradient is taken, in float64.
        value: The scalar function.
        chosen: Flat indices of the elements to measure; by default all.
    """
    base = value(array)
    indices = np.arange(array.size)[chosen]

    def difference(elements: Array, offsets: Array) -> tuple[Array, Array]:
        """f(x + offset · e_i) − f(x) for each element i, where e_i is the unit vector, and its rounding error."""
        values = np.empty(len(elements))
        moved = array.copy()
        flat = moved.reshape(-1)
        for row, (index, offset) in enumerate(zip(indices[elements], offsets, strict=True)):
            before = flat[index]
            flat[index] += offset
            values[row] = value(moved)
            flat[index] = before
        return values - base, ROUNDING * (np.abs(values) + abs(base))

    return judge(np.asarray(analytic, np.float64).reshape(-1)[indices], difference, scales(array)[indices])
