"""What a training takes alone, beside another one, and beside a busy program; and which products gain by threads.

Trainings run in processes of their own, as `fcframe.train` runs them; the rows are interleaved, a round each of all.
A row's figure is the wall time a step while all its trainings run, its ratio that over the first row of the network in
the same round; both are medians over the rounds.

Run `python benchmarks/threads.py` (`--only products` or `--only together`, `--networks W2`, `--rounds N`).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import fcframe  # noqa: E402
from benchmarks.workloads import WORKLOADS  # noqa: E402
from fcframe import threads  # noqa: E402

SECONDS = 4.0
"""Of each row: eight turns, where they are taken."""
ROWS = {
    "alone": (1, []),
    "two at once, with `--share-cores`": (2, ["--share-cores"]),
    "two at once, without": (2, []),
    "beside a busy program (nice 19)": (1, ["--busy=19"]),
    "beside a busy program": (1, ["--busy=0"]),
    "1 thread, alone": (1, ["--threads", "1"]),
    "1 thread, two at once, with `--share-cores`": (2, ["--threads", "1", "--share-cores"]),
    "1 thread, beside a busy program": (1, ["--threads", "1", "--busy=0"]),
}
PRODUCTS = [(32, 64, 100), (100, 64, 100), (100, 100, 100), (100, 200, 100), (100, 200, 200), (100, 784, 100),
            (100, 1024, 200), (100, 3072, 200)]  # fmt: skip


class Clock:
    """Notes when each step ended, and ends the training when its time is over."""

    def __init__(self, end: float) -> None:
        self.end, self.times = end, [time.time()]

    def step_end(self, training: Any) -> None:
        """Called after each step."""
        self.times.append(time.time())
        if self.times[-1] > self.end:
            training.stop("the time is over")


def train(folder: Path, start: float, count: int | None, share_cores: bool) -> None:
    """In a process of its own: trains from a moment on, and prints when each step ended."""
    spec = fcframe.load_spec(folder / "spec.json")
    clock = Clock(start + SECONDS)
    fcframe.train(spec, threads=count, observers=[clock], share_cores=share_cores)
    print(json.dumps(clock.times))


def together(name: str, rounds: int) -> None:
    """Prints a table of the rows for a network."""
    workload = WORKLOADS[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        X, y = workload.data()
        np.savez(folder / "data.npz", X=X, y=y)
        document = workload.spec()
        document["data"] = {"type": "npz", "path": str(folder / "data.npz"), "validation": 0}
        document["training"]["epochs"] = 10**6
        (folder / "spec.json").write_text(json.dumps(document))
        found: dict[str, list[float]] = {row: [] for row in ROWS}
        for _ in range(rounds):
            for row, (processes, options) in ROWS.items():
                found[row].append(milliseconds(folder, processes, options))
    print(f"| {workload.title} | ms a step | times the first row | slowest round |\n| --- | --- | --- | --- |")
    first = found["alone"]
    for row, values in found.items():
        ratio = statistics.median(value / alone for value, alone in zip(values, first, strict=True))
        print(f"| {row} | {statistics.median(values):.2f} | {ratio:.1f} | {max(values):.2f} |", flush=True)


def milliseconds(folder: Path, processes: int, options: list[str]) -> float:
    """Wall time a step of the slowest of so many trainings, while all of them run."""
    own = [option for option in options if not option.startswith("--busy")]
    busy = [option.removeprefix("--busy=") for option in options if option not in own]
    start = time.time() + 2.0
    command = [sys.executable, __file__, "--train", str(folder), "--start", str(start), *own]
    environment = {"OPENBLAS_THREAD_TIMEOUT": "20"} | dict(os.environ)  # as the command line sets it
    hogs = [subprocess.Popen(["nice", "-n", nice, sys.executable, "-c", "while True: pass"]) for nice in busy]
    try:
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(processes)]
        times: list[list[float]] = [json.loads(process.communicate()[0]) for process in running]
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    low, high = max(start, *(one[0] for one in times)), start + SECONDS
    return max((high - low) / max(1, sum(low < moment < high for moment in one)) for one in times) * 1e3


def products(rounds: int) -> None:
    """Prints how long the three products of an affine layer take with all threads, over the time with one."""
    rng = np.random.default_rng(0)
    print("| N × D × H | multiplications | 1 thread, µs | all threads, µs | ratio |\n| --- | --- | --- | --- | --- |")
    for N, D, H in PRODUCTS:
        x, W = rng.standard_normal((N, D), np.float32), rng.standard_normal((D, H), np.float32)
        out, dW, dx = np.empty((N, H), np.float32), np.empty_like(W), np.empty_like(x)
        taken: dict[int, list[float]] = {1: [], threads.available(): []}
        repeats = max(3, 50_000_000 // (N * D * H))
        for _ in range(rounds):
            for count, values in taken.items():
                with threads.limited(count):
                    for turn in range(repeats + 3):
                        if turn == 3:  # the first wake the threads
                            start = time.perf_counter()
                        np.dot(x, W, out)
                        np.dot(x.T, out, dW)
                        np.dot(out, W.T, dx)
                    values.append((time.perf_counter() - start) / repeats * 1e6)
        one, every = (taken[count] for count in (1, threads.available()))
        ratio = statistics.median(b / a for a, b in zip(one, every, strict=True))
        row = f"| {N} × {D} × {H} | {N * D * H:,} | {statistics.median(one):.0f} | {statistics.median(every):.0f} "
        print(f"{row}| {ratio:.2f} |", flush=True)


def parsed() -> Any:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=["products", "together"])
    parser.add_argument("--networks", default="W2", help="by comma")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--start", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--share-cores", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measures, and prints tables."""
    options = parsed()
    if options.train:
        train(options.train, options.start, options.threads, options.share_cores)
        return
    if options.only != "together":
        products(options.rounds)
    if options.only != "products":
        for name in options.networks.split(","):
            together(name, options.rounds)


if __name__ == "__main__":
    main()
