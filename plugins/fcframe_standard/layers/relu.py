"""The rectified linear unit."""

from fcframe import Array, Context, Example, Layer, Params, Shape


class ReLU(Layer):
    """Rectified linear unit, out = max(x, 0), with derivative 0 at x = 0.

    Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.

    Shapes: x and out (N, …).

    >>> import numpy as np
    >>> ReLU().forward(np.array([[-1.0, 2.0]]), {}, Context())[0]
    array([[0., 2.]])
    """

    type = "relu"
    also_called = ("rectifier", "rectified_linear")
    examples = (Example(input_shape=(5,)), Example(input_shape=(2, 3)))

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, Array]:
        out, mask = ctx.empty("out", x.shape), ctx.empty("mask", x.shape, bool)
        return ctx.kernels.rectify(x, out, mask), mask

    def reference(self, x: Array, params: Params, ctx: Context) -> Array:
        return x * (x > 0)

    def backward(self, dout: Array, cache: Array, ctx: Context) -> tuple[Array, Params]:
        mask = cache
        return ctx.kernels.multiply(dout, mask, out=ctx.empty("dx", dout.shape)), {}
