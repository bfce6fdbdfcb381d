"""A layer whose input is integers."""

import numpy as np
from pydantic import PositiveInt

from fcframe import Example, Integers, Layer, Parameter


class TokenMean(Layer):
    """The mean of the vectors of some tokens, out = mean over the tokens of W[x].

    Shapes: x (N, tokens) integers with 0 ≤ x < vocabulary → out (N, units); W (vocabulary, units).
    """

    type = "token_mean"
    examples = (Example(input_shape=(4,), vocabulary=6, units=3),)

    vocabulary: PositiveInt
    """Number of different tokens."""
    units: PositiveInt
    """Length of each vector."""

    def input_domain(self, input_shape):
        return Integers(0, self.vocabulary)

    def output_shape(self, input_shape):
        if len(input_shape) != 1:
            raise ValueError("it takes a row of tokens, shape (tokens,)")
        return (self.units,)

    def parameters(self, input_shape):
        return {"W": Parameter((self.vocabulary, self.units), 0.1)}

    def forward(self, x, params, ctx):
        return params["W"][x].mean(axis=1), (x, params["W"].shape)

    def backward(self, dout, cache, ctx):
        x, shape = cache
        dW = np.zeros(shape, dout.dtype)
        np.add.at(dW, x, dout[:, None, :] / x.shape[1])
        return None, {"W": dW}
