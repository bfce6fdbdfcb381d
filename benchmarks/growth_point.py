"""One point of a curve, in a fresh process: `python -m benchmarks.growth_point '{"sizes": [64, 100, 10], …}'`."""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import memory
from benchmarks.rounds import quantile
from benchmarks.worker import AbsentError, keep_freed_memory
from benchmarks.workloads import Workload

EPOCHS, STEPS = 7, 4
PLUGIN = """
import fcframe

class Base(fcframe.Layer):
    def output_shape(self, input_shape):
        return input_shape
    def forward(self, x, params, ctx):
        return x, ()
    def backward(self, dout, cache, ctx):
        return dout, {}

def made(number):
    name = f"made_up_{number}"
    return type(name, (Base,), {"__doc__": "Made up.", "__module__": __name__, "type": name,
                                "examples": (fcframe.Example(input_shape=(2,)),)})

@fcframe.hookimpl
def fcframe_register():
    return [made(number) for number in range(FIRST, LAST)]
"""
TOGETHER = 10
"""Components that one made-up plugin brings."""


def main() -> None:
    """Measures, and prints a line of JSON."""
    point = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder), point["components"])
        sys.path.append(folder)
        print(json.dumps(measured(point)))


def install(folder: Path, components: int) -> None:
    """Lays down distributions as pip does, each with an entry point and a module that registers some components."""
    for first in range(0, components, TOGETHER):
        name = f"made_up_plugin_{first}"
        facts = folder / f"{name}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[fcframe]\n{name} = {name}\n")
        last = min(first + TOGETHER, components)
        (folder / f"{name}.py").write_text(PLUGIN.replace("FIRST", str(first)).replace("LAST", str(last)))


def measured(point: dict[str, Any]) -> dict[str, float]:
    """Milliseconds to find all plugins, to parse and to build; microseconds a step; megabytes beyond the data."""
    start = time.perf_counter()
    import fcframe

    registered = sum(1 for _ in fcframe.registry())
    found = time.perf_counter()
    assert not fcframe.registry().quarantined
    from benchmarks.workers import framework, products

    keep_freed_memory()
    workload = Workload("", tuple(point["sizes"]), point["batch"], point["optimizer"], STEPS)
    text, alone = json.dumps(workload.spec()), products.step(workload).turn
    begin = time.perf_counter()
    spec = fcframe.load_spec(text)
    parsed = time.perf_counter()
    fcframe.build(spec)
    built = time.perf_counter()
    prepared = framework.prepared(workload)
    alone(STEPS)
    facts: dict[str, float] = {}
    try:
        before = memory.start_again()
        solver = framework.solver(*prepared)
        solver.train_epoch()
        facts["megabytes"] = (memory.resident("VmHWM") - before) / memory.MB
    except AbsentError:
        solver = framework.solver(*prepared)
        solver.train_epoch()
    epochs = [(seconds(solver.train_epoch), seconds(lambda: alone(STEPS))) for _ in range(EPOCHS)]
    return facts | {
        "registered": registered,
        "layers": len(workload.spec()["network"]["layers"]),
        "plugins_ms": (found - start) * 1e3,
        "parse_ms": (parsed - begin) * 1e3,
        "build_ms": (built - parsed) * 1e3,
        "step": quantile([ours for ours, _ in epochs], 0.25) / STEPS * 1e6,
        "products": quantile([theirs for _, theirs in epochs], 0.25) / STEPS * 1e6,
    }


def seconds(function: Any) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
