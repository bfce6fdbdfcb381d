"""Notes: what is valid and probably a mistake. They are logged as warnings, and shown on standard error."""

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
    """Shows what the logger "fcframe" is told while the block runs.

    Most commands have nothing to note, and then `logging` is never imported: it takes 2 % of a short command's time.
    """
    watch = _WhenImported()
    if "logging" in sys.modules:
        _show()
    else:
        sys.meta_path.insert(0, watch)
    try:
        yield
    finally:
        if watch in sys.meta_path:
            sys.meta_path.remove(watch)
        if "logging" in sys.modules:
            _hide()


class _WhenImported:
    """Has notes shown from the moment that `logging` is imported."""

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: Any = None) -> ModuleSpec | None:
        """Finds `logging` as it is always found, and runs `_show` after it."""
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        found = importlib.util.find_spec(name)
        if found is not None and found.loader is not None:
            execute = found.loader.exec_module

            def execute_and_show(module: ModuleType) -> None:
                execute(module)
                _show()

            found.loader.exec_module = execute_and_show  # type: ignore[method-assign]
        return found


def _show() -> None:
    import logging

    class Notes(logging.Handler):
        """Shows a warning as `fcframe: note: …`, each text once, in a line."""

        def __init__(self) -> None:
            super().__init__(logging.WARNING)
            self.told: set[str] = set()

        def emit(self, record: logging.LogRecord) -> None:
            text = " ".join(record.getMessage().split()).removeprefix("fcframe: ")
            if text not in self.told:
                self.told.add(text)
                complain(f"note: {text}")

    logger = logging.getLogger("fcframe")
    logger.addHandler(Notes())
    logger.propagate = False  # what a plugin makes of the root logger shows nothing twice


def _hide() -> None:
    import logging

    logger = logging.getLogger("fcframe")
    logger.propagate = True
    for handler in [one for one in logger.handlers if type(one).__name__ == "Notes"]:
        logger.removeHandler(handler)
