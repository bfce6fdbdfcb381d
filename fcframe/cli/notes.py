"""Notes: what is valid and probably a mistake. They are logged as warnings, and shown on standard error."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fcframe.cli import complain


class _Notes(logging.Handler):
    """Shows a warning as `fcframe: note: …`, each text once, in a line."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Shows it."""
        text = " ".join(record.getMessage().split()).removeprefix("fcframe: ")
        if text not in self._told:
            self._told.add(text)
            complain(f"note: {text}")


@contextmanager
def shown() -> Iterator[None]:
    """Shows what the logger "fcframe" is told while the block runs."""
    logger, handler = logging.getLogger("fcframe"), _Notes()
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False  # what a plugin makes of the root logger shows nothing twice
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
