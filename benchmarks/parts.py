"""What can be measured: a function a part, from the command line's options to figures."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks import startup as starts
from benchmarks.contenders import CONTENDERS, GRADIENT_CHECKS, OURS, Contender
from benchmarks.noise import Noise, NoisyError
from benchmarks.process import CrashedError, answer_of
from benchmarks.rounds import measure
from benchmarks.worker import AbsentError
from benchmarks.workloads import WORKLOADS

Figures = dict[str, Any]
FORWARD_CALLS = 200
CHECKS = 32
"""In a turn, or as many as fit it: after a stop the first few find no cache as they left it."""
LAYERS = 1001
"""Of the large spec; an odd number."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    networks: list[str]
    contenders: list[str]
    rounds: int
    quick: bool
    force: bool
    say: Callable[[str], None]
    quietest: float
    """Seconds that the reference work took on this machine when that was quietest; infinite where it is not known."""
    heard: list[float]
    """The same of this run, of each measurement."""

    def judge(self, title: str, noise: Noise) -> None:
        """Says how quiet it was.

        Raises:
            NoisyError: It was not quiet enough, and nobody forces a report.
        """
        self.say(f"{title}: {noise}")
        if noise.too_noisy and not self.force:
            raise NoisyError(f"{title}: {noise}")
        self.heard.append(noise.quiet)


def contest(
    contenders: Mapping[str, Contender], ours: tuple[str, ...], task: str, argument: str, title: str, steps: int,
    options: Options,
) -> Figures:  # fmt: skip
    """Contenders side by side.

    Raises:
        NoisyError: Too few rounds were undisturbed, and nobody forces a report.
        AbsentError: None of them can be measured here.
    """
    options.say(f"{task}, {title}")
    times = measure(contenders, task, argument, options.rounds, steps, quietest=options.quietest, say=options.say)
    options.judge(title, times.noise)
    return {"title": title, "noisy": times.noise.too_noisy, **times.summary(ours)}


def step(options: Options) -> Figures:
    """One training step of each workload."""
    chosen = {name: CONTENDERS[name] for name in options.contenders}
    found = {}
    for name in options.networks:
        workload = WORKLOADS[name]
        steps = workload.steps * workload.epochs
        found[name] = contest(chosen, OURS, "step", name, workload.title, steps, options)
    return found


def forward(options: Options) -> Figures:
    """One row through W2's network."""
    chosen = {name: CONTENDERS[name] for name in (*OURS, "torch") if name in options.contenders}
    title = "Forward only, one row, the network of W2"
    return contest(chosen, OURS, "forward", "W2", title, FORWARD_CALLS, options)


def gradcheck(options: Options) -> Figures:
    """Exhaustive gradient checks."""
    found = {}
    for name in ("affine 6→5", "batchnorm of 20", "15-20-30-10 with its loss"):
        title = f"Gradient check, exhaustive: {name}"
        found[name] = contest(GRADIENT_CHECKS, ("fcframe",), "check", name, title, CHECKS, options)
    return found


def memory(options: Options) -> Figures:
    """Peak memory above the data."""
    return _ours("memory", ("W2", "W4"), 1 if options.quick else 3, "mb", options)


def allocations(options: Options) -> Figures:
    """The largest allocation in a step."""
    return _ours("allocations", tuple(WORKLOADS), 1, "bytes", options)


def startup(options: Options) -> list[dict[str, Any]]:
    """Commands beside the import of what they stand on."""
    options.say("startup")
    rows, noise = starts.measure(5 if options.quick else 25, options.quietest, options.say)
    options.judge("startup", noise)
    return rows


def large_spec(options: Options) -> Figures:
    """Milliseconds that a large spec takes: medians of fresh processes."""
    options.say("large_spec")
    answers = [answer_of("large_spec", str(LAYERS), {}) for _ in range(1 if options.quick else 5)]
    return {"layers": LAYERS} | {key: statistics.median(answer[key] for answer in answers) for key in answers[0]}


PARTS: dict[str, Callable[[Options], Any]] = {
    "step": step,
    "forward": forward,
    "memory": memory,
    "allocations": allocations,
    "startup": startup,
    "gradcheck": gradcheck,
    "large_spec": large_spec,
}


def _ours(module: str, workloads: tuple[str, ...], times: int, key: str, options: Options) -> Figures:
    """What a module says of each workload, with each kind of kernels: its answer of the median `key`."""
    options.say(module)
    found: Figures = {workload: {} for workload in workloads if workload in options.networks}
    for workload, results in found.items():
        for name in (name for name in OURS if name in options.contenders):
            try:
                answers = [answer_of(module, workload, CONTENDERS[name].environment) for _ in range(times)]
            except AbsentError as error:
                options.say(f"{module}, {name}: left out: {error}")
                results[name] = {"absent": str(error)}
            except CrashedError as error:
                options.say(f"{module}, {name}: CRASHED: {error}")
                results[name] = {"crashed": str(error)}
            else:
                middle = statistics.median_low(answer[key] for answer in answers)
                results[name] = next(answer for answer in answers if answer[key] == middle)
    return found
