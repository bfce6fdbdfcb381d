"""Shows notes on standard error: warnings of the logger "fcframe", for settings that are probably a mistake."""

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from fcframe.cli import complain


@contextmanager
def shown() -> Iterator[None]:
    """Shows the warnings of the logger "fcframe" in the block.

    `logging` is not imported for this, because most commands have no notes and the import takes 2 % of a short
    command's time. The handler is added when something else imports `logging`.
    """
    finder = _LoggingFinder()
    if "logging" in sys.modules:
        _show()
    else:
        sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)
        if "logging" in sys.modules:
            _hide()


class _LoggingFinder:
    """An import hook that calls `_show` when `logging` has been imported."""

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: Any = None) -> ModuleSpec | None:
        """Returns the normal spec of `logging`, with a loader that also calls `_show`."""
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_show(module: ModuleType) -> None:
                execute(module)
                _show()

            spec.loader.exec_module = execute_and_show  # type: ignore[method-assign]
        return spec


def _show() -> None:
    import logging

    class Notes(logging.Handler):
        """Prints a warning as one line `fcframe: note: …`; repeated warnings are printed once."""

        def __init__(self) -> None:
            super().__init__(logging.WARNING)
            self.printed: set[str] = set()

        def emit(self, record: logging.LogRecord) -> None:
            text = " ".join(record.getMessage().split()).removeprefix("fcframe: ")
            if text not in self.printed:
                self.printed.add(text)
                complain(f"note: {text}")

    logger = logging.getLogger("fcframe")
    logger.addHandler(Notes())
    logger.propagate = False  # a plugin may have added handlers to the root logger, which would print notes again


def _hide() -> None:
    import logging

    logger = logging.getLogger("fcframe")
    logger.propagate = True
    for handler in [handler for handler in logger.handlers if type(handler).__name__ == "Notes"]:
        logger.removeHandler(handler)
