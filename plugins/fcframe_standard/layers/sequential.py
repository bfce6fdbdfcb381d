"""Layers in a row, as one layer."""

from fcframe import Container, Example
from fcframe_standard.layers.affine import Affine
from fcframe_standard.layers.relu import ReLU


class Sequential(Container):
    """Layers in a row as one layer: a group with a name, or the inside of another container.

    Shapes: x as the first layer takes it → out as the last layer gives it.

    >>> sorted(Sequential(layers=(Affine(units=5), ReLU())).parameters((3,)))
    ['affine1.W', 'affine1.b']
    """

    type = "sequential"
    examples = (Example(input_shape=(2, 3), layers=(Affine(units=5), ReLU(), Affine(units=4))),)

    def forward(self, x, params, ctx):
        return self.chain.forward(x, params, ctx)

    def backward(self, dout, cache, ctx):
        return self.chain.backward(dout, cache, ctx)
