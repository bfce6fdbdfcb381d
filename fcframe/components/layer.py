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
    """A differentiable function: x (N, *input_shape) → out (N, *output_shape).

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
    """Whether the output for an example does not depend on the other examples in the minibatch."""
    state_follows_minibatch: ClassVar[bool] = True
    """Whether the state converges to the statistics of a minibatch that is repeated, so that the evaluation output
    converges to the training output."""
    stochastic: ClassVar[bool] = False
    """Whether a training pass draws from `ctx.rng`."""
    minimum_batch: ClassVar[int] = 1
    """Smallest minibatch from which the layer can learn: 2 if it computes statistics over the minibatch."""

    name: Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)] | None = None
    """Name of the layer in parameter names. Default: its type and a number, as in "affine1"."""
    trainable: bool = True
    """Whether the layer's parameters are updated. If false, they keep their initial values."""
    regularizer: AnyRegularizer | None = None
    """Penalty on the layer's weights, instead of the network's regularizer."""

    @abstractmethod
    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one output example, from the shape of one input example.

        Raises:
            ValueError: The layer cannot take this shape; the message says which shapes it takes.
        """

    def input_domain(self, input_shape: Shape) -> Domain:
        """The values that x may have. Default: real numbers; `Integers(low, high)` for indices."""
        return Reals()

    def parameters(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """The learned arrays by name. Default: none."""
        return {}

    def state(self, input_shape: Shape) -> Mapping[str, Parameter]:
        """Arrays that are kept between steps but not learned, such as running means. Default: none."""
        return {}

    def inner(self, input_shape: Shape) -> Sequence[tuple[str, "Layer", Shape]]:
        """The layers inside this layer, each with its name and input shape. Used to list them."""
        return ()

    @abstractmethod
    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, Any]:
        """Computes the output.

        Args:
            x: (N, *input_shape) with N at least 1, unchanged on return.
            params: The arrays that `parameters` declares, by name; unchanged on return.
            ctx: The mode, random numbers, running state and work arrays; see `Context`.

        Returns:
            out (N, *output_shape) in the dtype of the parameters, and the cache: any object that `backward` needs, for
            example a tuple, an array or None. out may be x itself, or share memory with it.
        """

    @abstractmethod
    def backward(self, dout: Array, cache: Any, ctx: Context) -> tuple[Array | None, Params]:
        """Computes the gradients of Σ dout · out, plus those of the penalties passed to `ctx.add_loss`.

        Args:
            dout: The upstream gradient, (N, *output_shape), unchanged on return.
            cache: The cache that forward returned, unchanged on return.
            ctx: The context that forward received.

        Returns:
            dx (N, *input_shape), or None if `ctx.needs_input_grad` is False; and the gradient of each parameter, with
            the parameter's name, shape and dtype.
        """

    def reference(self, x: Array, params: Params, ctx: Context) -> Array | None:
        """The output by the textbook formula; the harness compares `forward` with it. Default: None, no comparison."""
        return None


AnyLayer: TypeAlias = Annotated[Layer, AnyOf(Layer)]
Layers: TypeAlias = Annotated[tuple[AnyLayer, ...], Field(min_length=1, max_length=10_000)]
"""Field type of a sequence of layers."""
