"""How quiet the machine is: a fixed piece of work, the reference, is timed between the turns of what is measured.

If the reference took longer than on a quiet machine, the turn beside it was disturbed, and is repeated. This does not
depend on which contender had the turn.
"""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import inf
from typing import Protocol

from benchmarks.contenders import REFERENCE
from benchmarks.process import CrashedError, Worker

DISTURBED = 1.2
"""A turn is disturbed if the reference beside it took this many times its time on a quiet machine."""
QUIET = 0.25
"""The quantile of the reference's times that counts as its time on a quiet machine."""
SLOW = 1.15
"""A turn is also disturbed if it took this many times as long as when this machine was quietest."""
TRIES = 12
"""The largest number of repetitions of a disturbed turn. Only the reference decides, for every contender alike."""
LONGEST = 0.3
"""Seconds: a contender whose turn would take longer does fewer steps in it."""


class NoisyError(Exception):
    """The machine was too noisy to say anything."""


class LostError(Exception):
    """The reference work crashed: whose turn it was has nothing to do with it, and nothing more can be said."""


class Timed(Protocol):
    """What takes its turn."""

    def turn(self) -> float:
        """Does it, and says how many seconds it took."""


@dataclass(frozen=True)
class Turn:
    """How many seconds something took, and the reference before and after."""

    seconds: float
    before: float
    after: float

    @property
    def disturbance(self) -> float:
        """Of the reference, both sides."""
        return (self.before + self.after) / 2


@dataclass(frozen=True)
class Noise:
    """How quiet the machine was."""

    rounds: int
    disturbed: int
    spread: float
    """The reference's interquartile range over its median."""
    wanted: int
    """Undisturbed rounds."""
    quiet: float = inf
    """Seconds that the reference took when all was quiet."""

    @property
    def too_noisy(self) -> bool:
        """Whether too few rounds were quiet."""
        return self.rounds - self.disturbed < self.wanted

    def __str__(self) -> str:
        return (
            f"{self.disturbed} of {self.rounds} rounds disturbed; the reference work's spread is {self.spread:.0%} "
            "(interquartile range over median)"
        )


class Reference:
    """The times of the reference work, from first to last.

    Args:
        work: The work.
        quietest: Seconds that it took on this machine when that was quietest, where it is known: so an hour that is
            slow from its start to its end is noticed too.
        every: Count every turn: no turn is called disturbed.
    """

    def __init__(self, work: Timed, quietest: float = inf, every: bool = False) -> None:
        self._work, self._quietest, self._every = work, quietest, every
        self.times = [self._turn() for _ in range(20)]

    @property
    def quiet(self) -> float:
        """Seconds that it takes when all is quiet."""
        return quantile(self.times, QUIET)

    def disturbed(self, turn: Turn) -> bool:
        """Whether it took too long beside a turn."""
        return not self._every and turn.disturbance > min(DISTURBED * self.quiet, SLOW * self._quietest)

    def beside(self, timed: Timed) -> Turn:
        """A turn between two of the reference; another one where it was disturbed."""
        for _ in range(TRIES):
            turn = Turn(timed.turn(), self.times[-1], self._turn())
            self.times.append(turn.after)
            if not self.disturbed(turn):
                break
        return turn

    def _turn(self) -> float:
        with lost():
            return self._work.turn()

    def noise(self, rounds: int, disturbed: int, wanted: int) -> Noise:
        """How quiet it has been."""
        return Noise(rounds, disturbed, spread(self.times), wanted, self.quiet)


@contextmanager
def reference(quietest: float = inf, every: bool = False) -> Iterator[Reference]:
    """The reference work in a process of its own, warmed up."""
    with ExitStack() as stack:
        with lost():
            work = stack.enter_context(Worker(REFERENCE, "step", ""))
            work.calibrate(1, 2, LONGEST)
        yield Reference(work, quietest, every)


@contextmanager
def lost() -> Iterator[None]:
    """What crashes in the block is the reference work."""
    try:
        yield
    except CrashedError as error:
        raise LostError(f"the reference work crashed: {error}") from error


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
