"""The course's text in plain NumPy: affine, relu, softmax loss, their gradients, and the update."""

import numpy as np

from benchmarks.worker import Ready
from benchmarks.workers.batches import turns
from benchmarks.workloads import Array, Labels, Workload


def step(workload: Workload) -> Ready:
    """Each statement allocates what it makes, as one writes it by hand."""
    N, losses = workload.batch, [0.0]
    params = [array for pair in workload.weights() for array in pair]
    slots = [(np.zeros_like(w), np.zeros_like(w)) for w in params]
    count = iter(range(1, 2**62))

    def one(h: Array, labels: Labels) -> None:
        inputs: list[Array] = []
        pre: list[Array] = []
        for W, b in zip(params[::2], params[1::2], strict=True):
            inputs.append(h)
            pre.append(h @ W + b)
            h = np.maximum(pre[-1], 0)
        scores = pre[-1]
        probs = np.exp(scores - np.max(scores, axis=1, keepdims=True))
        probs /= np.sum(probs, axis=1, keepdims=True)
        losses[0] = float(-np.sum(np.log(probs[np.arange(N), labels])) / N)
        dout = probs
        dout[np.arange(N), labels] -= 1
        dout /= N
        grads = []
        for index in reversed(range(len(inputs))):
            grads += [dout.sum(axis=0), inputs[index].T @ dout]
            if index:
                dout = (dout @ params[2 * index].T) * (pre[index - 1] > 0)
        update(params, grads[::-1], slots, next(count), workload)

    return Ready(turns(workload, one))


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
