"""The number of threads of a training: the requested number, or the number of cores that this process may use."""

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
"""Environment variables that limit the threads of libraries; the default is never more than these say."""
MIN_MULTIPLICATIONS = 2_000_000
"""Multiplications in a matrix product from which on a second thread helps: not yet at 1,000,000; at 2,000,000 a product
takes three quarters of the time (`python benchmarks/threads.py --only products`)."""

MAX_DIGITS = 20
"""Digits of a number of threads that are read and shown."""

_CURRENT: ContextVar[int | None] = ContextVar("threads", default=None)
"""The number of threads inside `limited`; None outside."""
_LOCK = Lock()
_LIMITS: dict[object, int] = {}
"""The limits that are active on the BLAS libraries, newest last. A BLAS thread pool belongs to the whole process."""
_LIMITED: dict[str, tuple[Any, int]] = {}
"""Each limited BLAS library by its file, with the number of threads that it had before the first limit."""


class ThreadsError(FcframeError):
    """The requested number of threads is not possible."""


def count() -> int:
    """The number of threads of the current training, or else of a training that would start now.

    Raises:
        ThreadsError: FCFRAME_THREADS is not a number of threads that this process can have.

    >>> with limited(1):
    ...     count()
    1
    """
    return number()


def number(requested: int | str | None = None, *, largest: int | None = None, where: str = "threads") -> int:
    """Chooses the number of threads.

    The requested number comes first, then the current training's, then FCFRAME_THREADS. Otherwise it is 1 if all
    products are small, and else `available()`, or fewer if a variable such as OMP_NUM_THREADS says so.

    Args:
        requested: The number that the user asked for.
        largest: Multiplications in the largest matrix product.
        where: The name of the argument or option `requested`, for the error message.

    Raises:
        ThreadsError: The requested number is not an integer from 1 to `available()`.

    >>> number(1)
    1
    >>> number("many", where="--threads")
    Traceback (most recent call last):
        ...
    fcframe.threads.ThreadsError: --threads: expected 1...; got 'many'
    """
    if requested is not None:
        return _checked(requested, where)
    if (current := _CURRENT.get()) is not None:
        return current
    if text := os.environ.get(VARIABLE, "").strip():
        return _checked(text, VARIABLE)
    if largest is not None and largest < MIN_MULTIPLICATIONS:
        return 1
    # OpenMP's variable may be a list with one number for each level of nesting; the first is the outermost.
    limits = (_digits(os.environ.get(name, "").partition(",")[0].strip()) for name in LIBRARIES)
    return min([available(), *(limit for limit in limits if limit)])


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Limits the block to this number of threads: the result of `count`, and the loaded thread pools.

    The limits on OpenMP and on `count` apply to the current Python thread. A BLAS library has one limit for the whole
    process: when blocks overlap in several Python threads, the newest limit applies, and the last block that ends
    restores the original number.

    Raises:
        ThreadsError: The number is not an integer from 1 to `available()`.
    """
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # slow; only needed to compute

    token = _CURRENT.set(_checked(threads, "threads"))
    try:
        pools = ThreadpoolController()
        blas = pools.select(user_api="blas").lib_controllers
        with pools.select(user_api="openmp").limit(limits=threads), _limited_blas(blas, threads):
            yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def _limited_blas(libraries: list[Any], threads: int) -> Iterator[None]:
    key = object()
    try:
        with _LOCK:
            _LIMITS[key] = threads
            for library in libraries:
                _LIMITED.setdefault(library.filepath, (library, library.num_threads))
            _apply_limits()
        yield
    finally:
        with _LOCK:
            _LIMITS.pop(key, None)
            _apply_limits()
            if not _LIMITS:
                _LIMITED.clear()


def _apply_limits() -> None:
    """Sets the newest limit on all limited libraries, or restores their original numbers if no limit is left."""
    newest = next(reversed(_LIMITS.values()), None)
    for library, original in _LIMITED.values():
        # Recent versions of threadpoolctl ignore every Python thread but the first that sets a limit. Limits of
        # several threads are combined here already, so the unguarded function is called.
        change = getattr(library, "_real_set_num_threads", library.set_num_threads)
        change(original if newest is None else newest)


def available(groups: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """The number of cores that this process may use, by its CPU affinity and the quotas of its control groups.

    Args:
        groups: The folder of the control groups.
        own: The file that names the control groups of this process.
    """
    return max(1, ceil(min(len(cores()), _quota(groups, own))))


def cores() -> list[int]:
    """The indices of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _checked(requested: int | str, where: str) -> int:
    most = available()
    # Python refuses to convert integers of more than 4,300 digits to decimal text.
    huge = isinstance(requested, int) and abs(requested) >= 10**MAX_DIGITS
    text = f"{requested:#x}" if huge else str(requested)
    count = _digits(text)
    if isinstance(requested, bool) or not 1 <= count <= most:
        allowed = "1, as this process may use one core" if most == 1 else f"1 to {most}, the cores this process may use"
        short = text if len(text) <= MAX_DIGITS else f"{text[:MAX_DIGITS]}…"
        raise ThreadsError(f"{where}: expected {allowed}; got {short if isinstance(requested, int) else repr(short)}")
    return count


def _digits(text: str) -> int:
    """The integer that a text contains, cut to MAX_DIGITS digits; 0 if the text is not a non-negative integer."""
    return int(text.lstrip("0")[:MAX_DIGITS] or 0) if text.isascii() and text.isdecimal() else 0


def _quota(groups: Path, own: Path) -> float:
    """The smallest CPU quota of the control groups that contain this process, in cores; infinite without a quota."""
    smallest = float("inf")
    with suppress(OSError, ValueError):  # not Linux, or the files cannot be read
        for line in own.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            # Version 1 of control groups has one tree for each controller, version 2 a single tree.
            top = groups / ("cpu" if controllers else "")
            group = top / path.strip("/")
            for folder in (group, *group.parents[: len(group.relative_to(top).parts)]):
                smallest = min(smallest, _quota_of(folder))
    return smallest


def _quota_of(group: Path) -> float:
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (group / "cpu.max").read_text().split()
        return int(quota) / int(period)  # raises ValueError for "max", which means no quota
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else float("inf")
    return float("inf")
