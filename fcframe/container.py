"""The abstract layer that holds layers in a row."""

from functools import cached_property

from fcframe.chain import Chain
from fcframe.components import Domain, Layer, Layers, Parameter, Shape


class Container(Layer):
    """A layer around layers in a row; a component derives from it and writes forward and backward around the chain's.

    Parameters, state and gradients of the layers inside travel under dotted names: "affine1.W".

    >>> class Doubled(Container):
    ...     type = "doubled"
    ...     def forward(self, x, params, ctx):
    ...         out, cache = self.chain.forward(x, params, ctx)
    ...         return 2 * out, cache
    ...     def backward(self, dout, cache, ctx):
    ...         return self.chain.backward(2 * dout, cache, ctx)
    >>> sorted(Doubled(layers=[{"type": "affine", "units": 5}]).parameters((3,)))
    ['affine1.W', 'affine1.b']
    """

    layers: Layers
    """The layers, first to last."""

    @cached_property
    def chain(self) -> Chain:
        """The layers, ready to be called one after the other."""
        return Chain(self.layers)

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape that the last layer gives."""
        return self.chain.output_shape(input_shape)

    def input_domain(self, input_shape: Shape) -> Domain:
        """Which values the first layer takes."""
        return self.chain.input_domain(input_shape)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """What the layers learn."""
        return self.chain.parameters(input_shape)

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """What the layers keep."""
        return self.chain.state(input_shape)

    def inner(self, input_shape: Shape) -> tuple[tuple[str, Layer, Shape], ...]:
        """The layers, each with its name and the shape that it sees."""
        return self.chain.inner(input_shape)
