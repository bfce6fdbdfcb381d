"""The step's matrix products alone, with NumPy's BLAS, into arrays made before: what no NumPy text goes below."""

from collections.abc import Callable

import numpy as np

from benchmarks.worker import Ready
from benchmarks.workers.ways import fastest
from benchmarks.workloads import Array, Workload

Product = Callable[[Array, Array, Array], object]


def step(workload: Workload) -> Ready:
    """Forward, dW and dx of each layer; the dx of the first is nobody's."""
    calls = {"np.matmul": lambda a, b, out: np.matmul(a, b, out=out), "np.dot": np.dot}
    return fastest([(name, products(workload, call)) for name, call in calls.items()], workload.steps)


def products(workload: Workload, product: Product) -> Callable[[int], None]:
    """The turn, with any product(a, b, out)."""
    layers = [W for W, _ in workload.weights()]
    outs = [np.ones((workload.batch, size), np.float32) for size in workload.sizes]
    douts = [np.ones((workload.batch, size), np.float32) for size in workload.sizes]
    grads = [np.empty_like(W) for W in layers]
    calls: list[tuple[Array, Array, Array]] = [
        (outs[index], W, outs[index + 1]) for index, W in enumerate(layers)
    ]  # fmt: skip
    for index in reversed(range(len(layers))):
        calls.append((outs[index].T, douts[index + 1], grads[index]))
        if index:
            calls.append((douts[index + 1], layers[index].T, douts[index]))

    def turn(steps: int) -> None:
        for _ in range(steps):
            for a, b, out in calls:
                product(a, b, out)

    return turn
