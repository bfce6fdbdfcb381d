"""The course's text in plain NumPy: modular layers, each of which gives dx too, a softmax loss, and the update."""

from typing import Any

import numpy as np

from benchmarks.worker import Ready
from benchmarks.workers.batches import turns
from benchmarks.workloads import Array, Labels, Workload


def step(workload: Workload) -> Ready:
    """Each statement allocates what it makes, as one writes it by hand."""
    losses = [0.0]
    params = [array for pair in workload.weights() for array in pair]
    slots = [(np.zeros_like(w), np.zeros_like(w)) for w in params]
    count = iter(range(1, 2**62))

    def one(h: Array, labels: Labels) -> None:
        caches: list[Any] = []
        for W, b in zip(params[::2], params[1::2], strict=True):
            if caches:
                h, cache = relu_forward(h)
                caches.append(cache)
            h, cache = affine_forward(h, W, b)
            caches.append(cache)
        losses[0], dout = softmax_loss(h, labels)
        dout, dW, db = affine_backward(dout, caches.pop())
        grads = [db, dW]
        while caches:
            dout = relu_backward(dout, caches.pop())
            dout, dW, db = affine_backward(dout, caches.pop())
            grads += [db, dW]
        update(params, grads[::-1], slots, next(count), workload)

    return Ready(turns(workload, one))


def affine_forward(x: Array, W: Array, b: Array) -> tuple[Array, Any]:
    """The product and the bias."""
    return x.reshape(len(x), -1) @ W + b, (x, W)


def affine_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array]:
    """All three gradients, of the first layer too."""
    x, W = cache
    return (dout @ W.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, np.sum(dout, axis=0)


def relu_forward(x: Array) -> tuple[Array, Array]:
    """What is greater than 0."""
    return np.maximum(x, 0), x


def relu_backward(dout: Array, x: Array) -> Array:
    """Where x was."""
    return dout * (x > 0)


def softmax_loss(scores: Array, y: Labels) -> tuple[float, Array]:
    """The mean loss, and its gradient."""
    N = len(scores)
    probs = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    loss = -np.sum(np.log(probs[np.arange(N), y])) / N
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    return float(loss), dscores


def update(
    params: list[Array], grads: list[Array], slots: list[tuple[Array, Array]], t: int, workload: Workload
) -> None:
    """SGD, or Adam's algorithm 1."""
    for w, dw, (m, v) in zip(params, grads, slots, strict=True):
        if workload.optimizer == "sgd":
            w -= workload.rate * dw
            continue
        m[...] = 0.9 * m + 0.1 * dw
        v[...] = 0.999 * v + 0.001 * dw**2
        w -= workload.rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
