"""The same step in NumPy text that is written for speed: no framework, nothing allocated, the update in blocks."""

from collections.abc import Callable
from math import sqrt

import numpy as np

from benchmarks.worker import Ready
from benchmarks.workloads import Array, Labels, Workload

BLOCK = 2**16
"""Numbers that the update works on at a time, so that they stay in a cache."""
dot = np.ndarray.dot


def step(workload: Workload) -> Ready:
    """Whole epochs, each minibatch gathered into the same array."""
    X, y = workload.data()
    rng, N = np.random.default_rng(2), workload.batch
    x, labels = np.empty((N, *X.shape[1:]), X.dtype), np.empty(N, y.dtype)
    one = minibatch(workload, x, labels)

    def turn(steps: int) -> None:
        for _ in range(steps // workload.steps):
            order = rng.permutation(len(X))
            for start in range(0, len(X), N):
                chosen = order[start : start + N]
                X.take(chosen, 0, x, "clip")
                y.take(chosen, 0, labels, "clip")
                one()

    return Ready(turn, workload.steps)


def minibatch(workload: Workload, x: Array, labels: Labels) -> Callable[[], float]:
    """Forward, loss, backward and update, on what lies in x and labels."""
    N, *widths = workload.batch, *workload.sizes[1:]
    start = [array for pair in workload.weights() for array in pair]
    flat = np.concatenate([array.reshape(-1) for array in start])
    gradient = np.zeros_like(flat)
    params, grads = views(flat, start), views(gradient, start)
    layers = list(zip(params[::2], params[1::2], grads[::2], grads[1::2], strict=True))
    outs = [x, *(np.empty((N, width), x.dtype) for width in widths)]
    masks = [np.empty((N, width), bool) for width in widths[:-1]]
    douts = [np.empty((N, width), x.dtype) for width in widths]
    zeros = [np.zeros(width, x.dtype) for width in widths]
    columns, ones, rows = np.empty((widths[-1], N), x.dtype), np.ones(N, x.dtype), np.arange(N)
    numbers = columns.reshape(-1)
    update = {"sgd": sgd, "adam": adam}[workload.optimizer](flat, gradient, workload.rate)

    def one() -> float:
        for index, (W, b, _, _) in enumerate(layers):
            out = dot(outs[index], W, outs[index + 1])
            out += b
            if index < len(masks):
                np.greater(out, zeros[index], out=masks[index])
                np.maximum(out, zeros[index], out=out)
        np.copyto(columns, outs[-1].T)
        np.subtract(columns, np.maximum.reduce(columns), out=columns)
        true = labels * N + rows
        chosen = numbers[true]
        np.exp(columns, out=columns)
        sums = dot(np.ones(len(columns), columns.dtype), columns)
        loss = np.log(sums) - chosen
        sums *= N
        np.divide(columns, sums, out=columns)
        numbers[true] -= 1 / N
        dout = columns.T
        for index in range(len(layers) - 1, -1, -1):
            W, _, dW, db = layers[index]
            dot(outs[index].T, dout, dW)
            dot(ones, dout, db)
            if index:
                dout = dot(dout, W.T, douts[index - 1])
                np.multiply(dout, masks[index - 1], out=dout)
        update()
        return float(np.add.reduce(loss)) / N

    return one


def views(flat: Array, like: list[Array]) -> list[Array]:
    """Pieces of a flat array in the shapes of others."""
    ends = np.cumsum([array.size for array in like])
    return [piece.reshape(array.shape) for piece, array in zip(np.split(flat, ends[:-1]), like, strict=True)]


def blocks(*arrays: Array) -> list[tuple[Array, ...]]:
    """The arrays, cut alike."""
    return [tuple(array[at : at + BLOCK] for array in arrays) for at in range(0, len(arrays[0]), BLOCK)]


def sgd(flat: Array, gradient: Array, rate: float) -> Callable[[], None]:
    """The gradients are scaled in place: the next step overwrites them."""
    pieces = blocks(flat, gradient)

    def update() -> None:
        for w, dw in pieces:
            dw *= rate
            w -= dw

    return update


def adam(flat: Array, gradient: Array, rate: float) -> Callable[[], None]:
    """The gradient's place serves for what is made on the way."""
    pieces = blocks(flat, gradient, np.zeros_like(flat), np.zeros_like(flat))
    steps = iter(range(1, 2**62))

    def update() -> None:
        step = next(steps)
        correction = sqrt((1 - 0.999**step) / 0.001)
        size, eps = rate * correction * 0.1 / (1 - 0.9**step), 1e-8 * correction
        for w, dw, m, v in pieces:
            m *= 0.9
            m += dw
            v *= 0.999
            np.multiply(dw, dw, out=dw)
            v += dw
            np.sqrt(v, out=dw)
            dw += eps
            np.divide(m, dw, out=dw)
            dw *= size
            w -= dw

    return update
