"""An elementwise optimizer's update of all parameters in one pass that the threads share."""

import numpy as np

from fcframe_fast import machine
from fcframe_fast.tracing import Trace, UntraceableError

GRADIENT = 1
"""The gradient's place among the arrays."""


def update_of(update, w, dw, slots, run, threads):
    """The traced update, or None where the optimizer's text cannot be traced."""
    found = TracedUpdate(update, w, dw, slots, run, threads)
    try:
        found.trace(1, 1.0)
    except UntraceableError:
        return None
    return found


def alone(code, numbers, places, length, _threads):
    """Runs the code of an update over all numbers, in this thread."""
    machine.CALL(code)(0, length, numbers, places)


class TracedUpdate:
    """Calls the optimizer's own text once a step with stand-ins, and runs what it wrote down on all numbers.

    Args:
        update: The optimizer's method.
        w: All parameters, flat.
        dw: All gradients.
        slots: The optimizer's slots.
        run: `shared.update`, or `alone`.
        threads: How many share the work.
    """

    def __init__(self, update, w, dw, slots, run, threads):
        self._update, self._run, self._threads = update, run, threads
        self._arrays = (w, dw, *slots.values())
        self._names = tuple(slots)
        self._places = np.array([array.ctypes.data for array in self._arrays], np.int64)

    def trace(self, step, learning_rate):
        """What the update of this step does.

        Raises:
            UntraceableError: It does what no program does.
        """
        trace = Trace(len(self._arrays), self._arrays[0].dtype, read_only=frozenset({GRADIENT}))
        w, dw, *slots = trace.standins()
        slots = dict(zip(self._names, slots, strict=True))
        before = dict(slots)
        try:
            returned = self._update(w, dw, slots, step, learning_rate)
        except UntraceableError:
            raise
        except Exception as error:  # a text for arrays alone may stumble over a stand-in anywhere
            raise UntraceableError(f"it raised {type(error).__name__}") from error
        if trace.broken or returned is not None or slots != before:
            raise UntraceableError(trace.broken or "it returns something, or puts other arrays into the slots")
        return trace

    def __call__(self, step, learning_rate):
        """Makes one update of everything, and says whether it could."""
        try:
            trace = self.trace(step, learning_rate)
        except UntraceableError:  # in this step: the text may ask for the step
            return False
        with np.errstate(over="ignore"):
            numbers = np.array(trace.numbers, trace.dtype)
        code = machine.compiled(
            tuple(trace.operations), tuple(trace.held), trace.arrays, len(trace.numbers), trace.dtype
        )
        self._run(code, numbers.ctypes.data, self._places.ctypes.data, len(self._arrays[0]), self._threads)
        return True
