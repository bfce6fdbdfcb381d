"""Isolates the code of plugins while it is loaded: redirects its output, and restores global state that it changes."""

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
"""Environment variable; if set, each plugin and component is named on standard error before it is imported."""
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGPIPE") if hasattr(signal, name)
)


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Context manager for importing a plugin or a component, and for calling its registering hooks.

    Output of the block goes to standard error, because standard output is reserved for the command's results. Global
    state that affects later computations is restored, with a warning that names the plugin.
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
        changed = [name for name, (read, restore) in _STATE.items() if _restored(read, restore, before[name])]
        if replaced:
            changed.append("sys.stdin, sys.stdout or sys.stderr")
        if changed:
            import logging  # slow to import, and rarely needed

            logging.getLogger("fcframe").warning(
                "fcframe: %s changed %s while it was loaded; this was restored", what, ", ".join(changed)
            )


def _restored(read: Callable[[], Any], restore: Callable[[Any], Any], before: Any) -> bool:
    """Restores a state if it was changed; returns whether it was."""
    if before is None or read() == before:
        return False
    try:
        restore(before)
    except (OSError, ValueError):  # the folder was deleted, or a signal handler is set outside the main thread
        return False
    return True


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib may not be imported yet
    except OSError:
        return None


class _Filters(tuple[Any, ...]):
    """A list of warning filters that equals another one if only filters for particular messages were added.

    An import may add filters for its own messages.
    """

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, before: object) -> bool:
        assert isinstance(before, tuple)
        return tuple.__eq__(self, before) or (self.for_all() == _Filters(before).for_all() and set(before) <= set(self))

    def for_all(self) -> list[Any]:
        """The filters that apply to all messages of all modules."""
        categories = (Warning, RuntimeWarning, UserWarning)
        return [entry for entry in self if entry[1::2] == (None, None) and entry[2] in categories]


def _restore_filters(before: _Filters) -> None:
    added = [entry for entry in warnings.filters if entry not in set(before)]
    general = _Filters(added).for_all()
    warnings.filters[:] = [*(entry for entry in added if entry not in general), *before]  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def _numpy_random() -> Any:
    """The state of NumPy's global generator in a form that can be compared; None if it is not imported."""
    if "numpy.random" not in sys.modules:
        return None
    state: Any = np.random.get_state()  # noqa: NPY002
    name, keys, *rest = state
    return name, keys.tobytes(), *rest


def _restore_numpy_random(state: Any) -> None:
    name, keys, *rest = state
    np.random.set_state((name, np.frombuffer(keys, np.uint32), *rest))  # noqa: NPY002


# signal.getsignal converts its result to an enum, which is slow; this is called twice for each plugin.
_handler: Callable[[int], Any] = getattr(signal.getsignal, "__wrapped__", signal.getsignal)


def _handlers() -> dict[int, Any]:
    return {number: _handler(number) for number in _SIGNALS}


def _restore_handlers(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


_STATE: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "numpy's error state (np.seterr)": (np.geterr, lambda state: np.seterr(**state)),
    "Python's random state": (random.getstate, random.setstate),
    "numpy's random state": (_numpy_random, _restore_numpy_random),
    "the recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "the filters of warnings": (lambda: _Filters(warnings.filters), _restore_filters),
    "signal handlers": (_handlers, _restore_handlers),
    "the working folder": (_folder, os.chdir),
}


def reason(error: BaseException) -> str:
    """The message of a plugin's exception, on one line and with control characters escaped."""
    return printable(in_a_line(error))


def place(error: BaseException, package: str) -> str:
    """The last file and line in the plugin's own code that an exception passed through; empty if there is none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    if isinstance(error, FcframeError) and error.__traceback__ is None:
        return ""
    import traceback  # only needed for an error message

    top = re.split("[.:]", package)[0]
    own = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] == top
    ]
    return own[-1] if own else ""
