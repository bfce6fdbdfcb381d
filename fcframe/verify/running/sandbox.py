"""Calls a stranger's code: bounded in time and memory, heard when it prints or warns, and cleaned up after.

The limit of time counts what the thread computes, so that a stopped process or a loaded machine fails nothing; the
clock bounds what waits.

Where there is no SIGALRM (Windows), or outside of the main thread, nothing bounds the time; where there is no RLIMIT_AS
(Windows, and macOS in effect), nothing bounds the memory; a single call into C code is not cut short. What ends the
process itself, as os._exit does, ends the harness.
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

from fcframe.verify.running.process_state import same_globals

try:  # what bounds memory on POSIX systems, and exists nowhere else
    import resource
except ImportError:  # pragma: no cover
    resource = None  # type: ignore[assignment]

CPU_SECONDS = 10.0
"""The time limit of one check, in seconds that its thread computes: a machine that sleeps, or is loaded, costs none."""
WALL_FACTOR = 60.0
"""How many times as long a check may take by the clock: 10 minutes, for what waits and computes nothing."""
MAX_BYTES = 2 * 2**30
"""How much memory a check may ask for beyond what the process has."""
FIRST_WAITS = (0.1, 0.01, 0.001)
"""Seconds from one alarm to the next once the time is over, at first."""
LATER_WAITS = tuple(count * 1e-6 for count in range(1, 41))
"""And then, over and over: what catches each alarm in a loop is out of its `try` for a microsecond alone."""
MIN_WAIT = 0.02
"""Seconds after which the alarm looks again at a check that has computed for less than its limit."""
MAX_SHOWN = 100
"""Characters shown of what was printed, or of a warning."""


class Deadline(NamedTuple):
    """When a call's time is over: when its thread has computed so long, or the clock says so."""

    cpu: float
    wall: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """In so many seconds of computing."""
        return cls(time.thread_time() + seconds, time.monotonic() + WALL_FACTOR * seconds)

    @property
    def left(self) -> float:
        """Seconds that are left of what is over first; 0 or less where it is over."""
        return min(self.cpu - time.thread_time(), self.wall - time.monotonic())


DEADLINES: list[Deadline] = []
"""Those of the calls that are under way in the main thread; the first is the outermost."""

Result = TypeVar("Result")


class TimeLimitError(BaseException):
    """Raised inside a call that takes too long; no `except Exception` of the author's catches it."""


class MisbehaviorError(Exception):
    """The code did something that no component may do besides computing; says what."""


class ExhaustedError(MisbehaviorError):
    """The code took too much time or memory, and would do so again."""


def guarded(function: Callable[[], Result], *, seconds: float | None = None, warned: list[str] | None = None) -> Result:
    """Calls a function and returns what it returns.

    Args:
        function: What to call.
        seconds: The time limit, of computing; CPU_SECONDS, by default.
        warned: Where what it warned of is noted, one line for each warning; by default nothing is noted.

    Raises:
        MisbehaviorError: It printed, left by sys.exit, or changed what belongs to the whole process, see
            `process_state.GLOBALS`. All of that is undone first.
        ExhaustedError: It took too long, or asked for too much memory.
        Exception: Whatever else it raised.
    """
    seconds = CPU_SECONDS if seconds is None else seconds
    faults: list[str] = []
    warned = [] if warned is None else warned
    try:
        with ERROR_STATE(), _silence(faults), _warnings_heard(warned), same_globals(faults):
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
    """Whether the time of a guard around this one is over: its alarm may find no gap between those within it."""
    if threading.current_thread() is not threading.main_thread():
        return False
    return any(deadline.left < 0 for deadline in DEADLINES)


def _call(function: Callable[[], Result]) -> Result:
    """The frame that alarms look for: they interrupt what it calls, and nothing else."""
    return function()


ERROR_STATE = functools.partial(np.errstate, divide="warn", over="warn", under="ignore", invalid="warn")
"""NumPy's own error state, whatever else the process has set: a check means the same everywhere."""


@contextlib.contextmanager
def _warnings_heard(warned: list[str]) -> Iterator[None]:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)  # the collector gives it, at any time, for anybody's file
        yield
    for warning in heard:
        text = str(warning.message)[:MAX_SHOWN]
        warned.append(f"{warning.category.__name__}: {text} ({warning.filename}:{warning.lineno})")


@contextlib.contextmanager
def _silence(faults: list[str]) -> Iterator[None]:
    """What is printed is kept from the terminal, past sys.stdout too: by C code, by another process."""
    printed = io.StringIO()
    try:
        with _descriptors_silent(printed), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield
    finally:
        if printed.getvalue():
            text = printed.getvalue()
            faults.append(f"printed {text[:MAX_SHOWN]!r}{'…' * (len(text) > MAX_SHOWN)}")


@contextlib.contextmanager
def _descriptors_silent(printed: IO[str]) -> Iterator[None]:
    with contextlib.suppress(AttributeError, OSError, ValueError):
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            stream.flush()  # type: ignore[union-attr]
    file = _scratch()
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
def _scratch() -> IO[bytes]:
    file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed at exit
    atexit.register(file.close)
    return file


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[Callable[[], bool]]:
    """An alarm, where there are alarms; the value tells whether it has rung."""
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
        if not rung and deadline.left > 0:  # the process was stopped, or others had its core
            signal.setitimer(signal.ITIMER_REAL, max(deadline.left, MIN_WAIT), FIRST_WAITS[0])
            return
        signal.setitimer(signal.ITIMER_REAL, 0)  # the way up a deep recursion takes longer than the time to the next
        caller = frame
        while caller is not None and caller.f_globals is not globals():
            caller = caller.f_back
        within = caller is not None and caller is not frame and caller.f_code is _call.__code__
        signal.setitimer(signal.ITIMER_REAL, next(waits) if within else LATER_WAITS[-1], FIRST_WAITS[0])
        if within:  # and not on the way into a call or out of one, a guard's within this one included
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
        if outer:  # somebody else's alarm: of a guard around this one, or of pytest-timeout
            signal.setitimer(signal.ITIMER_REAL, max(outer - (time.monotonic() - start), LATER_WAITS[-1]), interval)


@contextlib.contextmanager
def _memory_limit() -> Iterator[None]:
    """A bound on the address space, where the system has one."""
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
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123 - the fastest way, in every check
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**40
