"""Right layers in which the numbers of a row, or the rows of a minibatch, act on each other."""

from typing import Annotated

import numpy as np
from pydantic import Field, PositiveFloat

from fcframe import Layer, Parameter
from fcframe_standard.initializers.ones import Ones
from fcframe_standard.initializers.zeros import Zeros


def same_shape(self, input_shape):
    return input_shape


class Softmax(Layer):
    type = "right_softmax"
    output_shape = same_shape
    temperature: PositiveFloat = 1.0

    def forward(self, x, params, ctx):
        e = np.exp((x - x.max(axis=-1, keepdims=True)) / self.temperature)
        out = e / e.sum(axis=-1, keepdims=True)
        return out, (out,)

    def backward(self, dout, cache, ctx):
        (out,) = cache
        return out * (dout - (dout * out).sum(axis=-1, keepdims=True)) / self.temperature, {}


class LogSoftmax(Layer):
    type = "right_log_softmax"
    output_shape = same_shape

    def forward(self, x, params, ctx):
        shifted = x - x.max(axis=-1, keepdims=True)
        out = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        return out, (out,)

    def backward(self, dout, cache, ctx):
        (out,) = cache
        return dout - np.exp(out) * dout.sum(axis=-1, keepdims=True), {}


class L2Normalize(Layer):
    type = "right_l2_normalize"
    output_shape = same_shape
    eps: PositiveFloat = 1e-3

    def forward(self, x, params, ctx):
        norm = np.sqrt((x**2).sum(axis=-1, keepdims=True) + self.eps)
        out = x / norm
        return out, (out, norm)

    def backward(self, dout, cache, ctx):
        out, norm = cache
        return (dout - out * (dout * out).sum(axis=-1, keepdims=True)) / norm, {}


class LayerNorm(Layer):
    type = "right_layernorm"
    output_shape = same_shape
    eps: PositiveFloat = 1e-3

    def parameters(self, input_shape):
        return {"gamma": Parameter(input_shape[-1:], Ones()), "beta": Parameter(input_shape[-1:], Zeros())}

    def forward(self, x, params, ctx):
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = 1 / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.eps)
        xhat = centred * scale
        return xhat * params["gamma"] + params["beta"], (xhat, scale, params["gamma"])

    def backward(self, dout, cache, ctx):
        xhat, scale, gamma = cache
        axes = tuple(range(dout.ndim - 1))
        dxhat = dout * gamma
        through_mean = dxhat.mean(axis=-1, keepdims=True)
        through_var = xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)
        dx = scale * (dxhat - through_mean - through_var)
        return dx, {"gamma": (dout * xhat).sum(axis=axes), "beta": dout.sum(axis=axes)}


class RMSNorm(Layer):
    type = "right_rmsnorm"
    output_shape = same_shape
    eps: PositiveFloat = 1e-3

    def parameters(self, input_shape):
        return {"gamma": Parameter(input_shape[-1:], Ones())}

    def forward(self, x, params, ctx):
        scale = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.eps)
        return x * scale * params["gamma"], (x * scale, scale, params["gamma"])

    def backward(self, dout, cache, ctx):
        xhat, scale, gamma = cache
        dxhat = dout * gamma
        dx = scale * (dxhat - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True))
        return dx, {"gamma": (dout * xhat).sum(axis=tuple(range(dout.ndim - 1)))}


class BatchNorm(Layer):
    type = "right_batchnorm"
    output_shape = same_shape
    examples_independent = False
    eps: PositiveFloat = 1e-3

    def parameters(self, input_shape):
        return {"gamma": Parameter(input_shape, Ones()), "beta": Parameter(input_shape, Zeros())}

    def state(self, input_shape):
        return {"mean": Parameter(input_shape, Zeros()), "var": Parameter(input_shape, Ones())}

    def forward(self, x, params, ctx):
        learning = ctx.training and len(x) > 0
        mean, var = ctx.state["mean"], ctx.state["var"]
        if learning:
            mean, var = x.mean(axis=0), x.var(axis=0)
            ctx.state["mean"] = 0.9 * ctx.state["mean"] + 0.1 * mean
            ctx.state["var"] = 0.9 * ctx.state["var"] + 0.1 * var
        scale = 1 / np.sqrt(var + self.eps)
        xhat = (x - mean) * scale
        return xhat * params["gamma"] + params["beta"], (xhat, scale, var, params["gamma"], learning)

    def backward(self, dout, cache, ctx):
        xhat, scale, var, gamma, learning = cache  # noqa: RUF059 - for a broken twin
        grads = {"gamma": (dout * xhat).sum(axis=0), "beta": dout.sum(axis=0)}
        dxhat = dout * gamma
        if not learning:
            return dxhat * scale, grads
        through_mean = dxhat.mean(axis=0)
        through_var = xhat * (dxhat * xhat).mean(axis=0)
        return scale * (dxhat - through_mean - through_var), grads


class Centre(Layer):
    type = "right_centre"
    output_shape = same_shape
    examples_independent = False
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9

    def state(self, input_shape):
        return {"mean": Parameter(input_shape, Zeros())}

    def forward(self, x, params, ctx):
        if not ctx.training or len(x) == 0:
            return x - ctx.state["mean"], (False,)
        mean = x.mean(axis=0)
        ctx.state["mean"] = self.momentum * ctx.state["mean"] + (1 - self.momentum) * mean
        return x - mean, (True,)

    def backward(self, dout, cache, ctx):
        (learning,) = cache
        return dout - (dout.mean(axis=0) if learning else 0), {}
