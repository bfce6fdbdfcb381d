"""An elementwise optimizer's update of all parameters in one pass that the threads share."""

import numpy as np

from fcframe_fast import loops, machine
from fcframe_fast.tracing import Trace, UntraceableError

GRADIENT = 1
"""The gradient's place among the arrays."""
FEW = 64
"""Numbers that the optimizer's own text and its program are compared on."""
ROUNDINGS = 200
"""By how many rounding errors of the largest number these may differ."""


def update_of(update, w, dw, slots, run):
    """The traced update, or None where the optimizer's text cannot be traced, or does something else when it is."""
    return TracedUpdate(update, w, dw, slots, run) if _does_the_same(update, w.dtype, tuple(slots)) else None


def _does_the_same(update, dtype, names):
    """Whether a step does to a few numbers what the text does to them: it may ask whether it has an array in hand."""
    rng = np.random.default_rng(0)
    w, dw, *slots = (rng.normal(size=FEW).astype(dtype) for _ in range(2 + len(names)))
    slots = {name: np.abs(slot) for name, slot in zip(names, slots, strict=True)}  # some are squares
    own_w, own_slots = w.copy(), {name: slot.copy() for name, slot in slots.items()}
    traced = TracedUpdate(update, w, dw, slots, lambda *arguments: loops.update(*arguments, 1))
    try:
        with np.errstate(all="ignore"):
            if not traced(1, 0.1):
                return False
            update(own_w, dw.copy(), own_slots, 1, 0.1)
    except Exception:  # NumPy's way shows it, with the whole arrays
        return False
    pairs = [(w, own_w), *((slots[name], own_slots[name]) for name in names)]
    return all(_alike(found, own, ROUNDINGS * float(np.finfo(dtype).eps)) for found, own in pairs)


def _alike(found, own, tolerance):
    largest = np.abs(own[np.isfinite(own)]).max(initial=1)
    return np.allclose(found, own, rtol=0, atol=tolerance * float(largest), equal_nan=True)


class TracedUpdate:
    """Calls the optimizer's own text once a step with stand-ins, and runs what it wrote down on all numbers.

    Args:
        update: The optimizer's method.
        w: All parameters, flat.
        dw: All gradients.
        slots: The optimizer's slots.
        run: Runs a program's code: takes its address, those of the numbers and of the arrays, and these's length.
    """

    def __init__(self, update, w, dw, slots, run):
        self._update, self._run = update, run
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
        self._run(code, numbers.ctypes.data, self._places.ctypes.data, len(self._arrays[0]))
        return True
