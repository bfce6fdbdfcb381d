"""The array type of signatures, and the allocation of large arrays."""

from math import prod
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

HUGE_PAGE = 2**21
"""Bytes of a huge page."""
MIN_BYTES_ALIGNED = 2**18
"""Arrays with fewer bytes are left to NumPy: they fit into a cache, and a huge page would waste memory."""
OFFSET = 4096 + 256
"""Bytes between two offsets. Arrays with the same position inside a page compete for the same cache lines."""


def zeros(shape: tuple[int, ...], dtype: Any, offset: int = 0) -> Array:
    """Makes an array of zeros, like `np.zeros`; a large one starts on a huge page, which saves address translations.

    NumPy asks the operating system for huge pages when it allocates 4 MiB or more. So a large array is a slice of a
    larger allocation; the memory before and after the slice is never touched and therefore never used.

    Args:
        shape: The array's shape.
        dtype: Its dtype.
        offset: A different number for each of the arrays that are read or written together, so that they do not
            compete for the same cache lines.

    >>> zeros((2, 3), np.float32).shape
    (2, 3)
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    if size < MIN_BYTES_ALIGNED:
        return np.zeros(shape, dtype)
    space = np.zeros(size + 2 * HUGE_PAGE, np.uint8)
    start = -space.ctypes.data % HUGE_PAGE + offset % 8 * OFFSET
    array: Array = space[start : start + size].view(dtype).reshape(shape)
    return array
