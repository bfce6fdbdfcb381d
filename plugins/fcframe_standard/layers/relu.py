"""The rectified linear unit."""

import numpy as np

from fcframe import Example, Layer


class ReLU(Layer):
    """Rectified linear unit, out = max(x, 0); the derivative at 0 is taken as 0.

    Shapes: x (N, …) → out, the same.

    >>> from fcframe import Context
    >>> ReLU().forward(np.array([[-1.0, 2.0]]), {}, Context())[0]
    array([[0., 2.]])
    """

    type = "relu"
    examples = (Example(input_shape=(5,)), Example(input_shape=(2, 3)))

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        out = np.maximum(x, 0, out=ctx.empty("out", x.shape))
        mask = np.greater(x, 0, out=ctx.empty("mask", x.shape, bool))
        return out, (mask,)

    def backward(self, dout, cache, ctx):
        (mask,) = cache
        return np.multiply(dout, mask, out=ctx.empty("dx", dout.shape)), {}
