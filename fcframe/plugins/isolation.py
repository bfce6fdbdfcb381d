"""Isolates the code of plugins while it is loaded: redirects its output, and restores global state that it changes."""

import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from fcframe.components import KINDS
from fcframe.errors import FcframeError, in_a_line
from fcframe.plugins.installed import printable
from fcframe.process_state import PARTS, restore_changed, snapshot

_CORE = __name__.partition(".")[0]
TRACE = "FCFRAME_TRACE_PLUGINS"
"""Environment variable; if set, each plugin and component is named on standard error before it is imported."""
RESTORED = tuple(name for name in PARTS if name != "the environment variables")
"""The parts of the process's state that are restored; libraries set environment variables for good when imported."""


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Context manager for importing a plugin or a component, and for calling its registering hooks.

    Output of the block goes to standard error, because standard output is reserved for the command's results. Global
    state that affects later computations is restored, with a warning that names the plugin. A KeyboardInterrupt gets a
    note that names the plugin: it may be the plugin's own.
    """
    if os.environ.get(TRACE, "").strip() not in ("", "0") and sys.stderr is not None:
        sys.stderr.write(f"fcframe: loading {what}\n")
        sys.stderr.flush()
    # Fields with names of the framework are refused when the class is registered, with a message of our own.
    warnings.filterwarnings("ignore", _shadowed_names(), UserWarning)
    ours = warnings.filters[0]
    try:
        with _restored(what):
            yield
    except KeyboardInterrupt as error:
        if not hasattr(error, "__notes__"):  # of a component in the plugin
            error.add_note(f"while {what} was loaded")
        raise
    finally:
        # Only this filter is removed: a plugin may add filters for its own warnings.
        if ours in warnings.filters:
            warnings.filters.remove(ours)  # type: ignore[attr-defined]


@cache
def _shadowed_names() -> str:
    """The pattern of pydantic's warnings about fields that have a name of one of the framework's classes."""
    bases = {base for kind in KINDS for base in kind.__mro__ if base.__module__.partition(".")[0] == _CORE}
    names = sorted({name for base in bases for name in vars(base) if not name.startswith("_")})
    return f'Field name "({"|".join(names)})" .*shadows an attribute in parent'


@contextmanager
def _restored(what: str) -> Iterator[None]:
    before = snapshot(RESTORED)
    streams = sys.stdin, sys.stdout, sys.stderr
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        replaced = (sys.stdin, sys.stdout, sys.stderr) != (streams[0], streams[2], streams[2])
        sys.stdin, sys.stdout, sys.stderr = streams
        changed = [name for name, is_restored in restore_changed(before).items() if is_restored]
        if replaced:
            changed.append("sys.stdin, sys.stdout or sys.stderr")
        if changed:
            import logging  # slow to import, and rarely needed

            logging.getLogger("fcframe").warning(
                "fcframe: %s changed %s while it was loaded; this was restored", what, ", ".join(changed)
            )


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
