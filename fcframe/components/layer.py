"""The contract of a layer."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from fcframe.components.base import Component, Params, Shape
from fcframe.components.initializer import Parameter
from fcframe.context import Array, Context


class Layer(Component):
    """A differentiable step: x (N, *input_shape) → out (N, *output_shape).

    >>> import numpy as np
    >>> class Square(Layer):
    ...     type = "square"
    ...     def output_shape(self, input_shape):
    ...         return input_shape
    ...     def forward(self, x, params, ctx):
    ...         return x * x, (x,)
    ...     def backward(self, dout, cache, ctx):
    ...         (x,) = cache
    ...         return 2 * x * dout, {}
    >>> out, cache = Square().forward(np.array([[3.0]]), {}, Context())
    >>> Square().backward(np.array([[1.0]]), cache, Context())
    (array([[6.]]), {})
    """

    kind = "layer"
    plural = "layers"
    examples_independent: ClassVar[bool] = True
    """Whether no example's result depends on another example of the minibatch."""
    state_follows_minibatch: ClassVar[bool] = True
    """Whether the state is a running statistic: repeating a minibatch brings an evaluation to the training result."""
    stochastic: ClassVar[bool] = False
    """Whether a training pass draws from `ctx.rng`."""

    name: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)] | None = None
    """What the layer is called in parameter names; without it, its type numbered from 1 among its siblings."""

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one output example, from the shape of one input example.

        Raises:
            ValueError: The layer cannot take this shape; the message says which shapes it takes.
        """

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """What is learned, by name. Nothing by default."""
        return {}

    def state(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """What is kept from step to step without being learned, running statistics say. Nothing by default."""
        return {}

    def inner(self, input_shape: Shape) -> Sequence[tuple[str, "Layer", Shape]]:
        """The layers that this layer holds: name, layer, and the input shape that each sees. For tables."""
        return ()

    @abstractmethod
    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, tuple[Any, ...]]:
        """The layer's value, and what backward needs.

        Args:
            x: (N, *input_shape), unchanged on return. N may be 0.
            params: Arrays of the names and shapes that `parameters` gives, unchanged on return.
            ctx: What is not the layer's own; see `Context`.

        Returns:
            out (N, *output_shape) in x's dtype, and the cache: a tuple of exactly what backward needs.
        """

    @abstractmethod
    def backward(self, dout: Array, cache: tuple[Any, ...], ctx: Context) -> tuple[Array | None, Params]:
        """The gradients of the sum of dout · out.

        Args:
            dout: The upstream gradient, (N, *output_shape), unchanged on return.
            cache: What forward returned, unchanged on return.
            ctx: The context that forward was given.

        Returns:
            dx (N, *input_shape), or None where `ctx.needs_input_grad` is False; and the gradient of each
            parameter, with the parameter's name, shape and dtype.
        """
