"""The abstract layer that contains a sequence of layers."""

from functools import cached_property

from fcframe.chain import Chain
from fcframe.components import Domain, Layer, Layers, Parameter, Shape


class Container(Layer):
    """A layer that contains a sequence of layers.

    A component derives from it and implements `forward` and `backward` with those of `self.chain`. Parameters, state
    and gradients of the inner layers have dotted names: "affine1.W".

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
    """Layers from input to output."""

    @cached_property
    def chain(self) -> Chain:
        """The layers as a `Chain`, which computes their forward and backward passes."""
        return Chain(self.layers)

    def output_shape(self, input_shape: Shape) -> Shape:
        """The output shape of the last layer."""
        return self.chain.output_shape(input_shape)

    def input_domain(self, input_shape: Shape) -> Domain:
        """The values that the first layer takes as input."""
        return self.chain.input_domain(input_shape)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """The parameters of the inner layers."""
        return self.chain.parameters(input_shape)

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """The running state of the inner layers."""
        return self.chain.state(input_shape)

    def inner(self, input_shape: Shape) -> tuple[tuple[str, Layer, Shape], ...]:
        """The name, the layer and the input shape of each inner layer."""
        return self.chain.inner(input_shape)
