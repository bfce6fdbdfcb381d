"""How much memory a training takes beyond its data: `python -m benchmarks.memory W2` in a fresh process.

Before: what the process holds with NumPy, fcframe and all plugins imported, the spec read and the data made. Peak: the
most that it held while the network was built and one epoch was trained, as `fcframe train` does it, with its
evaluations and the parameters that it keeps. Both are resident memory, of which Linux keeps count; what the kernels
import when they are first used counts as the training's.
"""

import ctypes
import gc
import json
import sys
from contextlib import suppress
from pathlib import Path

from benchmarks.worker import AbsentError, keep_freed_memory

MB = 1e6


def main() -> None:
    """Trains, and prints a line of JSON."""
    from benchmarks.workers import framework
    from benchmarks.workloads import WORKLOADS

    workload = WORKLOADS[sys.argv[1]]
    keep_freed_memory()
    try:
        prepared = framework.prepared(workload, validation=1000)
        before = start_again()
        solver = framework.solver(*prepared)
        solver.train()
        print(json.dumps({"mb": (resident("VmHWM") - before) / MB}))
    except AbsentError as error:
        print(json.dumps({"absent": str(error)}))


def start_again() -> int:
    """Forgets the peak so far; the bytes that are held now.

    Raises:
        AbsentError: The system keeps no such count.
    """
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)  # what is free is given back, or a training that takes it would seem small
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        raise AbsentError("no /proc/self/clear_refs here") from None
    return resident("VmRSS")


def resident(which: str) -> int:
    """Bytes: VmRSS held now, VmHWM the most held since the last `start_again`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(which))


if __name__ == "__main__":
    main()
