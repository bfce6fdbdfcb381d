"""Shows notes on standard error: warnings of the logger "fcframe", for settings that are probably a mistake."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from fcframe.cli import complain

_SPEC: ContextVar[str] = ContextVar("spec", default="")
"""The file of the spec that the command works on, inside `about`."""
_GATHERED: ContextVar[list[str] | None] = ContextVar("gathered", default=None)
"""The notes about fields of the spec inside `gathered`."""


class Notes(logging.Handler):
    """Prints a warning as one line `fcframe: note: …`; repeated warnings are printed once.

    A warning about a field of the spec begins with the field's path; the file of the spec is then added.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.printed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Prints the warning."""
        text = " ".join(record.getMessage().split()).removeprefix("fcframe: ")
        if _SPEC.get() and _begins_with_a_field(text):
            if (gathered := _GATHERED.get()) is not None:
                gathered.append(text)
                return
            text = f"{_SPEC.get()}: {text}"
        if text not in self.printed:
            self.printed.add(text)
            complain(f"note: {text}")


def _begins_with_a_field(text: str) -> bool:
    from fcframe.spec.models import EXPERIMENT_KEYS  # slow to import, and only needed for a note

    return re.match(rf"({'|'.join(EXPERIMENT_KEYS)})[\w.\[\]]*: ", text) is not None


@contextmanager
def about(spec: str) -> Iterator[None]:
    """Adds the file of a spec to the notes about its fields in the block."""
    token = _SPEC.set(spec)
    try:
        yield
    finally:
        _SPEC.reset(token)


@contextmanager
def gathered() -> Iterator[list[str]]:
    """Yields a list that gets the notes about fields of the spec in the block; they are not printed."""
    found: list[str] = []
    token = _GATHERED.set(found)
    try:
        yield found
    finally:
        _GATHERED.reset(token)


@contextmanager
def shown() -> Iterator[None]:
    """Shows the warnings of the logger "fcframe" in the block."""
    logger, handler = logging.getLogger("fcframe"), Notes()
    logger.addHandler(handler)
    logger.propagate = False  # a plugin may have added handlers to the root logger, which would print notes again
    try:
        yield
    finally:
        logger.propagate = True
        logger.removeHandler(handler)
