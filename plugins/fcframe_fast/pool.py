"""The threads: MKL and the compiled loops share one pool, or there is none beside that of NumPy's own BLAS.

Two pools on the same cores are slower than one thread: those of one wait busily for work on the cores of the other.
"""

from contextlib import contextmanager

import numba
import threadpoolctl

LAYER = "omp"


def opened(threads):
    """Makes Numba's loops use GNU OpenMP's threads, and so many of them; how many there are is returned.

    Raises:
        ImportError: Numba's loops run in another pool already, or this one cannot be loaded.
    """
    numba.config.THREADING_LAYER = LAYER
    count = min(threads, numba.config.NUMBA_NUM_THREADS)
    numba.set_num_threads(count)
    if numba.threading_layer() != LAYER:
        raise ImportError(f"Numba's threads are of its layer {numba.threading_layer()!r} already, and not of {LAYER!r}")
    return count


@contextmanager
def limited(threads):
    """So many threads for the loops in the block, how many there are is given, and one for NumPy's own BLAS.

    MKL is held by whoever holds all pools. OpenBLAS does the small products.
    """
    before, count = numba.get_num_threads(), min(threads, numba.config.NUMBA_NUM_THREADS)
    numba.set_num_threads(count)
    try:
        with threadpoolctl.ThreadpoolController().select(internal_api="openblas").limit(limits=1):
            yield count
    finally:
        numba.set_num_threads(before)
