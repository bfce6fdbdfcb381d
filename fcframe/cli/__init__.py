"""The command line. Each command is a file of this package, imported when it is called."""

import gc
import importlib
import os
import sys
from types import ModuleType
from typing import Any

BAD_INPUT = 2
INTERRUPTED = 130
"""128 and the number of SIGINT, as a shell has it."""


def main() -> None:
    """Runs the command line: exit code 0, 1 (a check failed), 2 (bad input: one line a problem) or 130 (Ctrl-C)."""
    # A thread of OpenBLAS that has nothing to do sleeps after 2^20 cycles, not 2^28: others may want its core.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    # Plugins of pydantic's have no business here, and to find them pydantic walks through all that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    _postpone()
    gc.disable()  # until the command's modules are there: of what is imported nothing is garbage
    try:
        from fcframe.cli.program import run  # here, so that an interrupt while modules are imported is answered too

        code = run()
    except KeyboardInterrupt:
        code = complain("interrupted", INTERRUPTED)
    gc.freeze()  # the process ends: nothing is left that is worth a last look
    sys.exit(code)


def _postpone() -> None:
    if "importlib.metadata" not in sys.modules:
        postponed: Any = _Postponed("importlib.metadata")
        importlib.metadata = sys.modules["importlib.metadata"] = postponed


class _Postponed(ModuleType):
    """Stands for importlib.metadata until something of it is used.

    Pydantic imports `entry_points` from it, to find plugins of its own, which are switched off here; the import takes
    a tenth of a command's start.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "entry_points":
            return lambda **group: getattr(self._imported(), name)(**group)
        if name == "__path__":  # asked for by `from importlib.metadata import …`
            raise AttributeError(name)
        return getattr(self._imported(), name)

    def _imported(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)


def complain(message: str, code: int = BAD_INPUT) -> int:
    """Says on standard error what is wrong, one line a problem; gives the exit code."""
    from fcframe.terminal import as_text  # only where something is wrong

    if sys.stderr is not None:  # closed by whoever started this
        try:
            sys.stderr.writelines(f"fcframe: {line}\n" for line in as_text(message).split("\n"))
            sys.stderr.flush()
        except (OSError, ValueError):
            return code  # there is nobody to tell
    return code
