"""Dropout."""

from typing import Annotated

import numpy as np
from pydantic import Field

from fcframe import Example, Layer


class Dropout(Layer):
    """Inverted dropout: in training each number is 0 with probability `rate`, the others are divided by 1 − rate.

    An evaluation passes x on, so both have the same mean. Srivastava et al., "Dropout: A Simple Way to Prevent
    Neural Networks from Overfitting", 2014, section 4.

    Shapes: x (N, …) → out, the same.

    >>> from fcframe import Context
    >>> Dropout(rate=0.5).forward(np.ones((1, 2)), {}, Context(training=False))[0]
    array([[1., 1.]])
    >>> Dropout(rate=0.75).forward(np.ones((1, 8)), {}, Context(rng=np.random.default_rng(0)))[0]
    array([[0., 0., 0., 0., 4., 4., 0., 0.]])
    """

    type = "dropout"
    examples = (Example(input_shape=(5,), rate=0.3), Example(input_shape=(2, 3)))
    stochastic = True

    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Probability with which a number is set to 0."""

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        if not ctx.training:
            return x, None
        mask = ctx.rng.random(out=ctx.empty("mask", x.shape), dtype=x.dtype)
        np.greater_equal(mask, self.rate, out=mask)
        mask /= 1 - self.rate
        return np.multiply(x, mask, out=ctx.empty("out", x.shape)), mask

    def backward(self, dout, cache, ctx):
        mask = cache
        return dout if mask is None else np.multiply(dout, mask, out=ctx.empty("dx", dout.shape)), {}
