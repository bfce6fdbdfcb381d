"""Arrays: what they are called in signatures, and where large ones lie."""

from math import prod
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

HUGE_PAGE = 2**21
WORTH_IT = 2**18
"""Arrays of fewer bytes are left to NumPy: they stay in a cache, and a huge page would waste memory."""
STEP = 4096 + 256
"""How far apart the places lie; arrays that start alike within their pages evict each other from a cache."""


def zeros(shape: tuple[int, ...], dtype: Any, place: int = 0) -> Array:
    """An array of zeros, as `np.zeros` makes it; a large one on huge pages, so that a walk misses few addresses.

    NumPy asks the system for huge pages where it allocates 4 MiB and more at once, so that is what a large array is
    cut from; what lies before and behind it is never touched, and so takes no memory.

    Args:
        shape: The array's shape.
        dtype: Its dtype.
        place: Another number for each of the arrays that are walked through side by side.

    >>> zeros((2, 3), np.float32).shape
    (2, 3)
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    if size < WORTH_IT:
        return np.zeros(shape, dtype)
    space = np.zeros(size + 2 * HUGE_PAGE, np.uint8)
    start = -space.ctypes.data % HUGE_PAGE + place % 8 * STEP
    found: Array = space[start : start + size].view(dtype).reshape(shape)
    return found
