"""Calls third-party code with limits of time and memory; records what it prints, and restores what it changes.

The time limit counts the CPU time of the thread, so that no check fails because the machine is slow or the process was
stopped. A second, longer limit by the clock ends code that waits without computing.

Limits of the sandbox: the time is not limited on systems without SIGALRM (Windows) or outside the main thread; memory
is not limited on systems without RLIMIT_AS (Windows, and in effect macOS); a single call into C code is not
interrupted; code that ends the process, for example by os._exit, ends the harness too.
"""

import atexit
import contextlib
import functools
import io
import itertools
import os
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import IO, NamedTuple, TypeVar

import numpy as np
import numpy.random  # its state is restored only if it is imported, and NumPy imports it when it is first used

from fcframe.process_state import PARTS, restore_changed, snapshot

try:  # exists on POSIX systems only
    import resource
except ImportError:  # pragma: no cover
    resource = None  # type: ignore[assignment]

CPU_SECONDS = 10.0
"""The time limit of one check, in seconds of CPU time."""
WALL_FACTOR = 60.0
"""The limit by the clock as a multiple of the limit of CPU time: 10 minutes, for code that waits."""
MAX_BYTES = 2 * 2**30
"""The memory that a check may allocate in addition to what the process has."""
FIRST_WAITS = (0.1, 0.01, 0.001)
"""Seconds between the first alarms after the time limit."""
LATER_WAITS = tuple(count * 1e-6 for count in range(1, 41))
"""Seconds between all later alarms, in a cycle: a loop that catches each alarm leaves its `try` for a microsecond."""
MIN_WAIT = 0.02
"""Seconds to the next alarm if the thread has used less CPU time than its limit."""
MAX_SHOWN = 100
"""Characters shown of printed text or of a warning."""

RESTORED = tuple(name for name in PARTS if name != "the filters of warnings")
"""The parts of the process's state that no component may change; `warnings.catch_warnings` restores the filters."""
ADVICE = {
    "NumPy's error state": "use `with np.errstate(...)`",
    "NumPy's global random state": "draw from ctx.rng alone",
    "the state of Python's random module": "draw from ctx.rng alone",
}
"""Part of the state → what to do instead of changing it."""


class Deadline(NamedTuple):
    """The end of a call's time: a CPU time of its thread, and a time of the clock; the earlier one counts."""

    cpu: float
    wall: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline that allows this many seconds of CPU time from now."""
        return cls(time.thread_time() + seconds, time.monotonic() + WALL_FACTOR * seconds)

    @property
    def left(self) -> float:
        """Seconds to the earlier of both ends; 0 or less if the time is over."""
        return min(self.cpu - time.thread_time(), self.wall - time.monotonic())


DEADLINES: list[Deadline] = []
"""The deadlines of the calls that run in the main thread, the outermost first."""

Result = TypeVar("Result")


class TimeLimitError(BaseException):
    """Raised inside a call that takes too long; a BaseException, so that `except Exception` does not catch it."""


class MisbehaviorError(Exception):
    """The code had a side effect that no component may have; the message says which."""


class ExhaustedError(MisbehaviorError):
    """The code took too much time or memory."""


def guarded(function: Callable[[], Result], *, seconds: float | None = None, warned: list[str] | None = None) -> Result:
    """Calls a function and returns what it returns.

    Args:
        function: What to call.
        seconds: The time limit in seconds of CPU time; CPU_SECONDS by default.
        warned: A list to which one line is appended for each warning; by default warnings are ignored.

    Raises:
        MisbehaviorError: The function printed, called sys.exit, or changed state of the process (RESTORED). The state
            is restored first.
        ExhaustedError: The function took too long, or allocated too much memory.
        Exception: Any other exception of the function.
    """
    seconds = CPU_SECONDS if seconds is None else seconds
    faults: list[str] = []
    warned = [] if warned is None else warned
    try:
        with ERROR_STATE(), _output_captured(faults), _warnings_recorded(warned), _state_restored(faults):
            with _time_limit(seconds) as late, _memory_limit():
                result = _call(function)
            if late():
                raise TimeLimitError
    except TimeLimitError:
        raise ExhaustedError(f"took longer than {seconds:g} s") from None
    except MemoryError as error:
        raise ExhaustedError(f"ran out of memory: {error}".removesuffix(": ")) from None
    except SystemExit as error:
        raise MisbehaviorError(f"left by sys.exit({error.code!r})") from None
    finally:
        if _overdue() and not isinstance(sys.exc_info()[1], KeyboardInterrupt):
            raise TimeLimitError
    if faults:
        raise MisbehaviorError("; ".join(faults))
    return result


def _overdue() -> bool:
    """Whether the time of an enclosing `guarded` call is over: alarms of inner calls may have replaced its alarm."""
    if threading.current_thread() is not threading.main_thread():
        return False
    return any(deadline.left < 0 for deadline in DEADLINES)


def _call(function: Callable[[], Result]) -> Result:
    """Calls the function. The alarm interrupts only code that runs inside this frame."""
    return function()


ERROR_STATE = functools.partial(np.errstate, divide="warn", over="warn", under="ignore", invalid="warn")
"""NumPy's default error state, so that checks do not depend on what the process has set."""


@contextlib.contextmanager
def _state_restored(faults: list[str]) -> Iterator[None]:
    """Restores state of the process that changes within the block, and adds a line for each change to the faults."""
    before = snapshot(RESTORED)
    try:
        yield
    finally:
        faults += ["; ".join(filter(None, (f"changed {name}", ADVICE.get(name)))) for name in restore_changed(before)]


@contextlib.contextmanager
def _warnings_recorded(warned: list[str]) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always")
        # The garbage collector gives this one at any time, also for files that the code does not know.
        warnings.simplefilter("ignore", ResourceWarning)
        yield
    for warning in recorded:
        text = str(warning.message)[:MAX_SHOWN]
        warned.append(f"{warning.category.__name__}: {text} ({warning.filename}:{warning.lineno})")


@contextlib.contextmanager
def _output_captured(faults: list[str]) -> Iterator[None]:
    """Captures what is printed, also by C code and child processes, and adds it to the faults."""
    printed = io.StringIO()
    try:
        with _descriptors_captured(printed), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield
    finally:
        if printed.getvalue():
            text = printed.getvalue()
            faults.append(f"printed {text[:MAX_SHOWN]!r}{'…' * (len(text) > MAX_SHOWN)}")


@contextlib.contextmanager
def _descriptors_captured(printed: IO[str]) -> Iterator[None]:
    """Captures what is written to file descriptors 1 and 2."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            stream.flush()  # type: ignore[union-attr]
    file = _capture_file()
    copies = {}
    for number in (1, 2):
        with contextlib.suppress(OSError):  # a process without that descriptor
            copies[number] = os.dup(number)
            os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        with contextlib.suppress(AttributeError, OSError, ValueError):
            sys.__stdout__.flush()  # type: ignore[union-attr]
            sys.__stderr__.flush()  # type: ignore[union-attr]
        for number, copy in copies.items():
            os.dup2(copy, number)
            os.close(copy)
        if os.fstat(file.fileno()).st_size:
            file.seek(0)
            printed.write(file.read(10_000).decode(errors="replace"))
            file.seek(0)
            file.truncate()


@functools.cache
def _capture_file() -> IO[bytes]:
    """The one temporary file that receives captured output; it is emptied after each call."""
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed at exit
    atexit.register(file.close)
    return file


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[Callable[[], bool]]:
    """Raises TimeLimitError in the block when its time is over, if the system has alarms.

    Yields:
        A function that tells whether the time was over.
    """
    waits = itertools.chain(FIRST_WAITS, itertools.cycle(LATER_WAITS))
    deadline = Deadline.after(seconds)
    rung: list[bool] = []
    over = False
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return

    def ring(_number: int, frame: FrameType | None) -> None:
        if over:
            return
        if not rung and deadline.left > 0:  # the process was stopped, or other processes used its core
            signal.setitimer(signal.ITIMER_REAL, max(deadline.left, MIN_WAIT), FIRST_WAITS[0])
            return
        signal.setitimer(signal.ITIMER_REAL, 0)  # in a deep recursion the loop below takes longer than one wait
        caller = frame
        while caller is not None and caller.f_globals is not globals():
            caller = caller.f_back
        within = caller is not None and caller is not frame and caller.f_code is _call.__code__
        signal.setitimer(signal.ITIMER_REAL, next(waits) if within else LATER_WAITS[-1], FIRST_WAITS[0])
        if within:  # not while this or an inner `guarded` call starts or ends
            rung.append(True)
            raise TimeLimitError

    start, depth = time.monotonic(), len(DEADLINES)
    before = signal.signal(signal.SIGALRM, ring)
    outer, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        DEADLINES.append(deadline)
        yield lambda: bool(rung)
    finally:
        over = True
        del DEADLINES[depth:]
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer:  # the alarm of an enclosing `guarded` call, or of pytest-timeout
            signal.setitimer(signal.ITIMER_REAL, max(outer - (time.monotonic() - start), LATER_WAITS[-1]), interval)


@contextlib.contextmanager
def _memory_limit() -> Iterator[None]:
    """Limits the address space of the process, if the system can."""
    if resource is None or not hasattr(resource, "RLIMIT_AS"):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = _address_space() + MAX_BYTES
    bounded = allowed if soft == resource.RLIM_INFINITY else min(soft, allowed)
    resource.setrlimit(resource.RLIMIT_AS, (bounded, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    """The size of the process's address space in bytes; a very large number if the system does not tell."""
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123 - the fastest way, for this runs in every check
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**40
