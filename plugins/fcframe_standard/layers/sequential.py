"""Layers in a row, as one layer."""

from functools import cached_property

from fcframe import Chain, Example, Layer, Layers
from fcframe_standard.layers.affine import Affine
from fcframe_standard.layers.relu import ReLU


class Sequential(Layer):
    """Layers in a row as one layer: a group with a name, or the inside of another container.

    Shapes: x as the first layer takes it → out as the last layer gives it.

    >>> sorted(Sequential(layers=(Affine(units=5), ReLU())).parameters((3,)))
    ['affine1.W', 'affine1.b']
    """

    type = "sequential"
    examples = (Example(input_shape=(2, 3), layers=(Affine(units=5), ReLU(), Affine(units=4))),)

    layers: Layers
    """The layers, first to last."""

    @cached_property
    def chain(self):
        """The layers, ready to be delegated to."""
        return Chain(self.layers)

    def output_shape(self, input_shape):
        return self.chain.output_shape(input_shape)

    def parameters(self, input_shape):
        return self.chain.parameters(input_shape)

    def state(self, input_shape):
        return self.chain.state(input_shape)

    def inner(self, input_shape):
        return self.chain.inner(input_shape)

    def forward(self, x, params, ctx):
        return self.chain.forward(x, params, ctx)

    def backward(self, dout, cache, ctx):
        return self.chain.backward(dout, cache, ctx)
