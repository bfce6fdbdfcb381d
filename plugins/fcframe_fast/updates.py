"""An elementwise optimizer's update of a group of parameters in one pass, which the threads share."""

from collections.abc import Callable
from functools import partial

import numpy as np

from fcframe import Array, Step
from fcframe_fast import generated, loops
from fcframe_fast.provider import Update
from fcframe_fast.tracing import Trace, UntraceableError

Run = Callable[[int, int, int, int], None]
"""Calls a compiled update: its address, those of the numbers and of the arrays' addresses, and the arrays' length."""
GRADIENT = 1
"""The gradient's place among the arrays."""
SAMPLE = 64
"""Elements on which the optimizer's own update and its program are compared."""
MAX_ROUNDING_ERRORS = 200
"""By how many rounding errors of the largest element these may differ."""
MAX_PROGRAMS = 16
"""Different programs of one group, after which NumPy makes the updates: compiling one takes a third of a second."""


def update_of(update: Update, w: Array, dw: Array, slots: dict[str, Array], run: Run) -> Callable[[Step], bool] | None:
    """The traced update, or None where the optimizer's update cannot be traced, or does something else when it is."""
    traced = TracedUpdate(update, w, dw, slots, run)
    return traced if traced.agrees(decay=True) else None


class TracedUpdate:
    """Calls the optimizer's own update once a step with stand-ins, and runs what it wrote down on all elements.

    Args:
        update: The optimizer's method.
        w: The parameters, flat.
        dw: Their gradients.
        slots: The optimizer's slots.
        run: Calls the compiled update.
    """

    def __init__(self, update: Update, w: Array, dw: Array, slots: dict[str, Array], run: Run) -> None:
        self._update, self._run = update, run
        self._arrays = (w, dw, *slots.values())
        self._names = tuple(slots)
        self._places = np.array([array.ctypes.data for array in self._arrays], np.int64)
        self._agrees: dict[bool, bool] = {}
        self._programs: set[object] = set()

    def __call__(self, step: Step) -> bool:
        """Makes one update of everything and returns True; or returns False, where it is left to NumPy."""
        return self.agrees(step.decay) and self._done(step)

    def agrees(self, decay: bool) -> bool:
        """Whether the traced update does to a few random numbers what the optimizer's own does.

        It may not: an update can ask whether it has an array in hand, for example. Compared once for parameters with
        and once for those without weight decay.
        """
        if decay not in self._agrees:
            self._agrees[decay] = self._compared(Step(1, 0.1, decay))
        return self._agrees[decay]

    def _compared(self, step: Step) -> bool:
        rng, dtype = np.random.default_rng(0), self._arrays[0].dtype
        w, dw, *others = (rng.normal(size=SAMPLE).astype(dtype) for _ in self._arrays)
        slots = {name: np.abs(slot) for name, slot in zip(self._names, others, strict=True)}  # some are squares
        own_w, own_slots = w.copy(), {name: slot.copy() for name, slot in slots.items()}
        traced = TracedUpdate(self._update, w, dw, slots, partial(loops.update, threads=1))
        with np.errstate(all="ignore"):
            if not traced._done(step):
                return False
            try:
                self._update(own_w, dw.copy(), own_slots, step)
            except Exception:  # NumPy's way will show it, with the whole arrays
                return False
        tolerance = MAX_ROUNDING_ERRORS * float(np.finfo(dtype).eps)
        pairs = [(w, own_w), *((slots[name], own_slots[name]) for name in self._names)]
        return all(_close(found, own, tolerance) for found, own in pairs)

    def _done(self, step: Step) -> bool:
        try:
            trace = self._trace(step)
        except UntraceableError:  # in this step: what is done may depend on the step
            return False
        program = tuple(trace.operations), tuple(trace.held), len(trace.numbers), trace.dtype
        if program not in self._programs:
            if len(self._programs) == MAX_PROGRAMS:
                return False
            self._programs.add(program)
        with np.errstate(over="ignore"):
            numbers = np.array(trace.numbers, trace.dtype)
        function = generated.compiled(*program)
        self._run(function.address, numbers.ctypes.data, self._places.ctypes.data, len(self._arrays[0]))
        return True

    def _trace(self, step: Step) -> Trace:
        """What the update of this step does.

        Raises:
            UntraceableError: It does what no program does.
        """
        trace = Trace(len(self._arrays), self._arrays[0].dtype, read_only=frozenset({GRADIENT}))
        w, dw, *others = trace.standins()
        slots = dict(zip(self._names, others, strict=True))
        before = dict(slots)
        update: Callable[..., object] = self._update  # which is called with what are no arrays
        try:
            returned = update(w, dw, slots, step)
        except UntraceableError:
            raise
        except Exception as error:  # what is written for arrays alone may fail with a stand-in anywhere
            raise UntraceableError(f"it raised {type(error).__name__}") from error
        if trace.broken or returned is not None or slots != before:
            raise UntraceableError(trace.broken or "it returns something, or puts other arrays into the slots")
        return trace


def _close(found: Array, own: Array, tolerance: float) -> bool:
    largest = np.abs(own[np.isfinite(own)]).max(initial=1)
    return np.allclose(found, own, rtol=0, atol=tolerance * float(largest), equal_nan=True)
