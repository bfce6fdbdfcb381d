"""One point of a curve, in a fresh process: `python -m benchmarks.growth_point '{"sizes": [64, 100, 10], …}'`."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import memory
from benchmarks.rounds import quantile
from benchmarks.worker import AbsentError
from benchmarks.workloads import Workload

TURNS, TURN, STEPS = 7, 0.02, 4
"""How often each is timed, for how many seconds at the least, and the minibatches of an epoch."""
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
    start = time.perf_counter()  # NumPy is there already
    import fcframe

    registered = sum(1 for _ in fcframe.registry())
    found = time.perf_counter()
    assert not fcframe.registry().quarantined
    from benchmarks.workers import framework, products

    workload = Workload("", tuple(point["sizes"]), point["batch"], point["optimizer"], STEPS)
    text = json.dumps(workload.spec())
    begin = time.perf_counter()
    spec = fcframe.load_spec(text)
    parsed = time.perf_counter()
    fcframe.build(spec)
    built = time.perf_counter()
    prepared = framework.prepared(workload)
    facts: dict[str, float] = {}
    before = None
    with suppress(AbsentError):  # without Linux's count of memory there is that one figure less
        before = memory.start_again()
    solver = framework.solver(*prepared)
    solver.train_epoch()
    if before is not None:
        facts["megabytes"] = (memory.resident("VmHWM") - before) / memory.MB
    return facts | {
        "registered": registered,
        "layers": len(workload.spec()["network"]["layers"]),
        "plugins_ms": (found - start) * 1e3,
        "parse_ms": (parsed - begin) * 1e3,
        "build_ms": (built - parsed) * 1e3,
        **steps(solver.train_epoch, products.products(workload, np.dot)),
    }


def steps(epoch: Callable[[], None], alone: Callable[[int], None]) -> dict[str, float]:
    """Microseconds a step of ours and of the products alone, one after the other."""
    count = max(1, int(TURN / seconds(epoch)))

    def ours() -> None:
        for _ in range(count):
            epoch()

    times = {"step": ours, "products": lambda: alone(count * STEPS)}
    taken: dict[str, list[float]] = {name: [] for name in times}
    for _ in range(TURNS):
        for name, function in times.items():
            taken[name].append(seconds(function) / (count * STEPS) * 1e6)
    return {name: quantile(values, 0.25) for name, values in taken.items()}


def seconds(function: Any) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
