"""Matrix products with MKL, from the library in its own wheel."""

import ctypes
import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np

from fcframe import Array

ROWS = 101  # CblasRowMajor
PLAIN, TRANSPOSED = 111, 112  # CblasNoTrans, CblasTrans
GNU = 3
LP64 = 0
SAME_CODE_FOR_EVERY_ADDRESS = 2  # MKL_CBWR_AUTO: without it the last bits may depend on an array's alignment
MIN_MULTIPLICATIONS = 2**19
"""For smaller products NumPy's is faster."""
MIN_WIDTH = 64
"""With fewer rows or columns NumPy's is faster."""
MAX_STRIDE = 2**31 - 1


class Products:
    """MKL's sgemm and dgemm.

    Args:
        threads: How many a product may use.

    Raises:
        OSError: The library cannot be loaded; the message says which.
    """

    def __init__(self, threads: int) -> None:
        library = ctypes.CDLL(str(library_file()), mode=ctypes.RTLD_GLOBAL)
        # The layer must be set first: any other call would choose one.
        if library.MKL_Set_Threading_Layer(GNU) != GNU or library.MKL_Set_Interface_Layer(LP64) != LP64:
            raise OSError("MKL was loaded before with other threads or other integers")
        library.MKL_CBWR_Set(SAME_CODE_FOR_EVERY_ADDRESS)
        library.MKL_Set_Dynamic(0)
        library.MKL_Set_Num_Threads(threads)
        self._routines: dict[np.dtype[Any], tuple[Any, int]] = {
            np.dtype(np.float32): (_routine(library.cblas_sgemm, ctypes.c_float), 4),
            np.dtype(np.float64): (_routine(library.cblas_dgemm, ctypes.c_double), 8),
        }

    def matmul(self, a: Array, b: Array, out: Array) -> Array:
        """`out = a @ b`, by NumPy where that is faster or MKL does not take such arrays."""
        rows, inner = a.shape
        columns = b.shape[1]
        if rows * inner * columns < MIN_MULTIPLICATIONS or rows < MIN_WIDTH or columns < MIN_WIDTH:
            return np.dot(a, b, out=out)
        known = self._routines.get(out.dtype)
        if known is None or not a.dtype == b.dtype == out.dtype or not out.flags.c_contiguous:
            return np.matmul(a, b, out=out)
        routine, size = known
        first, second = _layout(a, size), _layout(b, size)
        if first is None or second is None:
            return np.matmul(a, b, out=out)
        routine(
            ROWS, first[0], second[0], rows, columns, inner,
            1.0, a.ctypes.data, first[1], b.ctypes.data, second[1], 0.0, out.ctypes.data, columns,
        )  # fmt: skip
        return out


def library_file() -> Path:
    """The library in the installed wheel of MKL.

    Raises:
        OSError: There is none.
    """
    for file in importlib.metadata.files("mkl") or ():
        if file.name.startswith("libmkl_rt.so"):
            return Path(str(file.locate())).resolve()
    raise OSError("the wheel of mkl holds no libmkl_rt.so")


def _routine(function: Any, number: Any) -> Any:
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    function.argtypes = [
        *[integer] * 6, number, pointer, integer, pointer, integer, number, pointer, integer,
    ]  # fmt: skip
    function.restype = None
    return function


def _layout(array: Array, size: int) -> tuple[int, int] | None:
    """Whether a matrix is stored by rows or by columns, and its leading dimension; None where it is neither."""
    rows, columns = array.shape
    down, along = array.strides
    if along == size and down >= columns * size and down % size == 0 and down // size <= MAX_STRIDE:
        return PLAIN, down // size
    if down == size and along >= rows * size and along % size == 0 and along // size <= MAX_STRIDE:
        return TRANSPOSED, along // size
    return None
