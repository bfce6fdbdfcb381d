"""Runs a plugin's code while plugins are loaded: its output goes to standard error, and what it changes is put back."""

import os
import random
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fcframe.errors import FcframeError, in_a_line
from fcframe.plugins.installed import printable

TRACE = "FCFRAME_TRACE_PLUGINS"
"""The variable that has each plugin and component named on standard error before it is imported."""
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGPIPE") if hasattr(signal, name)
)


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Around the import of a plugin or of a component, and around calls of the announcing hooks.

    Standard output belongs to the command: what is printed meanwhile goes to standard error. State of the process
    that later computations depend on is put back, and a line of the log says who changed it.
    """
    if os.environ.get(TRACE, "").strip() not in ("", "0") and sys.stderr is not None:
        sys.stderr.write(f"fcframe: loading {what}\n")
        sys.stderr.flush()
    before = {name: read() for name, (read, _) in _STATE.items()}
    streams = sys.stdin, sys.stdout, sys.stderr
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        replaced = (sys.stdin, sys.stdout, sys.stderr) != (streams[0], streams[2], streams[2])
        sys.stdin, sys.stdout, sys.stderr = streams
        changed = [name for name, (read, put_back) in _STATE.items() if _put_back(read, put_back, before[name])]
        if replaced:
            changed.append("sys.stdin, sys.stdout or sys.stderr")
        if changed:
            import logging  # only where there is something to say

            logging.getLogger("fcframe").warning(
                "fcframe: %s changed %s while it was loaded; that was put back", what, ", ".join(changed)
            )


def _put_back(read: Callable[[], Any], put_back: Callable[[Any], Any], before: Any) -> bool:
    """Whether it was changed."""
    if before is None or read() == before:
        return False
    try:
        put_back(before)
    except (OSError, ValueError):  # a folder that is gone, a handler that only the main thread may set
        return False
    return True


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib may not be imported yet
    except OSError:
        return None


class _Filters(tuple[Any, ...]):
    """The filters of warnings; equal to others that differ only by filters for particular messages.

    An import may add some for its own messages.
    """

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, before: object) -> bool:
        assert isinstance(before, tuple)
        return tuple.__eq__(self, before) or (self.for_all() == _Filters(before).for_all() and set(before) <= set(self))

    def for_all(self) -> list[Any]:
        """Those that apply to every message of every module."""
        categories = (Warning, RuntimeWarning, UserWarning)
        return [entry for entry in self if entry[1::2] == (None, None) and entry[2] in categories]


def _put_filters_back(before: _Filters) -> None:
    added = [entry for entry in warnings.filters if entry not in set(before)]
    general = _Filters(added).for_all()
    warnings.filters[:] = [*(entry for entry in added if entry not in general), *before]  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def _numpy_random() -> Any:
    """The state of NumPy's global generator, as far as it is there: bytes and positions can be compared."""
    if "numpy.random" not in sys.modules:
        return None
    state: Any = np.random.get_state()  # noqa: NPY002
    name, keys, *rest = state
    return name, keys.tobytes(), *rest


def _put_numpy_random_back(state: Any) -> None:
    name, keys, *rest = state
    np.random.set_state((name, np.frombuffer(keys, np.uint32), *rest))  # noqa: NPY002


# Without the names of the enum around it: this is asked twice for each plugin.
_handler: Callable[[int], Any] = getattr(signal.getsignal, "__wrapped__", signal.getsignal)


def _handlers() -> dict[int, Any]:
    return {number: _handler(number) for number in _SIGNALS}


def _put_handlers_back(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


_STATE: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "numpy's error state (np.seterr)": (np.geterr, lambda state: np.seterr(**state)),
    "Python's random state": (random.getstate, random.setstate),
    "numpy's random state": (_numpy_random, _put_numpy_random_back),
    "the recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "the filters of warnings": (lambda: _Filters(warnings.filters), _put_filters_back),
    "signal handlers": (_handlers, _put_handlers_back),
    "the working folder": (_folder, os.chdir),
}


def reason(error: BaseException) -> str:
    """An exception of a plugin's in a line, without what a terminal would obey."""
    return printable(in_a_line(error))


def place(error: BaseException, package: str) -> str:
    """The file and line of the plugin where an exception came up; the lines of what it called tell its author less."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    if isinstance(error, FcframeError) and error.__traceback__ is None:
        return ""
    import traceback  # only where something is wrong

    top = re.split("[.:]", package)[0]
    own = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] == top
    ]
    return own[-1] if own else ""
