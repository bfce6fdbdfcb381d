"""How many threads a training may use: what is asked for, else the cores that this process may run on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from math import ceil
from pathlib import Path
from threading import Lock
from typing import Any

from fcframe.errors import FcframeError

VARIABLE = "FCFRAME_THREADS"
LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Where libraries are told how many threads they may have; the default is never more."""
WORTHWHILE = 2_000_000
"""Multiplications in a matrix product from which on a second thread gains: at 1,000,000 it does not yet, at 2,000,000
a product takes three quarters of the time (`python benchmarks/threads.py --only products`)."""

LONG = 20
"""Digits of a number that are read and shown; it is more than any machine has cores."""

_IN_FORCE: ContextVar[int | None] = ContextVar("threads", default=None)
_LOCK = Lock()
_HOLDERS: dict[object, int] = {}
"""Who holds the BLAS libraries to how many threads, the newest last: their thread pools are the whole process's."""
_FOUND: dict[str, tuple[Any, int]] = {}
"""Each library that is held, by its file, and the number that whoever held it first found."""


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
    # OpenMP takes a list, a number for each level of nesting; ours is the first
    told = (_digits(os.environ.get(name, "").partition(",")[0].strip()) for name in LIBRARIES)
    return min([available(), *(count for count in told if count)])


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Everything in the block has so many threads: `count` says so, and thread pools that are loaded are held to it.

    OpenMP's number and `count` are those of the Python thread. A BLAS library has one number for the process: where
    blocks overlap, that of the newest holds, and the last that ends gives back what the first one found.

    Raises:
        ThreadsError: It is no whole number from 1 to `available()`.
    """
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # only where something is computed

    token = _IN_FORCE.set(_checked(threads, "threads"))
    try:
        pools = ThreadpoolController()
        blas = pools.select(user_api="blas").lib_controllers
        with pools.select(user_api="openmp").limit(limits=threads), _held(blas, threads):
            yield
    finally:
        _IN_FORCE.reset(token)


@contextmanager
def _held(libraries: list[Any], threads: int) -> Iterator[None]:
    holder = object()
    try:
        with _LOCK:
            _HOLDERS[holder] = threads
            for library in libraries:
                _FOUND.setdefault(library.filepath, (library, library.num_threads))
            _set()
        yield
    finally:
        with _LOCK:
            _HOLDERS.pop(holder, None)
            _set()
            if not _HOLDERS:
                _FOUND.clear()


def _set() -> None:
    """Gives each library that is held the newest holder's number, or its own back if there is none."""
    newest = next(reversed(_HOLDERS.values()), None)
    for library, found in _FOUND.values():
        # threadpoolctl's newest version ignores all Python threads but the first that asked; ours agree by themselves
        change = getattr(library, "_real_set_num_threads", library.set_num_threads)
        change(found if newest is None else newest)


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
    huge = isinstance(wanted, int) and abs(wanted) >= 10**LONG  # of the longest not even Python makes digits
    text = f"{wanted:#x}" if huge else str(wanted)
    count = _digits(text)
    if isinstance(wanted, bool) or not 1 <= count <= most:
        few = "1, as this process may use one core" if most == 1 else f"1 to {most}, the cores this process may use"
        short = text if len(text) <= LONG else f"{text[:LONG]}…"
        raise ThreadsError(f"{where}: expected {few}; got {short if isinstance(wanted, int) else repr(short)}")
    return count


def _digits(text: str) -> int:
    """The whole number that a text is, one of LONG digits where it has more; 0 where it is none."""
    return int(text.lstrip("0")[:LONG] or 0) if text.isascii() and text.isdecimal() else 0


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
