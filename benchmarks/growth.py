"""How time and memory grow: with width, depth, batch, the number of layers and the number of registered components."""

import json
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.contenders import CONTENDERS
from benchmarks.noise import Noise, Turn, reference
from benchmarks.process import answer_of

Point = dict[str, Any]


def _point(sizes: tuple[int, ...], batch: int = 100, optimizer: str = "sgd", components: int = 0) -> Point:
    return {"sizes": sizes, "batch": batch, "optimizer": optimizer, "components": components}


CURVES: dict[str, dict[int, Point]] = {
    "width": {H: _point((3072, H, 10)) for H in (25, 50, 100, 200, 400, 800, 1600, 3200)},
    "depth": {count: _point((3072, *[100] * count, 10), optimizer="adam") for count in (1, 2, 4, 8, 16, 32)},
    "batch": {N: _point((3072, 200, 10), batch=N) for N in (1, 4, 16, 64, 256, 1024, 4096)},
    "layers": {2 * k + 1: _point((64, *[16] * k, 10), batch=32) for k in (1, 5, 15, 50, 150, 500)},
    "components": {n: _point((64, 100, 10), batch=32, components=n) for n in (0, 10, 100, 300, 1000)},
}
"""Axis → place on it → what is measured there."""
AXES = {
    "width": "units H of 3072-H-10, batch 100",
    "depth": "hidden layers of 3072-100-…-10, batch 100, Adam",
    "batch": "examples in a minibatch of 3072-200-10",
    "layers": "layers of 64-16-…-10, batch 32",
    "components": "made-up components registered; 64-100-10, batch 32",
}


class Place:
    """One point of one curve, whose turn is a fresh process."""

    def __init__(self, point: Point) -> None:
        self._argument = json.dumps(point)
        self.facts: dict[str, float] = {}
        """Of the last turn."""

    def turn(self) -> float:
        """What it found is kept."""
        start = time.perf_counter()
        self.facts = answer_of("growth_point", self._argument, CONTENDERS["fcframe"].environment)
        return time.perf_counter() - start


def measure(rounds: int, quietest: float, say: Callable[[str], None]) -> tuple[dict[str, Any], Noise]:
    """Each point in so many fresh processes, in a shuffled order; medians, and the least and the most.

    A turn that stays disturbed is lost for its point alone: points are not held against each other.
    """
    places = {(axis, place): Place(point) for axis, points in CURVES.items() for place, point in points.items()}
    done: dict[tuple[str, int], list[tuple[Turn, dict[str, float]]]] = {place: [] for place in places}
    order = list(places)
    shuffle = random.Random(0).shuffle
    with reference(quietest) as beside:
        for count in range(1, rounds + 1):
            shuffle(order)
            for place in order:
                turn = beside.beside(places[place])
                done[place].append((turn, places[place].facts))
            say(f"growth: round {count} of {rounds}")
    found = {place: [facts for turn, facts in turns if not beside.disturbed(turn)] for place, turns in done.items()}
    fewest = min(map(len, found.values()))
    noise = beside.noise(rounds, rounds - fewest, -(-rounds // 2))  # of the point that was disturbed most often
    kept = {place: found[place] or [facts for _, facts in done[place]] for place in places}
    return {
        axis: {str(place): _summary(kept[axis, place]) for place in points} for axis, points in CURVES.items()
    }, noise  # fmt: skip


def _summary(turns: list[dict[str, float]]) -> dict[str, list[float]]:
    """Name → median, least, most."""
    return {
        name: [make(turn[name] for turn in turns) for make in (statistics.median, min, max)] for name in turns[0]
    }  # fmt: skip
