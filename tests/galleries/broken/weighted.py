"""Right layers with weights, with noise, and with other layers inside."""

from functools import cached_property
from math import prod
from typing import Annotated

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from fcframe import Chain, Layer, Layers, Parameter
from fcframe_standard.initializers.ones import Ones
from fcframe_standard.initializers.zeros import Zeros


def same_shape(self, input_shape):
    return input_shape


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


class Affine(Layer):
    type = "right_affine"
    units: PositiveInt

    def output_shape(self, input_shape):
        return (self.units,)

    def parameters(self, input_shape):
        return {"W": Parameter((prod(input_shape), self.units), Zeros()), "b": Parameter((self.units,), Zeros())}

    def forward(self, x, params, ctx):
        rows, W = x.reshape(len(x), len(params["W"])), params["W"]
        return rows @ W + params["b"], (x.shape, rows, W)

    def backward(self, dout, cache, ctx):
        shape, rows, W = cache
        dx = (dout @ W.T).reshape(shape)
        return dx, {"W": rows.T @ dout, "b": dout.sum(axis=0)}


class Square(Layer):
    """As many units as features: W is square, and its transpose fits everywhere."""

    type = "right_square"
    output_shape = same_shape

    def parameters(self, input_shape):
        return {"W": Parameter((input_shape[-1], input_shape[-1]), Zeros())}

    def forward(self, x, params, ctx):
        return x @ params["W"], (x, params["W"])

    def backward(self, dout, cache, ctx):
        x, W = cache
        D = x.shape[-1]
        return dout @ W.T, {"W": x.reshape(-1, D).T @ dout.reshape(-1, D)}


class Dish(Layer):
    """An affine layer with its activation, as thinc's Dish.v1: x · W + b through z ↦ z / (1 + |z|)."""

    type = "right_dish"
    units: PositiveInt

    def output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def parameters(self, input_shape):
        return {"W": Parameter((input_shape[-1], self.units), Zeros()), "b": Parameter((self.units,), Zeros())}

    def forward(self, x, params, ctx):
        z = x @ params["W"] + params["b"]
        return z / (1 + np.abs(z)), (x, z, params["W"])

    def backward(self, dout, cache, ctx):
        x, z, W = cache
        dz = dout / (1 + np.abs(z)) ** 2
        dW = x.reshape(-1, len(W)).T @ dz.reshape(-1, self.units)
        return dz @ W.T, {"W": dW, "b": dz.reshape(-1, self.units).sum(axis=0)}


class ScaleShift(Layer):
    type = "right_scale_shift"
    output_shape = same_shape

    def parameters(self, input_shape):
        return {"scale": Parameter(input_shape, Ones()), "shift": Parameter(input_shape, Zeros())}

    def forward(self, x, params, ctx):
        return x * params["scale"] + params["shift"], (x, params["scale"])

    def backward(self, dout, cache, ctx):
        x, scale = cache
        return dout * scale, {"scale": (dout * x).sum(axis=0), "shift": dout.sum(axis=0)}


class PReLU(Layer):
    type = "right_prelu"
    output_shape = same_shape

    def parameters(self, input_shape):
        return {"slope": Parameter(input_shape[-1:], Ones())}

    def forward(self, x, params, ctx):
        return np.where(x > 0, x, params["slope"] * x), (x, params["slope"])

    def backward(self, dout, cache, ctx):
        x, slope = cache
        dslope = (dout * np.minimum(x, 0)).sum(axis=tuple(range(x.ndim - 1)))
        return np.where(x > 0, dout, slope * dout), {"slope": dslope}


class GLU(Layer):
    """(x · U) ⊙ sigmoid(x · V)."""

    type = "right_glu"
    units: PositiveInt = 2

    def output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def parameters(self, input_shape):
        return {name: Parameter((input_shape[-1], self.units), Zeros()) for name in ("U", "V")}

    def forward(self, x, params, ctx):
        value, gate = x @ params["U"], sigmoid(x @ params["V"])
        return value * gate, (x, value, gate, params["U"], params["V"])

    def backward(self, dout, cache, ctx):
        x, value, gate, U, V = cache
        dvalue, dz = dout * gate, dout * value * gate * (1 - gate)
        rows = x.reshape(-1, len(U)).T
        grads = {"U": rows @ dvalue.reshape(-1, self.units), "V": rows @ dz.reshape(-1, self.units)}
        return dvalue @ U.T + dz @ V.T, grads


class Maxout(Layer):
    """The larger of two numbers of a pair."""

    type = "right_maxout"

    def output_shape(self, input_shape):
        if input_shape[-1] % 2:
            raise ValueError("the last size must be even")
        return (*input_shape[:-1], input_shape[-1] // 2)

    def forward(self, x, params, ctx):
        first, second = x[..., 0::2], x[..., 1::2]
        return np.maximum(first, second), (first >= second,)

    def backward(self, dout, cache, ctx):
        (wins,) = cache
        dx = np.stack([dout * wins, dout * ~wins], axis=-1)
        return dx.reshape(*dout.shape[:-1], 2 * dout.shape[-1]), {}


class Mean(Layer):
    """The mean over each example, whatever its rank."""

    type = "right_mean"

    def output_shape(self, input_shape):
        return (1,)

    def forward(self, x, params, ctx):
        return x.reshape(len(x), prod(x.shape[1:])).mean(axis=1, keepdims=True), (x.shape,)

    def backward(self, dout, cache, ctx):
        (shape,) = cache
        size = prod(shape[1:])
        return (np.repeat(dout, size, axis=1) / size).reshape(shape), {}


class Dropout(Layer):
    type = "right_dropout"
    output_shape = same_shape
    stochastic = True
    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5

    def forward(self, x, params, ctx):
        if not ctx.training:
            return x.copy(), (None,)
        mask = (ctx.rng.random(x.shape) >= self.rate).astype(x.dtype) / (1 - self.rate)
        return x * mask, (mask,)

    def backward(self, dout, cache, ctx):
        (mask,) = cache
        return dout.copy() if mask is None else dout * mask, {}


class GaussianNoise(Layer):
    """x · (1 + sigma · noise), in training alone."""

    type = "right_gaussian_noise"
    output_shape = same_shape
    stochastic = True
    sigma: PositiveFloat = 0.5

    def forward(self, x, params, ctx):
        noise = ctx.rng.normal(size=x.shape).astype(x.dtype) if ctx.training else 0 * x
        return x * (1 + self.sigma * noise), (noise,)

    def backward(self, dout, cache, ctx):
        (noise,) = cache
        return dout * (1 + self.sigma * noise), {}


class Residual(Layer):
    """x + scale · layers(x)."""

    type = "right_residual"
    layers: Layers
    scale: float = 1.0

    @cached_property
    def chain(self):
        return Chain(self.layers)

    def output_shape(self, input_shape):
        if self.chain.output_shape(input_shape) != input_shape:
            raise ValueError("the layers must keep the shape")
        return input_shape

    def parameters(self, input_shape):
        return self.chain.parameters(input_shape)

    def forward(self, x, params, ctx):
        out, caches = self.chain.forward(x, params, ctx)
        return x + self.scale * out, caches

    def backward(self, dout, cache, ctx):
        dx, grads = self.chain.backward(self.scale * dout, cache, ctx)
        return (None if dx is None else dout + dx), grads
