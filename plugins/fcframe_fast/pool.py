"""The threads: MKL and the compiled loops share one pool, or there is none beside that of NumPy's own BLAS.

Two pools on the same cores are slower than one thread: those of one wait busily for work on the cores of the other.
"""

import numba
import threadpoolctl

LAYER = "omp"


def opened(threads):
    """Makes Numba's loops use GNU OpenMP's threads, and so many of them; how many there are is returned.

    NumPy's own BLAS is held to one thread from here on; it does the small products.

    Raises:
        ImportError: Numba's loops run in another pool already, or this one cannot be loaded.
    """
    numba.config.THREADING_LAYER = LAYER
    count = min(threads, numba.config.NUMBA_NUM_THREADS)
    numba.set_num_threads(count)
    if numba.threading_layer() != LAYER:
        raise ImportError(f"Numba's threads are of its layer {numba.threading_layer()!r} already, and not of {LAYER!r}")
    threadpoolctl.ThreadpoolController().select(internal_api="openblas").limit(limits=1)
    return count
