"""How long a spec of 1,001 layers takes to parse and to build: `python -m benchmarks.large_spec 1001`."""

import json
import sys
import time

from benchmarks.workloads import Workload


def main() -> None:
    """Prints a line of JSON: milliseconds in this fresh process, after the imports."""
    import fcframe

    fcframe.registry()
    hidden = int(sys.argv[1]) // 2  # an affine layer and a ReLU each, and then the last affine layer
    text = json.dumps(Workload("", (64, *[16] * hidden, 10), 32, "sgd", steps=1).spec())
    start = time.perf_counter()
    spec = fcframe.load_spec(text)
    parsed = time.perf_counter()
    fcframe.build(spec)
    print(json.dumps({"parse_ms": (parsed - start) * 1e3, "build_ms": (time.perf_counter() - parsed) * 1e3}))


if __name__ == "__main__":
    main()
