"""Dropout."""

from typing import Annotated

import numpy as np
from pydantic import Field

from fcframe import Array, Context, Example, Layer, Params, Shape


class Dropout(Layer):
    """Inverted dropout: in training, each element is set to 0 with probability `rate`, else divided by 1 − rate.

    In an evaluation out = x, which is the expected value of out in training. Srivastava et al., "Dropout: A Simple
    Way to Prevent Neural Networks from Overfitting", 2014, section 4.

    Shapes: x and out (N, …).

    >>> Dropout(rate=0.5).forward(np.ones((1, 2)), {}, Context(training=False))[0]
    array([[1., 1.]])
    >>> Dropout(rate=0.75).forward(np.ones((1, 8)), {}, Context(rng=np.random.default_rng(0)))[0]
    array([[0., 0., 0., 0., 4., 4., 0., 0.]])
    """

    type = "dropout"
    examples = (Example(input_shape=(5,), rate=0.3), Example(input_shape=(2, 3)))
    stochastic = True

    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Probability with which an element is set to 0."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, Array | None]:
        if not ctx.training:
            return x, None
        mask = ctx.rng.random(out=ctx.empty("mask", x.shape), dtype=x.dtype)
        np.greater_equal(mask, self.rate, out=mask)
        mask /= 1 - self.rate
        return np.multiply(x, mask, out=ctx.empty("out", x.shape)), mask

    def backward(self, dout: Array, cache: Array | None, ctx: Context) -> tuple[Array, Params]:
        mask = cache
        return dout if mask is None else np.multiply(dout, mask, out=ctx.empty("dx", dout.shape)), {}
