"""Gathers minibatches for contenders that take NumPy arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import Array, Labels, Workload


def turns(workload: Workload, one: Callable[[Array, Labels], Any]) -> Callable[[int], None]:
    """A turn calls one(x, labels) for each minibatch, in an order drawn anew for each epoch."""
    X, y = workload.data()
    rng, N = np.random.default_rng(2), workload.batch

    def turn(steps: int) -> None:
        done = 0
        while done < steps:
            order = rng.permutation(len(X))
            for start in range(0, min(len(X), (steps - done) * N), N):
                chosen = order[start : start + N]
                one(X[chosen], y[chosen])
                done += 1

    return turn
