"""What belongs to the whole process, so that no component may change it: noticed, and put back."""

import _signal  # type: ignore[import-not-found]  # its handlers are no enumeration: asked for twice in every check
import contextlib
import operator
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np


def _random_state() -> dict[str, Any]:
    """NumPy's global random state, in a form that can be compared."""
    state: Any = np.random.get_state(legacy=False)  # noqa: NPY002 - a third faster than as a tuple
    return _comparable(state)


def _put_back(state: dict[str, Any]) -> None:
    np.random.set_state(_with_arrays(state))  # noqa: NPY002


def _comparable(state: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(state)
    for name, value in state.items():
        if isinstance(value, np.ndarray):
            found[name] = value.tobytes(), value.dtype.str
        elif isinstance(value, dict):
            found[name] = _comparable(value)
    return found


def _with_arrays(state: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(state)
    for name, value in state.items():
        if isinstance(value, tuple):
            found[name] = np.frombuffer(*value)
        elif isinstance(value, dict):
            found[name] = _with_arrays(value)
    return found


SIGNALS = tuple(int(getattr(signal, name)) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name))
"""Those whose handlers are looked at."""


def _handlers() -> list[Any]:
    if threading.current_thread() is not threading.main_thread():
        return []  # only the main thread can change them, and it may do so meanwhile
    return [_signal.getsignal(number) for number in SIGNALS]


def _set_handlers(handlers: list[Any]) -> None:
    for number, handler in zip(SIGNALS, handlers, strict=False):
        signal.signal(number, handler)


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - as a text it is compared in every check
    except OSError:  # it was deleted
        return ""


def _change_folder(folder: str) -> None:
    if folder:
        os.chdir(folder)


def _environment() -> dict[Any, Any]:
    return dict(vars(os.environ)["_data"])  # as it is kept: to decode all of it takes a tenth of a check's time


def _set_environment(variables: Mapping[Any, Any]) -> None:
    decode: Any = os.environ
    os.environ.clear()
    os.environ.update({decode.decodekey(name): decode.decodevalue(value) for name, value in variables.items()})


class Global(NamedTuple):
    """What belongs to the whole process and no component may change."""

    read: Callable[[], Any]
    put_back: Callable[[Any], Any]
    same: Callable[[Any, Any], bool] = operator.eq
    """Whether it is the same (before, after)."""


def _nothing_lost(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> bool:
    """A library that is imported on first use may add variables of its own."""
    return before.items() <= after.items()


GLOBALS: Mapping[str, Global] = {
    "NumPy's error state; use `with np.errstate(...)`": Global(np.geterr, lambda state: np.seterr(**state)),
    "NumPy's global random state; draw from ctx.rng alone": Global(_random_state, _put_back),
    "the state of Python's random module; draw from ctx.rng alone": Global(random.getstate, random.setstate),
    "Python's recursion limit": Global(sys.getrecursionlimit, sys.setrecursionlimit),
    "the current folder": Global(_folder, _change_folder),
    "the environment variables": Global(_environment, _set_environment, _nothing_lost),
    "the signal handlers": Global(_handlers, _set_handlers),
}
"""Name → how it is read, put back and compared."""


@contextlib.contextmanager
def same_globals(faults: list[str]) -> Iterator[None]:
    """Puts back what changes within the block, and notes it among the faults."""
    before = {what: found.read() for what, found in GLOBALS.items()}
    try:
        yield
    finally:
        for what, found in GLOBALS.items():
            if not found.same(before[what], found.read()):
                found.put_back(before[what])
                faults.append(f"changed {what}")
