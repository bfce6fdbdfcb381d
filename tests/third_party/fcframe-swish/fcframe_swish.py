"""A layer for fcframe in a distribution of its own."""

import numpy as np
from pydantic import PositiveFloat

import fcframe
from fcframe import Example, Layer


class Swish(Layer):
    """Swish, out = x · sigmoid(beta · x): a smooth ReLU.

    Ramachandran, Zoph and Le, "Searching for Activation Functions", 2017.

    Shapes: x (N, …) → out, the same.

    >>> from fcframe import Context
    >>> Swish().forward(np.array([[-100.0, 0.0, 100.0]]), {}, Context())[0]
    array([[ -0.,   0., 100.]])
    """

    type = "swish"
    examples = (Example(input_shape=(5,)), Example(input_shape=(2, 3), beta=0.5))

    beta: PositiveFloat = 1.0
    """How sharply it bends at 0: almost a ReLU where beta is large, almost x / 2 where it is small."""

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        sigmoid = (1 + np.tanh(x * (self.beta / 2))) / 2
        return x * sigmoid, (x, sigmoid)

    def backward(self, dout, cache, ctx):
        x, sigmoid = cache
        return dout * sigmoid * (1 + self.beta * x * (1 - sigmoid)), {}


@fcframe.hookimpl
def fcframe_register():
    """Announces the layer."""
    return [Swish]
