"""The step's matrix products alone, with MKL from its own wheel."""

import ctypes
from importlib.metadata import files

from benchmarks.worker import AbsentError, Ready
from benchmarks.workers.products import products
from benchmarks.workloads import Array, Workload

ROWS, PLAIN, TRANSPOSED = 101, 111, 112  # CBLAS's own numbers


def step(workload: Workload) -> Ready:
    """As for NumPy, by sgemm."""
    found = [file for file in files("mkl") or () if file.name.startswith("libmkl_rt.so")]
    if not found:
        raise AbsentError("the wheel of mkl holds no libmkl_rt")
    sgemm = ctypes.CDLL(str(found[0].locate())).cblas_sgemm
    number, integer, pointer = ctypes.c_float, ctypes.c_int, ctypes.c_void_p
    sgemm.argtypes = [integer] * 6 + [number, pointer, integer, pointer, integer, number, pointer, integer]
    sgemm.restype = None

    def product(a: Array, b: Array, out: Array) -> None:
        # an array's own rows lie one after another; a transposed view's columns do
        (turned_a, wide_a), (turned_b, wide_b) = (_layout(array) for array in (a, b))
        sgemm(ROWS, turned_a, turned_b, len(a), b.shape[1], len(b), 1.0, a.ctypes.data, wide_a,
              b.ctypes.data, wide_b, 0.0, out.ctypes.data, out.shape[1])  # fmt: skip

    return Ready(products(workload, product))


def _layout(array: Array) -> tuple[int, int]:
    return (PLAIN, array.shape[1]) if array.flags.c_contiguous else (TRANSPOSED, array.shape[0])
