"""Shows notes on standard error: warnings of the logger "fcframe", for settings that are probably a mistake."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from fcframe.cli import complain


class Notes(logging.Handler):
    """Prints a warning as one line `fcframe: note: …`; repeated warnings are printed once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.printed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Prints the warning."""
        text = " ".join(record.getMessage().split()).removeprefix("fcframe: ")
        if text not in self.printed:
            self.printed.add(text)
            complain(f"note: {text}")


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
