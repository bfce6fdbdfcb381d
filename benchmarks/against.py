"""Training steps of this checkout beside those of another one: `python benchmarks/run.py --against PATH`.

Each checkout runs in processes of its own, with its own `benchmarks/workers/framework.py`, so that the two may differ
inside as they like. In each round both take a turn, in a random order; the figure is the median of the rounds' ratios.
"""

import statistics
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import floor, inf, sqrt
from os import environ, pathsep
from pathlib import Path

from benchmarks.contenders import CONTENDERS, OURS, Contender
from benchmarks.process import ROOT
from benchmarks.report import figure, table
from benchmarks.rounds import Times, measure
from benchmarks.workloads import WORKLOADS

LIMIT = 1.02
"""The most that the median of now / before may be."""
HEADS = ("network", "kernels", "before, µs", "now, µs", "now / before", "95 % interval", "half of the rounds", "rounds")
NOW, BEFORE = "now", "before"
LOCKS = "FCFRAME_BENCHMARK_FOLDER"
"""Where older checkouts, in which every training takes turns with others, look for the folder of their locks."""


def main(
    other: Path, networks: Sequence[str], contenders: Sequence[str], rounds: int, *, force: bool = False,
    quietest: float = inf, say: Callable[[str], None] = print,
) -> int:  # fmt: skip
    """Prints a table; the exit code is 1 where a ratio is above the limit or a checkout fails, 3 where it is too noisy.

    Args:
        other: The other checkout's folder.
        networks: Names of workloads.
        contenders: Which kinds of kernels; those that are not fcframe's are ignored.
        rounds: How many undisturbed rounds are wanted.
        force: Count every round, however noisy the machine is: more rounds are needed then.
        quietest: As `noise.Reference` takes it.
        say: Where progress goes.
    """
    rows, code = [], 0
    with tempfile.TemporaryDirectory() as place:
        pair = {NOW: (ROOT, Path(place, NOW)), BEFORE: (other, Path(place, BEFORE))}
        for root, folder in pair.values():
            announce(root, folder)
        for network in networks:
            workload = WORKLOADS[network]
            for kind in (kind for kind in OURS if kind in contenders):
                both = {name: within(CONTENDERS[kind], *paths) for name, paths in pair.items()}
                say(f"{workload.title}, {CONTENDERS[kind].title}")
                steps = workload.steps * workload.epochs
                times = measure(both, "step", network, rounds, steps, quietest=quietest, every=force, say=say)
                say(f"{times.noise}")
                if times.crashed or times.absent:
                    code = max(code, 1)
                elif times.noise.too_noisy:
                    say("too noisy; with --force every round counts")
                    code = 3
                else:
                    row, ratio = compared(times)
                    rows.append([workload.title, CONTENDERS[kind].title, *row])
                    code = max(code, int(ratio > LIMIT))
    print(table(HEADS, rows))
    return code


def compared(times: Times) -> tuple[list[str], float]:
    """Cells of a row, and the median of the ratios now / before."""
    ratios = sorted(now / before for now, before in zip(times.seconds[NOW], times.seconds[BEFORE], strict=True))
    low, high = interval(ratios)
    middle = statistics.median(ratios)
    quarters = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    medians = [figure(statistics.median(times.seconds[name]) * 1e6) for name in (BEFORE, NOW)]
    cells = [f"{middle:.3f}", f"{low:.3f} – {high:.3f}", f"{quarters[0]:.3f} – {quarters[2]:.3f}", str(len(ratios))]
    return medians + cells, middle


def interval(ordered: Sequence[float]) -> tuple[float, float]:
    """A 95 % confidence interval of the median: from the (n/2 − 1.96 √n/2)th smallest value to the same from above.

    >>> interval(range(1, 101))
    (40, 61)
    >>> interval([1.0])
    (1.0, 1.0)
    """
    n = len(ordered)
    first = max(1, floor(n / 2 - 1.96 * sqrt(n) / 2))
    return ordered[first - 1], ordered[n - first]


def within(contender: Contender, root: Path, folder: Path) -> Contender:
    """The contender as another checkout has it."""
    paths = [str(folder), str(root), str(root / "plugins"), *filter(None, [environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": pathsep.join(paths), LOCKS: str(folder)}
    return replace(contender, root=root, environment=contender.environment | environment)


def announce(root: Path, folder: Path) -> None:
    """Writes what pip would write of a checkout, so that its own entry points count and not those of the one installed.

    Raises:
        OSError: There is no checkout.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    facts = folder / f"{project['name']}-{project['version']}.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines: list[str] = []
    for group, points in project.get("entry-points", {}).items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (facts / "entry_points.txt").write_text("\n".join(lines) + "\n")
