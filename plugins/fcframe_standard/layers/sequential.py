"""Several layers as one."""

from typing import Any

from fcframe import Array, Container, Context, Example, Params
from fcframe_standard.layers.affine import Affine
from fcframe_standard.layers.relu import ReLU


class Sequential(Container):
    """Several layers as one, out = layerₖ(… layer₂(layer₁(x))): a group with a name, or a branch of another container.

    Shapes: x as the first layer takes it; out as the last layer returns it.

    >>> sorted(Sequential(layers=(Affine(units=5), ReLU())).parameters((3,)))
    ['affine1.W', 'affine1.b']
    """

    type = "sequential"
    examples = (Example(input_shape=(2, 3), layers=(Affine(units=5), ReLU(), Affine(units=4))),)

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, tuple[Any, ...]]:
        return self.chain.forward(x, params, ctx)

    def backward(self, dout: Array, cache: tuple[Any, ...], ctx: Context) -> tuple[Array | None, Params]:
        return self.chain.backward(dout, cache, ctx)
