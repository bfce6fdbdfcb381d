"""Layers with a way around them."""

import numpy as np

from fcframe import Container, Example, Rejected
from fcframe_standard.layers.affine import Affine
from fcframe_standard.layers.relu import ReLU


class Residual(Container):
    """Layers with a way around them, out = x + layers(x).

    He et al., "Deep Residual Learning for Image Recognition", 2015, equation 1.

    Shapes: x (N, …) → out, the same; the layers must give back the shape that they take.

    >>> Residual(layers=(Affine(units=3),)).output_shape((3,))
    (3,)
    """

    type = "residual"
    examples = (Example(input_shape=(4,), layers=(Affine(units=5), ReLU(), Affine(units=4))),)
    rejected = (Rejected("only the same shape can be added", input_shape=(4,), layers=(Affine(units=5),)),)

    def output_shape(self, input_shape):
        found = self.chain.output_shape(input_shape)
        if found != tuple(input_shape):
            raise ValueError(f"its layers make {found} of it, and only the same shape can be added to it")
        return found

    def forward(self, x, params, ctx):
        out, caches = self.chain.forward(x, params, ctx)
        return np.add(x, out, out=ctx.empty("out", x.shape)), caches

    def backward(self, dout, cache, ctx):
        dx, grads = self.chain.backward(dout, cache, ctx)
        if dx is None:
            return None, grads
        return np.add(dx, dout, out=ctx.empty("dx", dout.shape)), grads
