"""How time and memory grow: with width, depth, batch, the number of layers and the number of registered components."""

import json
import random
import statistics
from collections.abc import Callable
from typing import Any

from benchmarks.contenders import CONTENDERS
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


def measure(rounds: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Each point in so many fresh processes, in a shuffled order; medians, and the least and the most."""
    points = [(axis, place) for axis, places in CURVES.items() for place in places]
    found: dict[tuple[str, int], list[dict[str, float]]] = {point: [] for point in points}
    shuffle = random.Random(0).shuffle
    for turn in range(rounds):
        shuffle(points)
        for axis, place in points:
            argument = json.dumps(CURVES[axis][place])
            found[axis, place].append(answer_of("growth_point", argument, CONTENDERS["fcframe"].environment))
        say(f"growth: round {turn + 1} of {rounds}")
    return {
        axis: {str(place): _summary(found[axis, place]) for place in places} for axis, places in CURVES.items()
    }  # fmt: skip


def _summary(turns: list[dict[str, float]]) -> dict[str, list[float]]:
    """Name → median, least, most."""
    return {
        name: [make(turn[name] for turn in turns) for make in (statistics.median, min, max)] for name in turns[0]
    }  # fmt: skip
