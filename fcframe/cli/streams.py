"""Output streams: standard output is for the results of a command only; all other output goes to standard error."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

import click

from fcframe.cli import notes
from fcframe.terminal import as_text

_own: IO[str] | None = None
"""The stream for a command's own output, while a command runs."""


class Command(click.Command):
    """A command that redirects the output of plugins to standard error."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        with diverted(), notes.shown():
            return super().invoke(ctx)


def stdout() -> IO[str]:
    """The stream for a command's own output."""
    return _own or sys.stdout or io.StringIO()


def echo(line: str = "", *, err: bool = False) -> None:
    """Prints a line of text, with control characters escaped."""
    click.echo(as_text(line), file=None if err else stdout(), err=err)


@contextmanager
def diverted() -> Iterator[None]:
    """Redirects `sys.stdout` to standard error in the block; `stdout()` still returns the command's output."""
    global _own
    before, sys_stdout = _own, sys.stdout
    _own = stdout()
    sys.stdout = sys.stderr or io.StringIO()
    try:
        yield
    finally:
        _own, sys.stdout = before, sys_stdout


def claim_descriptor() -> None:
    """Gives `sys.stdout` a new descriptor, and redirects descriptor 1 to standard error until the process ends.

    Libraries written in C print to descriptor 1, possibly only when the process ends.
    """
    for descriptor in (1, 2):
        _occupy(descriptor)
    if sys.stdout is None:  # the parent process closed it
        sys.stdout = io.StringIO()
    elif isinstance(sys.stdout, io.TextIOWrapper) and _descriptor(sys.stdout) == 1:
        sys.stdout.flush()
        encoding, lines = sys.stdout.encoding, sys.stdout.isatty()
        file = os.fdopen(os.dup(1), "wb")
        # errors="replace": prints "?" if the encoding has no "≥"
        sys.stdout = io.TextIOWrapper(file, encoding=encoding, errors="replace", line_buffering=lines)
        os.dup2(2, 1)


def finish() -> None:
    """Flushes standard output. If that fails, redirects it to devnull, so that Python does not report it at exit."""
    stream = sys.stdout
    try:
        if stream is not None:
            stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _occupy(descriptor: int) -> None:
    """Opens a closed descriptor, so that a file that is opened later does not become standard output."""
    try:
        os.fstat(descriptor)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _descriptor(stream: IO[str]) -> int | None:
    with suppress(OSError, ValueError):
        return stream.fileno()
    return None
