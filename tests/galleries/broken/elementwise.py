"""Right layers that act on each number alone. `defects` makes broken ones of them, a line of text at a time."""

from typing import Annotated

import numpy as np
from pydantic import Field, PositiveFloat

from fcframe import Layer


def same_shape(self, input_shape):
    return input_shape


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


SCRATCH = {}


def scratch(x):
    """What broken layers keep x in: memory that all calls share."""
    kept = SCRATCH.setdefault((x.shape, x.dtype), np.empty_like(x))
    kept[...] = x
    return kept


class ReLU(Layer):
    type = "right_relu"
    output_shape = same_shape

    def forward(self, x, params, ctx):
        return np.maximum(x, 0), (x,)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        return dout * (x > 0), {}


class LeakyReLU(Layer):
    type = "right_leaky_relu"
    output_shape = same_shape
    slope: Annotated[float, Field(ge=0, lt=1)] = 0.01

    def forward(self, x, params, ctx):
        return np.where(x > 0, x, self.slope * x), (x,)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        return np.where(x > 0, dout, self.slope * dout), {}


class ELU(Layer):
    type = "right_elu"
    output_shape = same_shape
    alpha: PositiveFloat = 1.0

    def forward(self, x, params, ctx):
        out = np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))
        return out, (x, out)

    def backward(self, dout, cache, ctx):
        x, out = cache
        return np.where(x > 0, dout, dout * (out + self.alpha)), {}


class Softplus(Layer):
    type = "right_softplus"
    output_shape = same_shape
    beta: PositiveFloat = 1.0

    def forward(self, x, params, ctx):
        return np.logaddexp(0, self.beta * x) / self.beta, (x,)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        return dout * sigmoid(self.beta * x), {}


class Sigmoid(Layer):
    type = "right_sigmoid"
    output_shape = same_shape

    def forward(self, x, params, ctx):
        out = sigmoid(x)
        return out, (out,)

    def backward(self, dout, cache, ctx):
        (out,) = cache
        return dout * out * (1 - out), {}


class Tanh(Layer):
    type = "right_tanh"
    output_shape = same_shape

    def forward(self, x, params, ctx):
        out = np.tanh(x)
        return out, (out,)

    def backward(self, dout, cache, ctx):
        (out,) = cache
        return dout * (1 - out**2), {}


class Swish(Layer):
    type = "right_swish"
    output_shape = same_shape
    beta: float = 1.0

    def forward(self, x, params, ctx):
        gate = sigmoid(self.beta * x)
        return x * gate, (x, gate)

    def backward(self, dout, cache, ctx):
        x, gate = cache
        return dout * (gate + self.beta * x * gate * (1 - gate)), {}


class GELU(Layer):
    type = "right_gelu"
    output_shape = same_shape

    def forward(self, x, params, ctx):
        t = np.tanh(0.8 * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + t), (x, t)

    def backward(self, dout, cache, ctx):
        x, t = cache
        slope = 0.8 * (1 + 3 * 0.044715 * x**2)
        return dout * 0.5 * ((1 + t) + x * (1 - t**2) * slope), {}


class Power(Layer):
    type = "right_power"
    output_shape = same_shape
    exponent: Annotated[float, Field(gt=1, le=3)] = 2.0

    def forward(self, x, params, ctx):
        return np.abs(x) ** self.exponent, (x,)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        return dout * self.exponent * np.abs(x) ** (self.exponent - 1) * np.sign(x), {}


class HardTanh(Layer):
    type = "right_hardtanh"
    output_shape = same_shape
    limit: PositiveFloat = 1.0

    def forward(self, x, params, ctx):
        return np.clip(x, -self.limit, self.limit), (x,)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        return dout * (np.abs(x) < self.limit), {}


class Softsign(Layer):
    type = "right_softsign"
    output_shape = same_shape

    def forward(self, x, params, ctx):
        return x / (1 + np.abs(x)), (x,)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        return dout / (1 + np.abs(x)) ** 2, {}
