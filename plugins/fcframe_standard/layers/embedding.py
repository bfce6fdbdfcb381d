"""Embedding."""

import numpy as np
from pydantic import PositiveInt

from fcframe import AnyInitializer, Array, Context, Example, Integers, Layer, Parameter, Params, Shape
from fcframe_standard.initializers.normal import Normal


class Embedding(Layer):
    """Embedding, out = W[x]: a learned vector for each integer, which may stand for a word or a category.

    It takes integers, so it comes first in a network. Bengio et al., "A Neural Probabilistic Language Model", 2003,
    section 2.

    Shapes: x (N, …), integers with 0 ≤ x < size; out (N, …, units); W (size, units).

    >>> W = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> Embedding(size=3, units=2).forward(np.array([[2, 0]]), {"W": W}, Context())[0]
    array([[[5., 6.],
            [1., 2.]]])
    """

    type = "embedding"
    also_called = ("embed", "lookup", "lookup_table")
    examples = (Example(input_shape=(4,), size=7, units=3), Example(input_shape=(2, 3), size=5, units=2))

    size: PositiveInt
    """Number of different integers: x holds integers from 0 to size − 1."""
    units: PositiveInt
    """Length of each vector."""
    initializer: AnyInitializer = Normal(scale=1.0)
    """Initializer of W."""

    def input_domain(self, input_shape: Shape) -> Integers:
        return Integers(0, self.size)

    def output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.units)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return {"W": Parameter((self.size, self.units), self.initializer, decay=False)}

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, Array]:
        return params["W"][x], x

    def backward(self, dout: Array, cache: Array, ctx: Context) -> tuple[None, Params]:
        x = cache
        dW = ctx.grad("W")
        dW[...] = 0
        np.add.at(dW, x, dout)  # an integer that occurs several times gets the sum of its gradients
        return None, {"W": dW}
