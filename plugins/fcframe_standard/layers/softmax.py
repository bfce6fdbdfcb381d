"""Softmax layer."""

import numpy as np

from fcframe import Array, Context, Example, Layer, Params, Shape


class Softmax(Layer):
    """Softmax along the last axis, out = exp(x) / Σ exp(x); backward is dx = out · (dout − Σ dout · out).

    To train a classifier, use the loss `softmax` on the scores instead: it is exact even where a probability is near 0.

    Shapes: x and out (N, …, C).

    >>> Softmax().forward(np.array([[0.0, 0.0]]), {}, Context())[0]
    array([[0.5, 0.5]])
    """

    type = "softmax"
    examples = (Example(input_shape=(5,)), Example(input_shape=(2, 3)))

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, Array]:
        out = np.subtract(x, x.max(axis=-1, keepdims=True), out=ctx.empty("out", x.shape))
        np.exp(out, out=out)
        out /= out.sum(axis=-1, keepdims=True)
        return out, out

    def backward(self, dout: Array, cache: Array, ctx: Context) -> tuple[Array, Params]:
        out = cache
        dx = np.multiply(dout, out, out=ctx.empty("dx", out.shape))
        np.subtract(dout, dx.sum(axis=-1, keepdims=True), out=dx)
        dx *= out
        return dx, {}
