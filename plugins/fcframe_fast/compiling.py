"""Compiling: what is kept between two runs, and that no Ctrl-C is lost meanwhile."""

import signal
import threading
from contextlib import contextmanager

from numba import njit


@contextmanager
def uninterrupted():
    """Holds Ctrl-C back in the block, and lets it happen afterwards.

    LLVM calls Python back while it compiles, and an exception that is raised there reaches nobody.
    """
    # elsewhere than in the main thread no signal arrives; and what C put there (None) cannot be put back
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    came = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def loop(parallel=False):
    """Makes a function a loop of machine code, which is kept for the next run where it can be written."""

    def make(function):
        try:
            found = njit(function, parallel=parallel, cache=True)
        except RuntimeError:  # there is no folder that can be written
            found = njit(function, parallel=parallel)
        compile_one = found.compile

        def held(signature):
            with uninterrupted():
                return compile_one(signature)

        found.compile = held  # Numba calls it once for each kind of arguments, compiled or kept
        return found

    return make
