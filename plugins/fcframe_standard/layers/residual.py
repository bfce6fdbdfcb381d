"""Layers with a way around them."""

from functools import cached_property

import numpy as np

from fcframe import Chain, Example, Layer, Layers
from fcframe_standard.layers.affine import Affine
from fcframe_standard.layers.relu import ReLU


class Residual(Layer):
    """Layers with a way around them, out = x + layers(x).

    He et al., "Deep Residual Learning for Image Recognition", 2015, equation 1.

    Shapes: x (N, …) → out, the same; the layers must give back the shape that they take.

    >>> Residual(layers=(Affine(units=3),)).output_shape((3,))
    (3,)
    """

    type = "residual"
    examples = (Example(input_shape=(4,), layers=(Affine(units=5), ReLU(), Affine(units=4))),)

    layers: Layers
    """The layers that are gone around, first to last."""

    @cached_property
    def chain(self):
        """The layers, ready to be delegated to."""
        return Chain(self.layers)

    def output_shape(self, input_shape):
        found = self.chain.output_shape(input_shape)
        if found != tuple(input_shape):
            raise ValueError(f"its layers make {found} of it, and only the same shape can be added to it")
        return found

    def parameters(self, input_shape):
        return self.chain.parameters(input_shape)

    def state(self, input_shape):
        return self.chain.state(input_shape)

    def inner(self, input_shape):
        return self.chain.inner(input_shape)

    def forward(self, x, params, ctx):
        out, caches = self.chain.forward(x, params, ctx)
        return np.add(x, out, out=ctx.empty("out", x.shape)), caches

    def backward(self, dout, cache, ctx):
        dx, grads = self.chain.backward(dout, cache, ctx)
        if dx is None:
            return None, grads
        return np.add(dx, dout, out=ctx.empty("dx", dout.shape)), grads
