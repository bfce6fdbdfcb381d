"""The thread pool that MKL and the compiled loops share.

Two pools on the same cores are slower than one thread: while they wait for work, the threads of each keep the cores
busy that the other one needs.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numba
import threadpoolctl  # type: ignore[import-untyped]

LAYER = "omp"


def opened(threads: int) -> int:
    """Makes Numba's loops use that many threads of GNU OpenMP, and returns how many there are.

    Raises:
        ImportError: Numba's loops run in another pool already, or this one cannot be loaded.
    """
    numba.config.THREADING_LAYER = LAYER
    count = min(threads, int(numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(count)
    if numba.threading_layer() != LAYER:
        raise ImportError(f"Numba's threads are of its layer {numba.threading_layer()!r} already, and not of {LAYER!r}")
    return count


@contextmanager
def limited(threads: int) -> Iterator[int]:
    """Limits the loops to that many threads in the block, of which it gives the number, and NumPy's own BLAS to one.

    The limit of MKL's threads is set with that of all pools. OpenBLAS computes the small products.
    """
    before, count = numba.get_num_threads(), min(threads, int(numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(count)
    try:
        with threadpoolctl.ThreadpoolController().select(internal_api="openblas").limit(limits=1):
            yield count
    finally:
        numba.set_num_threads(before)
