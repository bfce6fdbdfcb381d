"""The contract of a layer."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field

from fcframe.components.base import Component, Params, Shape
from fcframe.components.domain import Domain, Reals
from fcframe.components.fields import AnyOf
from fcframe.components.initializer import Parameter
from fcframe.components.loss import AnyRegularizer
from fcframe.context import Array, Context


class Layer(Component):
    """A differentiable step: x (N, *input_shape) → out (N, *output_shape).

    >>> import numpy as np
    >>> class Square(Layer):
    ...     type = "square"
    ...     def output_shape(self, input_shape):
    ...         return input_shape
    ...     def forward(self, x, params, ctx):
    ...         return x * x, x
    ...     def backward(self, dout, cache, ctx):
    ...         x = cache
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
    minimum_batch: ClassVar[int] = 1
    """The smallest minibatch from which the layer can learn: 2 for statistics over the minibatch."""

    name: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)] | None = None
    """Name of the layer in parameter names; by default its type, numbered from 1 among its siblings."""
    trainable: bool = True
    """Whether the layer's parameters are updated; false keeps them as they start."""
    regularizer: AnyRegularizer | None = None
    """Penalty on the layer's weights, instead of the network's regularizer."""

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one output example, from the shape of one input example.

        Raises:
            ValueError: The layer cannot take this shape; the message says which shapes it takes.
        """

    def input_domain(self, input_shape: Shape) -> Domain:
        """Which values x may have: real numbers by default, `Integers(low, high)` for indices."""
        return Reals()

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """The arrays that are learned, by name. None by default."""
        return {}

    def state(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """Arrays that are kept from step to step without being learned, such as running means. None by default."""
        return {}

    def inner(self, input_shape: Shape) -> Sequence[tuple[str, "Layer", Shape]]:
        """The layers that this layer holds: name, layer, and the input shape that each sees. Used for tables."""
        return ()

    @abstractmethod
    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, Any]:
        """Computes the output.

        Args:
            x: (N, *input_shape) with N at least 1, unchanged on return.
            params: Arrays of the names and shapes that `parameters` gives, unchanged on return.
            ctx: The mode, random numbers, running state and reusable arrays; see `Context`.

        Returns:
            out (N, *output_shape) in the dtype of the parameters, and the cache: whatever `backward` needs, for example
            a tuple, an array or None. out may be x itself, or share memory with it.
        """

    @abstractmethod
    def backward(self, dout: Array, cache: Any, ctx: Context) -> tuple[Array | None, Params]:
        """Computes the gradients of Σ dout · out, plus those of what forward gave to `ctx.add_loss`.

        Args:
            dout: The upstream gradient, (N, *output_shape), unchanged on return.
            cache: What forward returned, unchanged on return.
            ctx: The context that forward was given.

        Returns:
            dx (N, *input_shape), or None where `ctx.needs_input_grad` is False; and the gradient of each parameter,
            with the parameter's name, shape and dtype.
        """

    def reference(self, x: Array, params: Params, ctx: Context) -> Array | None:
        """The output by the textbook's formula, with which the harness compares `forward`. None by default."""
        return None


AnyLayer: TypeAlias = Annotated[Layer, AnyOf(Layer)]
Layers: TypeAlias = Annotated[tuple[AnyLayer, ...], Field(min_length=1, max_length=10_000)]
"""The field type of layers in a row."""
