"""Runs a plugin's code while plugins are loaded: its output goes to standard error, and what it changes is put back."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fcframe.errors import FcframeError, in_a_line
from fcframe.plugins.installed import printable
from fcframe.process_state import PARTS, restore_changed, snapshot

TRACE = "FCFRAME_TRACE_PLUGINS"
"""The variable that has each plugin and component named on standard error before it is imported."""
RESTORED = tuple(name for name in PARTS if name != "the environment variables")
"""The parts of the process's state that are restored; libraries set environment variables for good when imported."""


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Around the import of a plugin or of a component, and around calls of the announcing hooks.

    Standard output belongs to the command: what is printed meanwhile goes to standard error. State of the process
    that later computations depend on is put back, and a line of the log says who changed it.
    """
    if os.environ.get(TRACE, "").strip() not in ("", "0") and sys.stderr is not None:
        sys.stderr.write(f"fcframe: loading {what}\n")
        sys.stderr.flush()
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
            import logging  # only where there is something to say

            logging.getLogger("fcframe").warning(
                "fcframe: %s changed %s while it was loaded; that was put back", what, ", ".join(changed)
            )


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
