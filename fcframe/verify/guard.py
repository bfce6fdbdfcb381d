"""Calls a stranger's code: bounded in time and memory, heard when it prints or warns, and cleaned up after."""

import contextlib
import io
import random
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, TypeVar

import numpy as np

try:  # what bounds memory on POSIX systems, and exists nowhere else
    import resource
except ImportError:  # pragma: no cover
    resource = None  # type: ignore[assignment]

SECONDS = 10.0
"""The time limit of one check."""
BYTES = 4 * 2**30
"""How much memory a check may ask for beyond what the process has."""

Result = TypeVar("Result")


class TimeLimitError(BaseException):
    """Raised inside a call that takes too long; no `except Exception` of the author's catches it."""


class MisbehaviorError(Exception):
    """The code did something that no component may do besides computing; says what."""


def guarded(function: Callable[[], Result], *, seconds: float = SECONDS) -> Result:
    """Calls a function and returns what it returns.

    Raises:
        MisbehaviorError: It took too long, asked for too much memory, printed, warned, left by sys.exit, or changed
            the global random state or NumPy's error state. All of that is undone first.
        Exception: Whatever else it raised.
    """
    noise = io.StringIO()
    numpy_state, python_state, error_state = np.random.get_state(), random.getstate(), np.geterr()  # noqa: NPY002
    faults: list[str] = []
    try:
        with (
            warnings.catch_warnings(record=True) as heard,
            contextlib.redirect_stdout(noise),
            contextlib.redirect_stderr(noise),
            _time_limit(seconds),
            _memory_limit(),
        ):
            warnings.simplefilter("always")
            result = function()
    except TimeLimitError:
        raise MisbehaviorError(f"took longer than {seconds:g} s") from None
    except MemoryError as error:
        raise MisbehaviorError(f"ran out of memory: {error}") from error
    except SystemExit as error:
        raise MisbehaviorError(f"left by sys.exit({error.code!r})") from error
    finally:
        if np.geterr() != error_state:
            faults.append(f"changed NumPy's error state from {error_state} to {np.geterr()}")
            np.seterr(**error_state)
        if not _same_state(np.random.get_state(), numpy_state):  # noqa: NPY002
            faults.append("changed NumPy's global random state; draw from ctx.rng alone")
            np.random.set_state(numpy_state)  # noqa: NPY002
        if random.getstate() != python_state:
            faults.append("changed the global state of Python's random module; draw from ctx.rng alone")
            random.setstate(python_state)
    if noise.getvalue():
        faults.append(f"printed {noise.getvalue()[:80]!r}")
    faults += [f"warned: {warning.category.__name__}: {warning.message}" for warning in heard[:1]]
    if faults:
        raise MisbehaviorError("; ".join(faults))
    return result


def _same_state(first: Any, second: Any) -> bool:
    return bool(first[0] == second[0] and (first[1] == second[1]).all() and first[2:] == second[2:])


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """An alarm, where there are alarms; it rings again and again, in case the code catches it."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TimeLimitError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _memory_limit() -> Iterator[None]:
    """A bound on the address space, where the system has one."""
    if resource is None or not hasattr(resource, "RLIMIT_AS"):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    allowed = _address_space() + BYTES
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
