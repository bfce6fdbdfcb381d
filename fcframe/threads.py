"""How many threads a training may use: what is asked for, else the cores that this process may run on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from math import ceil
from pathlib import Path

from fcframe.errors import FcframeError

VARIABLE = "FCFRAME_THREADS"
LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Where libraries are told how many threads they may have; the default is never more."""
WORTHWHILE = 2_000_000
"""Multiplications in a matrix product from which on a second thread gains: at 1,000,000 it does not yet, at 2,000,000
a product takes three quarters of the time (`python benchmarks/threads.py --only products`)."""

_IN_FORCE: ContextVar[int | None] = ContextVar("threads", default=None)


class ThreadsError(FcframeError):
    """Ask for another number of threads."""


def count() -> int:
    """The number of threads that may be used now: that of the training that runs, else of one that would begin.

    Raises:
        ThreadsError: FCFRAME_THREADS is no number of threads that this process can have.

    >>> with limited(1):
    ...     count()
    1
    """
    return number()


def number(wanted: int | str | None = None, *, largest: int | None = None, where: str = "threads") -> int:
    """The number of threads for a piece of work.

    Args:
        wanted: What somebody asked for; then it is that. Without it, the number in force, else FCFRAME_THREADS.
        largest: Multiplications in the largest product. Where nobody asked and it is too small for a second thread
            to gain, the number is 1; else it is `available()`, or less where a library was told so.
        where: What `wanted` is called in an error.

    Raises:
        ThreadsError: What was asked for is no whole number from 1 to `available()`.

    >>> number(1)
    1
    >>> number("many", where="--threads")
    Traceback (most recent call last):
        ...
    fcframe.threads.ThreadsError: --threads: expected 1...; got 'many'
    """
    if wanted is not None:
        return _checked(wanted, where)
    if (in_force := _IN_FORCE.get()) is not None:
        return in_force
    if named := os.environ.get(VARIABLE, "").strip():
        return _checked(named, VARIABLE)
    if largest is not None and largest < WORTHWHILE:
        return 1
    told = (os.environ.get(name, "") for name in LIBRARIES)
    return min([available(), *(int(text) for text in told if text.isdecimal() and int(text))])


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Everything in the block has so many threads: `count` says so, and thread pools that are loaded are held to it.

    Raises:
        ThreadsError: It is no whole number from 1 to `available()`.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # only where something is computed

    token = _IN_FORCE.set(_checked(threads, "threads"))
    try:
        with threadpool_limits(threads):
            yield
    finally:
        _IN_FORCE.reset(token)


def available(groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """The cores that this process may use: those of its affinity, and no more than its control groups' quota.

    Args:
        groups: Where the control groups lie.
        own: The file that names this process's.
    """
    return max(1, ceil(min(len(cores()), _quota(groups, own))))


def cores() -> list[int]:
    """The numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _checked(wanted: int | str, where: str) -> int:
    most = available()
    text = str(wanted)[:20]  # of a longer one not even Python makes a number
    if isinstance(wanted, bool) or not text.isdecimal() or not 1 <= int(text) <= most:
        few = "1, as this process may use one core" if most == 1 else f"1 to {most}, the cores this process may use"
        shown = text if isinstance(wanted, int) else repr(text)
        raise ThreadsError(f"{where}: expected {few}; got {shown}")
    return int(text)


def _quota(groups: Path, own: Path) -> float:
    """The least of the quotas of the groups around this process, in cores; infinite where there is none."""
    least = float("inf")
    with suppress(OSError, ValueError):  # no Linux, or nothing that may be read
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            top = groups / ("cpu" if controllers else "")  # version 1 has a tree a controller, version 2 one in all
            place = top / path.strip("/")
            for folder in (place, *place.parents[: len(place.relative_to(top).parts)]):
                least = min(least, _quota_of(folder))
    return least


def _quota_of(group: Path) -> float:
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (group / "cpu.max").read_text().split()
        return int(quota) / int(period)  # "max" is no number
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else float("inf")
    return float("inf")
