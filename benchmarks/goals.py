"""The goals, and whether the figures hold them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders import OURS

Results = Mapping[str, Any]
FCFRAME, FAST = OURS


@dataclass(frozen=True)
class Goal:
    """Something that may be so large at the most."""

    name: str
    limit: float
    unit: str
    measured: Callable[[Results], float]
    """Raises KeyError where it was not measured."""


def judged(results: Results) -> list[dict[str, Any]]:
    """Each goal with what was measured and whether it holds; None where it was not measured."""
    rows = []
    value: float | None
    for goal in GOALS:
        try:
            value = goal.measured(results)
        except KeyError:
            value = None
        rows.append({
            "goal": goal.name, "limit": goal.limit, "unit": goal.unit, "measured": value,
            "held": None if value is None else value <= goal.limit,
        })  # fmt: skip
    return rows


def _ratio(place: Sequence[str], ours: str, other: str) -> Callable[[Results], float]:
    def measured(results: Results) -> float:
        for key in place:
            results = results[key]
        return float(results["ratios"][ours][other])

    return measured


def _step(workload: str, ours: str, other: str) -> Callable[[Results], float]:
    return _ratio(("step", workload), ours, other)


def _best_torch(workload: str) -> Callable[[Results], float]:
    """The ratio to whichever of torch's is faster, hence the larger one."""

    def measured(results: Results) -> float:
        ratios = results["step"][workload]["ratios"][FAST]
        return float(max(ratios["torch"], ratios["torch-compiled"]))

    return measured


def _goals() -> Iterator[Goal]:
    for ours, title in ((FCFRAME, "default"), (FAST, "`fast`")):
        yield Goal(f"W1, {title} / JAX", 0.8, "", _step("W1", ours, "jax"))
        yield Goal(f"W1, {title} / torch eager", 0.25, "", _step("W1", ours, "torch"))
        yield Goal(f"W1, {title} / OpenBLAS's products", 3.2, "", _step("W1", ours, "products"))
    yield Goal("W2, default / OpenBLAS's products", 1.25, "", _step("W2", FCFRAME, "products"))
    yield Goal("W2, default / JAX", 1.0, "", _step("W2", FCFRAME, "jax"))
    yield Goal("W3, default / OpenBLAS's products", 1.6, "", _step("W3", FCFRAME, "products"))
    yield Goal("W3, default / torch eager", 1.0, "", _step("W3", FCFRAME, "torch"))
    yield Goal("W4, default / OpenBLAS's products", 1.35, "", _step("W4", FCFRAME, "products"))
    for workload in ("W2", "W3", "W4"):
        yield Goal(f"{workload}, `fast` / the best torch", 0.95, "", _best_torch(workload))
    for ours, title, small, large in ((FCFRAME, "default", 60.0, 160.0), (FAST, "`fast`", 260.0, 400.0)):
        yield Goal(f"forward of one row, W2's net, {title} / torch eager", 1.0, "", _ratio(("forward",), ours, "torch"))
        for workload, megabytes in (("W2", small), ("W4", large)):
            yield Goal(f"peak memory above the data, {workload}, {title}", megabytes, "MB",
                       _ours("memory", workload, ours, "mb", 1))  # fmt: skip
        for workload in ("W1", "W2", "W3", "W4"):
            yield Goal(f"largest allocation in a step, {workload}, {title}", 64, "kB",
                       _ours("allocations", workload, ours, "bytes", 1000))  # fmt: skip
    for command, limit in (("import fcframe", 1.3), ("fcframe --help", 1.3), ("fcframe check", 1.6)):
        yield Goal(f"start of `{command}` / `import numpy, pydantic`", limit, "", _startup(command))
    for row in ("affine 6→5", "batchnorm of 20", "15-20-30-10 with its loss"):
        yield Goal(f"gradient check, {row}, fcframe / torch's slow mode", 0.2, "",
                   _ratio(("gradcheck", row), "fcframe", "torch"))  # fmt: skip
    yield Goal("parse and build of 1,001 layers", 1000, "ms", _large_spec)


def _ours(part: str, workload: str, ours: str, key: str, unit: int) -> Callable[[Results], float]:
    return lambda results: float(results[part][workload][ours][key] / unit)


def _startup(command: str) -> Callable[[Results], float]:
    def measured(results: Results) -> float:
        found = [row["ratio"] for row in results["startup"] if row["name"].startswith(command)]
        if not found:
            raise KeyError(command)
        return float(found[0])

    return measured


def _large_spec(results: Results) -> float:
    return float(results["large_spec"]["parse_ms"] + results["large_spec"]["build_ms"])


GOALS = tuple(_goals())
