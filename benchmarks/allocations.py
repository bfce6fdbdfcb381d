"""The largest allocation in a step that has been done before: `python -m benchmarks.allocations W2`.

NumPy tells tracemalloc of its arrays. At each line of Python that runs in an epoch the peak since the line before is
read, so the figure is what one line took at the most: at least as much as its largest array. What kernels written in C
take for themselves is not seen.
"""

import json
import sys
import tracemalloc
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.worker import AbsentError

ROOT = Path(__file__).resolve().parents[1]


class Watch:
    """Follows a run line by line."""

    def __init__(self) -> None:
        self.largest, self.where = 0, ""
        self._held = 0
        self._line = ""

    def __call__(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        """What Python calls before each line; what was taken since belongs to the line before."""
        peak = tracemalloc.get_traced_memory()[1]
        if peak - self._held > self.largest:
            self.largest, self.where = peak - self._held, self._line
        file = Path(frame.f_code.co_filename)
        self._line = f"{file.name}:{frame.f_lineno}"
        tracemalloc.reset_peak()
        self._held = tracemalloc.get_traced_memory()[0]
        return self


def main() -> None:
    """Trains three epochs and watches the fourth."""
    from benchmarks.workers import framework
    from benchmarks.workloads import WORKLOADS

    try:
        solver = framework.solver(*framework.prepared(WORKLOADS[sys.argv[1]]))
    except AbsentError as error:
        print(json.dumps({"absent": str(error)}))
        return
    for _ in range(3):
        solver.train_epoch()
    print(json.dumps(watched(solver.train_epoch)))


def watched(function: Any) -> dict[str, Any]:
    """The bytes that one line took at the most while a function ran, and which line."""
    watch = Watch()
    tracemalloc.start()
    tracemalloc.reset_peak()
    watch._held = tracemalloc.get_traced_memory()[0]
    sys.settrace(watch)
    try:
        function()
    finally:
        sys.settrace(None)
        tracemalloc.stop()
    return {"bytes": watch.largest, "where": watch.where}


if __name__ == "__main__":
    main()
