"""Contenders in processes of their own, timed in rounds: each round all of them once, in a shuffled order.

Only one process runs at a time: the others are stopped, so that no pool of threads spins beside the one that is timed.
Between the turns a fixed piece of work, the reference, is timed. A turn beside which it took longer than when all is
quiet was disturbed, whoever's it was, and is done again; if it stays so, the round is dropped for all contenders alike.
Where too many are dropped, there is no result.
"""

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.contenders import REFERENCE, Contender
from benchmarks.process import CrashedError, Worker
from benchmarks.worker import AbsentError

DISTURBED = 1.2
"""A turn is disturbed if the reference beside it took so many times as long as when all is quiet."""
QUIET = 0.25
"""When all is quiet, the reference takes as long as at this quantile of all its times."""
TRIES = 5
"""A disturbed turn is done again, at most so often; what decides is the reference alone, whoever's turn it was."""
MOST = 3.0
"""At most so many times the rounds asked for are run; if even then too few were quiet, the machine is too noisy."""
LONGEST = 0.3
"""Seconds: a contender whose turn would take longer does fewer steps in it."""


class NoisyError(Exception):
    """The machine was too noisy to say anything."""


@dataclass(frozen=True)
class Noise:
    """How quiet the machine was."""

    rounds: int
    disturbed: int
    spread: float
    """The reference's interquartile range over its median."""
    wanted: int
    """Undisturbed rounds."""

    @property
    def too_noisy(self) -> bool:
        """Whether too few rounds were quiet."""
        return self.rounds - self.disturbed < self.wanted

    def __str__(self) -> str:
        return (
            f"{self.disturbed} of {self.rounds} rounds disturbed; the reference work's spread is {self.spread:.0%} "
            "(interquartile range over median)"
        )


@dataclass(frozen=True)
class Turn:
    """What a contender took for a step, and the reference before and after."""

    seconds: float
    before: float
    after: float

    @property
    def disturbance(self) -> float:
        """Of the reference, both sides."""
        return (self.before + self.after) / 2


def quiet_limit(references: Sequence[float]) -> float:
    """How long the reference may take beside a turn that counts.

    >>> round(quiet_limit([1.0, 1.0, 1.0, 9.0]), 3)
    1.2
    """
    return DISTURBED * quantile(references, QUIET)


def quiet_rounds(rounds: Sequence[dict[str, Turn]], references: Sequence[float]) -> list[dict[str, Turn]]:
    """The rounds in which no contender's turn was disturbed; one that was given up is empty.

    >>> calm, shaken = Turn(1.0, 1.0, 1.0), Turn(3.0, 1.0, 3.0)
    >>> len(quiet_rounds([{"a": calm, "b": calm}, {"a": calm, "b": shaken}], [1.0, 1.0, 1.0, 3.0]))
    1
    """
    limit = quiet_limit(references)
    return [turns for turns in rounds if turns and all(turn.disturbance <= limit for turn in turns.values())]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies.

    >>> quantile([3.0, 1.0, 2.0], 0.5)
    2.0
    """
    ordered, place = sorted(values), share * (len(values) - 1)
    low, part = int(place), place % 1
    return ordered[low] if not part else ordered[low] * (1 - part) + ordered[low + 1] * part


def spread(values: Sequence[float]) -> float:
    """Interquartile range over median."""
    return (quantile(values, 0.75) - quantile(values, 0.25)) / statistics.median(values)


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
        say: Where progress goes.

    Raises:
        AbsentError: None of them can be measured here.
    """
    absent: dict[str, str] = {}
    crashed: dict[str, str] = {}
    workers: dict[str, Worker] = {}
    with ExitStack() as stack:
        reference = stack.enter_context(Worker(REFERENCE, "step", ""))
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
            raise AbsentError(f"nobody to measure: {', '.join(contenders)} cannot run here")
        reference.calibrate(1, 2, LONGEST)
        done, references = _rounds(workers, reference, rounds, crashed, say)
    for turns in done:
        for name in crashed:
            turns.pop(name, None)
    counted = quiet_rounds(done, references)
    return Times(
        {name: [turns[name].seconds for turns in counted] for name in workers if name not in crashed},
        {name: worker.note for name, worker in workers.items()},
        {package: number for worker in workers.values() for package, number in worker.versions.items()},
        absent,
        crashed,
        Noise(len(done), len(done) - len(counted), spread(references), rounds),
    )


def _rounds(
    workers: dict[str, Worker],
    reference: Worker,
    rounds: int,
    crashed: dict[str, str],
    say: Callable[[str], None],
) -> tuple[list[dict[str, Turn]], list[float]]:
    """Rounds until enough of them are undisturbed, and each of the reference's times."""
    done: list[dict[str, Turn]] = []
    references = [reference.turn() for _ in range(20)]
    shuffle = random.Random(0).shuffle
    while len(done) < MOST * rounds and len(quiet_rounds(done, references)) < rounds:
        order = [name for name in workers if name not in crashed]
        shuffle(order)
        found: dict[str, Turn] = {}
        for name in order:
            try:
                found[name] = turn = _turn(workers[name], reference, references)
            except CrashedError as error:
                crashed[name] = str(error)
                say(f"{name}: CRASHED: {error}")
            else:
                if turn.disturbance > quiet_limit(references):
                    found.clear()  # the round is lost for all, so nobody needs to go on
                    break
        done.append(found)
    return done, references


def _turn(worker: Worker, reference: Worker, references: list[float]) -> Turn:
    """A turn between two of the reference; another one where it was disturbed."""
    for _ in range(TRIES):
        turn = Turn(worker.turn(), references[-1], reference.turn())
        references.append(turn.after)
        if turn.disturbance <= quiet_limit(references):
            break
    return turn
