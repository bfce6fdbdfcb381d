"""The rectified linear unit."""

from fcframe import Example, Layer


class ReLU(Layer):
    """Rectified linear unit, out = max(x, 0); the derivative at 0 is taken as 0.

    Shapes: x (N, …) → out, the same.

    >>> import numpy as np
    >>> from fcframe import Context
    >>> ReLU().forward(np.array([[-1.0, 2.0]]), {}, Context())[0]
    array([[0., 2.]])
    """

    type = "relu"
    also_called = ("rectifier", "rectified_linear")
    examples = (Example(input_shape=(5,)), Example(input_shape=(2, 3)))

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        out, mask = ctx.empty("out", x.shape), ctx.empty("mask", x.shape, bool)
        return ctx.kernels.rectify(x, out, mask), mask

    def reference(self, x, params, ctx):
        return x * (x > 0)

    def backward(self, dout, cache, ctx):
        mask = cache
        return ctx.kernels.multiply(dout, mask, out=ctx.empty("dx", dout.shape)), {}
