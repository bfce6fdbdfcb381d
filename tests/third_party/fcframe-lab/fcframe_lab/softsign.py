"""A layer whose fast text is compared with the textbook's formula."""

import numpy as np

from fcframe import Example, Layer


class Softsign(Layer):
    """Softsign, out = x / (1 + |x|).

    Bergstra et al., "Quadratic Polynomials Learn Better Image Features", 2009.

    Shapes: x (N, …) → out, the same.
    """

    type = "softsign"
    examples = (Example(input_shape=(5,)), Example(input_shape=(2, 3)))

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        scale = np.abs(x, out=ctx.empty("scale", x.shape))
        scale += 1
        np.reciprocal(scale, out=scale)
        return np.multiply(x, scale, out=ctx.empty("out", x.shape)), scale

    def reference(self, x, params, ctx):
        return x / (1 + np.abs(x))

    def backward(self, dout, cache, ctx):
        scale = cache
        return dout * scale * scale, {}
