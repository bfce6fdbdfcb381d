"""The command line. Each command is a file of this package, imported when it is called."""

import gc
import os
import sys

BAD_INPUT = 2
INTERRUPTED = 130
"""128 and the number of SIGINT, as a shell has it."""


def main() -> None:
    """Runs the command line: exit code 0, 1 (a check failed), 2 (bad input: one line a problem) or 130 (Ctrl-C)."""
    # A thread of OpenBLAS that has nothing to do sleeps after 2^20 cycles, not 2^28: others may want its core.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "20")
    # Plugins of pydantic's have no business here, and to find them pydantic walks through all that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()  # until the command's modules are there: of what is imported nothing is garbage
    try:
        from fcframe.cli.program import run  # here, so that an interrupt while modules are imported is answered too

        code = run()
    except KeyboardInterrupt:
        code = complain("interrupted", INTERRUPTED)
    gc.freeze()  # the process ends: nothing is left that is worth a last look
    sys.exit(code)


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
