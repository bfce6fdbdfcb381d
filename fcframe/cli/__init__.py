"""The command line. Each command is a module of this package, which is imported only when the command is called."""

import gc
import importlib
import os
import sys
from types import ModuleType
from typing import Any

BAD_INPUT = 2
"""Exit code for bad input."""
INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 plus the number of SIGINT, as in a shell."""


def main() -> None:
    """Runs the command line. The exit code is 0, 1 (a check failed), 2 (bad input) or 130 (Ctrl-C)."""
    # An idle thread of OpenBLAS waits in a busy loop for 2^28 cycles; after 2^20 cycles, other programs get its core.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    # To find plugins for pydantic, which are not needed, pydantic would read the metadata of all distributions.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _postpone_importlib_metadata()
    gc.disable()  # until the command's modules are imported: imports create many objects, but no garbage
    try:
        from fcframe.cli.program import run  # inside `try`, so that Ctrl-C during imports is handled as well

        code = run()
    except KeyboardInterrupt:
        code = complain("interrupted", INTERRUPTED)
    gc.freeze()  # the process ends, so a last garbage collection would be a waste of time
    sys.exit(code)


def _postpone_importlib_metadata() -> None:
    if "importlib.metadata" not in sys.modules:
        postponed: Any = _Postponed("importlib.metadata")
        importlib.metadata = sys.modules["importlib.metadata"] = postponed


class _Postponed(ModuleType):
    """A substitute for importlib.metadata that imports the real module when it is used.

    Pydantic imports `entry_points` from importlib.metadata, to find plugins for pydantic, which are disabled here. The
    import would take a tenth of a command's start-up time.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "entry_points":
            return lambda **group: getattr(self._imported(), name)(**group)
        if name == "__path__":  # looked up by `from importlib.metadata import …`
            raise AttributeError(name)
        return getattr(self._imported(), name)

    def _imported(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)


def complain(message: str, code: int = BAD_INPUT) -> int:
    """Prints an error message on standard error; returns the exit code."""
    from fcframe.terminal import as_text  # only needed for an error message

    if sys.stderr is not None:  # None if the parent process closed it
        try:
            sys.stderr.writelines(f"fcframe: {line}\n" for line in as_text(message).split("\n"))
            sys.stderr.flush()
        except (OSError, ValueError):
            return code  # standard error cannot be written
    return code
