"""The command line. Each command is a file of this package, imported when it is called."""

import gc
import os
import sys


def main() -> None:
    """Runs the command line: exit code 0, 1 (a check failed) or 2 (bad input: one line a problem)."""
    # A thread of OpenBLAS that has nothing to do sleeps after 2^20 cycles, not 2^28: others may want its core.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    # Plugins of pydantic's have no business here, and to find them pydantic walks through all that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()  # until the command's modules are there: of what is imported nothing is garbage
    try:
        from fcframe.cli.program import run  # here, so that an interrupt while modules are imported is answered too

        code = run()
    except KeyboardInterrupt:
        code = complain("interrupted")
    gc.freeze()  # the process ends: nothing is left that is worth a last look
    sys.exit(code)


def complain(message: str) -> int:
    """Says on standard error what is wrong, one line a problem; gives the exit code."""
    if sys.stderr is not None:  # closed by whoever started this
        sys.stderr.writelines(f"fcframe: {line}\n" for line in message.split("\n"))
    return 2
