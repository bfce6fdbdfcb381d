"""Contenders in processes of their own, timed in rounds: each round all of them once, in a shuffled order.

Only one process runs at a time: the others are stopped, so that no pool of threads spins beside the one that is timed.
A round in which a turn stays disturbed is dropped for all contenders alike; where too many are, there is no result.
"""

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import inf
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.noise import LONGEST, Noise, Reference, Timed, Turn, quantile, reference
from benchmarks.process import CrashedError, Worker
from benchmarks.worker import AbsentError

MOST = 3.0
"""At most so many times the rounds asked for are run; if even then too few were quiet, the machine is too noisy."""


@dataclass(frozen=True)
class Times:
    """What rounds gave."""

    seconds: dict[str, list[float]]
    """For each contender the seconds a step of each round that counts; places in the lists are rounds."""
    notes: dict[str, str]
    versions: dict[str, str]
    absent: dict[str, str]
    """Why a contender was left out."""
    crashed: dict[str, str]
    noise: Noise

    def summary(self, ours: Sequence[str]) -> dict[str, Any]:
        """Medians and quartiles in microseconds, and the ratios of ours to all, each a median of paired ratios."""
        contenders = {
            name: {
                "median": statistics.median(values) * 1e6,
                "low": quantile(values, 0.25) * 1e6,
                "high": quantile(values, 0.75) * 1e6,
                **({"note": self.notes[name]} if self.notes[name] else {}),
            }
            for name, values in self.seconds.items()
        }
        ratios = {
            name: {
                other: statistics.median(a / b for a, b in zip(self.seconds[name], values, strict=True))
                for other, values in self.seconds.items()
                if other != name
            }
            for name in ours
            if name in self.seconds
        }
        return {
            "rounds": self.noise.rounds,
            "disturbed": self.noise.disturbed,
            "spread": self.noise.spread,
            "microseconds": contenders,
            "ratios": ratios,
            "absent": self.absent,
            "crashed": self.crashed,
        }


def measure(
    contenders: Mapping[str, Contender],
    task: str,
    argument: str,
    rounds: int,
    steps: int,
    *,
    before: int = 0,
    quietest: float = inf,
    every: bool = False,
    say: Callable[[str], None] = print,
) -> Times:
    """Times contenders at a task, in so many undisturbed rounds if the machine lets them be.

    Args:
        contenders: By name.
        task: A function of their files.
        argument: What it is made for: a workload's name.
        rounds: How many undisturbed ones are wanted.
        steps: In a turn.
        before: Steps that are not timed, before each turn.
        quietest: As `Reference` takes it.
        every: As `Reference` takes it.
        say: Where progress goes.

    Raises:
        AbsentError: None of them can be measured here.
    """
    absent: dict[str, str] = {}
    crashed: dict[str, str] = {}
    workers: dict[str, Worker] = {}
    with ExitStack() as stack:
        for name, contender in contenders.items():
            try:
                worker = stack.enter_context(Worker(contender, task, argument))
                worker.calibrate(before or 1, steps, LONGEST)
                workers[name] = worker
            except AbsentError as error:
                absent[name] = str(error)
                say(f"{name}: left out: {error}")
            except CrashedError as error:
                crashed[name] = str(error)
                say(f"{name}: CRASHED: {error}")
        if not workers:
            raise AbsentError(f"nobody to measure: {', '.join(contenders) or 'none of those chosen'} cannot run here")
        counted, noise = timed(workers, stack.enter_context(reference(quietest, every)), rounds, crashed, say)
    return Times(
        {name: [turns[name].seconds for turns in counted] for name in workers if name not in crashed},
        {name: worker.note for name, worker in workers.items()},
        {package: number for worker in workers.values() for package, number in worker.versions.items()},
        absent,
        crashed,
        noise,
    )


def timed(
    contenders: Mapping[str, Timed],
    beside: Reference,
    rounds: int,
    crashed: dict[str, str],
    say: Callable[[str], None] = print,
) -> tuple[list[dict[str, Turn]], Noise]:
    """The rounds that count, and how quiet it was; who crashes meanwhile is entered in `crashed` and left out.

    Where all were disturbed, one is made that is: for who wants figures all the same.
    """
    done: list[dict[str, Turn]] = []
    shuffle = random.Random(0).shuffle
    while len(done) < MOST * rounds and len(quiet_rounds(done, beside)) < rounds:
        order = [name for name in contenders if name not in crashed]
        shuffle(order)
        found: dict[str, Turn] = {}
        for name in order:
            try:
                found[name] = turn = beside.beside(contenders[name])
            except CrashedError as error:
                crashed[name] = str(error)
                say(f"{name}: CRASHED: {error}")
            else:
                if beside.disturbed(turn):
                    found.clear()  # the round is lost for all, so nobody needs to go on
                    break
        done.append(found)
    for turns in done:
        for name in crashed:
            turns.pop(name, None)
    counted = quiet_rounds(done, beside)
    noise = beside.noise(len(done), len(done) - len(counted), rounds)
    if not counted:
        counted = [{name: beside.beside(one) for name, one in contenders.items() if name not in crashed}]
    return counted, noise


def quiet_rounds(rounds: Sequence[dict[str, Turn]], beside: Reference) -> list[dict[str, Turn]]:
    """The rounds in which no contender's turn was disturbed; one that was given up is empty."""
    return [turns for turns in rounds if turns and not any(map(beside.disturbed, turns.values()))]
