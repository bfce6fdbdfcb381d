"""Softmax as a layer."""

import numpy as np

from fcframe import Example, Layer


class Softmax(Layer):
    """Probabilities along the last axis, out = exp(x) / Σ exp(x), with their true Jacobian in backward.

    To train on classes, use the loss of the same name on the scores: it is exact where a probability is nearly 0.

    Shapes: x (N, …, C) → out, the same.

    >>> from fcframe import Context
    >>> Softmax().forward(np.array([[0.0, 0.0]]), {}, Context())[0]
    array([[0.5, 0.5]])
    """

    type = "softmax"
    examples = (Example(input_shape=(5,)), Example(input_shape=(2, 3)))

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        out = np.subtract(x, x.max(axis=-1, keepdims=True), out=ctx.empty("out", x.shape))
        np.exp(out, out=out)
        out /= out.sum(axis=-1, keepdims=True)
        return out, out

    def backward(self, dout, cache, ctx):
        out = cache
        dx = np.multiply(dout, out, out=ctx.empty("dx", out.shape))
        np.subtract(dout, dx.sum(axis=-1, keepdims=True), out=dx)
        dx *= out
        return dx, {}
