"""Work that is the same in every round: products on all cores, a copy that no core's own cache holds, and Python.

A neighbour on the same core slows Python's own work by half, and products hardly at all.
"""

import numpy as np

from benchmarks.worker import Ready


def step(_workload: object) -> Ready:
    """One unit takes eight milliseconds or so, half of it Python's."""
    a, out = np.ones((384, 384), np.float32), np.empty((384, 384), np.float32)
    source = np.ones(2**20, np.float64)
    target = np.empty_like(source)

    def turn(count: int) -> None:
        for _ in range(count):
            for _ in range(4):
                np.matmul(a, a, out=out)
            np.copyto(target, source)
            numbers: dict[int, int] = {}
            for number in range(40_000):
                numbers[number % 64] = number

    return Ready(turn)
