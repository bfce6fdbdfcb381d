"""Right layers that are hard to judge: kinks and ties, saturation, extreme scales, state, randomness, odd shapes.

A harness that fails one of them raises a false alarm. None is registered; `RIGHT` lists them.
"""

from enum import Enum
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from fcframe import AnyInitializer, AnyLayer, Chain, Example, Layer, Layers, Parameter
from fcframe_standard.initializers.he import He
from fcframe_standard.initializers.ones import Ones
from fcframe_standard.initializers.zeros import Zeros
from fcframe_standard.layers.affine import Affine
from fcframe_standard.layers.batchnorm import BatchNorm
from fcframe_standard.layers.dropout import Dropout
from fcframe_standard.layers.relu import ReLU

RIGHT: list[type[Layer]] = []


def right(component):
    RIGHT.append(component)
    return component


def elementwise(name, value, slope):
    """A layer without fields, out = value(x) with the derivative slope(x)."""

    class Elementwise(Layer):
        type = name

        def output_shape(self, input_shape):
            return input_shape

        def forward(self, x, params, ctx):
            return np.asarray(value(x), x.dtype), (x,)

        def backward(self, dout, cache, ctx):
            (x,) = cache
            return np.asarray(dout * slope(x), x.dtype), {}

    Elementwise.__name__ = Elementwise.__qualname__ = name.title().replace("_", "")
    RIGHT.append(Elementwise)


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def softplus(x):
    return np.logaddexp(0, x).astype(x.dtype)


# Kinks, at 0 and elsewhere, with every convention for the slope there.
elementwise("relu_0", lambda x: np.maximum(x, 0), lambda x: x > 0)
elementwise("relu_1", lambda x: np.maximum(x, 0), lambda x: x >= 0)
elementwise("relu_half", lambda x: np.maximum(x, 0), lambda x: np.heaviside(x, 0.5))
elementwise("abs", np.abs, np.sign)
elementwise("abs_one_sided", np.abs, lambda x: np.where(x >= 0, 1, -1))
elementwise("hard_tanh", lambda x: np.clip(x, -1, 1), lambda x: np.abs(x) < 1)
elementwise("hard_tanh_closed", lambda x: np.clip(x, -1, 1), lambda x: np.abs(x) <= 1)
elementwise("relu6", lambda x: np.clip(x, 0, 6), lambda x: (x > 0) & (x <= 6))
elementwise("hard_sigmoid", lambda x: np.clip(0.2 * x + 0.5, 0, 1), lambda x: 0.2 * (np.abs(x) < 2.5))
elementwise("hinge", lambda x: np.maximum(1 - x, 0), lambda x: -1.0 * (x < 1))
elementwise("squared_hinge", lambda x: np.maximum(1 - x, 0) ** 2, lambda x: -2 * np.maximum(1 - x, 0))
elementwise("triangle", lambda x: np.abs(np.mod(x, 1) - 0.5), lambda x: np.sign(np.mod(x, 1) - 0.5))
elementwise("steep_kink", lambda x: np.maximum(1e6 * x, -1e-3 * x), lambda x: np.where(x > 0, 1e6, -1e-3))
elementwise("x_abs_x", lambda x: x * np.abs(x), lambda x: 2 * np.abs(x))
elementwise("cubed_kink", lambda x: np.maximum(x, 0) ** 3, lambda x: 3 * np.maximum(x, 0) ** 2)

# Jumps: there is no slope at them, and around them it is 0 or 1.
elementwise("step", lambda x: np.heaviside(x, 1), lambda x: 0 * x)
elementwise("sign", np.sign, lambda x: 0 * x)
elementwise("rounded", np.round, lambda x: 0 * x)
elementwise("fraction", lambda x: x - np.floor(x), np.ones_like)
elementwise("kept_when_large", lambda x: x * (np.abs(x) > 0.5), lambda x: np.abs(x) > 0.5)

# Saturation, curvature, scales.
elementwise("sigmoid", sigmoid, lambda x: sigmoid(x) * sigmoid(-x))
elementwise("tanh", np.tanh, lambda x: 1 - np.tanh(x) ** 2)
elementwise("softplus", softplus, sigmoid)
elementwise("steep_softplus", lambda x: softplus(1000 * x) / 1000, lambda x: sigmoid(1000 * x))
elementwise("steep_sigmoid", lambda x: sigmoid(300 * x), lambda x: 300 * sigmoid(300 * x) * sigmoid(-300 * x))
elementwise("fast_sine", lambda x: np.sin(100 * x), lambda x: 100 * np.cos(100 * x))
elementwise("swish", lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x)))
elementwise("gaussian", lambda x: np.exp(-(x**2)), lambda x: -2 * x * np.exp(-(x**2)))
elementwise("narrow_gaussian", lambda x: np.exp(-np.minimum((30 * x) ** 2, 80)),
            lambda x: np.where((30 * x) ** 2 < 80, -1800 * x * np.exp(-np.minimum((30 * x) ** 2, 80)), 0))  # fmt: skip
elementwise("elu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), lambda x: np.exp(np.minimum(x, 0)))
elementwise("log_floor", lambda x: np.log(np.maximum(np.abs(x), 1e-3)),
            lambda x: (np.abs(x) > 1e-3) / np.where(x, x, 1))  # fmt: skip
elementwise("log1p_abs", lambda x: np.sign(x) * np.log1p(np.abs(x)), lambda x: 1 / (1 + np.abs(x)))
elementwise("smooth_abs", lambda x: np.sqrt(x**2 + 1e-6), lambda x: x / np.sqrt(x**2 + 1e-6))
elementwise("root", lambda x: np.sqrt(np.abs(x)), lambda x: np.sign(x) / (2 * np.sqrt(np.maximum(np.abs(x), 1e-30))))
elementwise("power_3_2", lambda x: np.abs(x) ** 1.5, lambda x: 1.5 * np.sign(x) * np.sqrt(np.abs(x)))
elementwise("steep", lambda x: 1e6 * x, lambda x: 0 * x + 1e6)
elementwise("steep_square", lambda x: 1e6 * x**2, lambda x: 2e6 * x)
elementwise("tiny_outputs", lambda x: 1e-9 * np.tanh(x), lambda x: 1e-9 * (1 - np.tanh(x) ** 2))
elementwise("huge_outputs", lambda x: 1e9 * np.sin(x), lambda x: 1e9 * np.cos(x))
elementwise("far_away", lambda x: 1e3 + np.tanh(x), lambda x: 1 - np.tanh(x) ** 2)
elementwise("reciprocal", lambda x: 1 / (1 + x**2), lambda x: -2 * x / (1 + x**2) ** 2)
elementwise("constant", lambda x: 0 * x + 7, lambda x: 0 * x)
elementwise("identity", np.copy, np.ones_like)
elementwise("cube", lambda x: x**3, lambda x: 3 * x**2)


@right
class Gelu(Layer):
    """out = x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))."""

    type = "gelu_tanh"

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        t = np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + t), (x, t)

    def backward(self, dout, cache, ctx):
        x, t = cache
        inner = 0.7978845608028654 * (1 + 3 * 0.044715 * x**2)
        return dout * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * inner), {}


@right
class LeakyReLU(Layer):
    type = "leaky"

    alpha: float = 0.01

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return np.where(x > 0, x, self.alpha * x), (x > 0,)

    def backward(self, dout, cache, ctx):
        (positive,) = cache
        return np.where(positive, dout, self.alpha * dout), {}


@right
class SoftThreshold(Layer):
    """out = sign(x) · max(|x| − threshold, 0)."""

    type = "soft_threshold"

    threshold: NonNegativeFloat = 0.5

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return np.sign(x) * np.maximum(np.abs(x) - self.threshold, 0), (np.abs(x) > self.threshold,)

    def backward(self, dout, cache, ctx):
        (outside,) = cache
        return dout * outside, {}


@right
class Huber(Layer):
    """out = x²/2 near 0, delta · (|x| − delta/2) beyond delta."""

    type = "huber_like"

    delta: PositiveFloat = 1.0

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        near = np.clip(x, -self.delta, self.delta)
        return near * (x - near / 2), (near,)

    def backward(self, dout, cache, ctx):
        (near,) = cache
        return dout * near, {}


@right
class Maxout(Layer):
    """The largest of each `pieces` features; the first of equal ones gets the gradient."""

    type = "maxout"
    examples = (Example(input_shape=(6,), pieces=3),)

    pieces: Annotated[int, Field(ge=2)] = 2

    def output_shape(self, input_shape):
        *rest, D = input_shape
        if D % self.pieces:
            raise ValueError(f"takes a multiple of {self.pieces} features, got {D}")
        return (*rest, D // self.pieces)

    def forward(self, x, params, ctx):
        groups = x.reshape(*x.shape[:-1], x.shape[-1] // self.pieces, self.pieces)
        best = groups.argmax(axis=-1)[..., None]
        return np.take_along_axis(groups, best, axis=-1)[..., 0], (best, groups.shape, x.shape)

    def backward(self, dout, cache, ctx):
        best, groups, shape = cache
        dx = np.zeros(groups, dout.dtype)
        np.put_along_axis(dx, best, dout[..., None], axis=-1)
        return dx.reshape(shape), {}


@right
class MaxOverFeatures(Layer):
    """The largest feature; equal ones share the gradient."""

    type = "max_shared"

    def output_shape(self, input_shape):
        return (*input_shape[:-1], 1)

    def forward(self, x, params, ctx):
        out = x.max(axis=-1, keepdims=True)
        return out, (x == out,)

    def backward(self, dout, cache, ctx):
        (best,) = cache
        return dout * best / best.sum(axis=-1, keepdims=True).astype(dout.dtype), {}


@right
class Sorted(Layer):
    """Each example's features in order."""

    type = "sorted"

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        order = x.argsort(axis=-1, kind="stable")
        return np.take_along_axis(x, order, axis=-1), (order,)

    def backward(self, dout, cache, ctx):
        (order,) = cache
        dx = np.empty_like(dout)
        np.put_along_axis(dx, order, dout, axis=-1)
        return dx, {}


@right
class Softmax(Layer):
    type = "softmax_scaled"

    temperature: PositiveFloat = 1.0

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        z = x / self.temperature
        out = np.exp(z - z.max(axis=-1, keepdims=True))
        out /= out.sum(axis=-1, keepdims=True)
        return out, (out,)

    def backward(self, dout, cache, ctx):
        (out,) = cache
        return out * (dout - (dout * out).sum(axis=-1, keepdims=True)) / self.temperature, {}


@right
class LogSoftmax(Layer):
    type = "log_softmax"

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        z = x - x.max(axis=-1, keepdims=True)
        out = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
        return out, (out,)

    def backward(self, dout, cache, ctx):
        (out,) = cache
        return dout - np.exp(out) * dout.sum(axis=-1, keepdims=True), {}


@right
class RowSum(Layer):
    """The sum of a softmax: 1, whatever x is, so that the true gradient is 0."""

    type = "softmax_sum"

    def output_shape(self, input_shape):
        return (*input_shape[:-1], 1)

    def forward(self, x, params, ctx):
        out = np.exp(x - x.max(axis=-1, keepdims=True))
        return (out / out.sum(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True), (x.shape,)

    def backward(self, dout, cache, ctx):
        return np.zeros(cache[0], dout.dtype), {}


@right
class LayerNorm(Layer):
    type = "layernorm_affine"

    eps: PositiveFloat = 1e-5

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        D = input_shape[-1]
        return {"gamma": Parameter((D,), Ones(), decay=False), "beta": Parameter((D,), Zeros(), decay=False)}

    def forward(self, x, params, ctx):
        scale = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + self.eps)
        xhat = (x - x.mean(axis=-1, keepdims=True)) * scale
        return params["gamma"] * xhat + params["beta"], (xhat, scale, params["gamma"])

    def backward(self, dout, cache, ctx):
        xhat, scale, gamma = cache
        axes = tuple(range(dout.ndim - 1))
        dxhat = dout * gamma
        mean, slope = dxhat.mean(axis=-1, keepdims=True), (dxhat * xhat).mean(axis=-1, keepdims=True)
        dx = scale * (dxhat - mean - xhat * slope)
        return dx, {"gamma": (dout * xhat).sum(axis=axes), "beta": dout.sum(axis=axes)}


@right
class RMSNorm(Layer):
    type = "rms_norm"

    eps: PositiveFloat = 1e-8

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        return {"g": Parameter((input_shape[-1],), Ones(), decay=False)}

    def forward(self, x, params, ctx):
        scale = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.eps)
        return params["g"] * x * scale, (x, scale, params["g"])

    def backward(self, dout, cache, ctx):
        x, scale, g = cache
        dy = dout * g
        dx = scale * dy - x * scale**3 * (dy * x).mean(axis=-1, keepdims=True)
        return dx, {"g": (dout * x * scale).sum(axis=tuple(range(dout.ndim - 1)))}


@right
class L2Normalize(Layer):
    """out = x / max(|x|, eps) along the last axis."""

    type = "unit_length"

    eps: PositiveFloat = 1e-3

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        length = np.sqrt((x**2).sum(axis=-1, keepdims=True))
        size = np.maximum(length, self.eps)
        return x / size, (x, size, length > self.eps)

    def backward(self, dout, cache, ctx):
        x, size, long = cache
        return dout / size - long * x * (dout * x).sum(axis=-1, keepdims=True) / size**3, {}


@right
class CumulativeSum(Layer):
    type = "cumulative"

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return np.cumsum(x, axis=-1), ()

    def backward(self, dout, cache, ctx):
        return np.ascontiguousarray(np.cumsum(dout[..., ::-1], axis=-1)[..., ::-1]), {}


@right
class Gram(Layer):
    """x xᵀ for each example."""

    type = "gram"

    def output_shape(self, input_shape):
        if len(input_shape) != 2:
            raise ValueError(f"takes matrices, got shape {input_shape}")
        return (input_shape[0], input_shape[0])

    def forward(self, x, params, ctx):
        return x @ x.swapaxes(1, 2), (x,)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        return (dout + dout.swapaxes(1, 2)) @ x, {}


@right
class SelfAttention(Layer):
    """softmax(x xᵀ / √D) x for each example."""

    type = "plain_attention"

    def output_shape(self, input_shape):
        if len(input_shape) != 2:
            raise ValueError(f"takes matrices, got shape {input_shape}")
        return input_shape

    def forward(self, x, params, ctx):
        scores = x @ x.swapaxes(1, 2) / float(np.sqrt(x.shape[2]))
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        weights /= weights.sum(axis=2, keepdims=True)
        return weights @ x, (x, weights)

    def backward(self, dout, cache, ctx):
        x, weights = cache
        dweights = dout @ x.swapaxes(1, 2)
        dscores = weights * (dweights - (dweights * weights).sum(axis=2, keepdims=True)) / float(np.sqrt(x.shape[2]))
        return weights.swapaxes(1, 2) @ dout + (dscores + dscores.swapaxes(1, 2)) @ x, {}


@right
class Flatten(Layer):
    type = "flat"

    def output_shape(self, input_shape):
        return (int(np.prod(input_shape)),)

    def forward(self, x, params, ctx):
        return x.reshape(len(x), int(np.prod(x.shape[1:]))).copy(), (x.shape,)

    def backward(self, dout, cache, ctx):
        return dout.reshape(cache[0]).copy(), {}


@right
class BatchMeanRemoved(Layer):
    """x less its mean over the minibatch, in training and in evaluation alike."""

    type = "batch_mean_removed"
    examples_independent = False

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return x - x.sum(axis=0) / max(1, len(x)), ()

    def backward(self, dout, cache, ctx):
        return dout - dout.sum(axis=0) / max(1, len(dout)), {}


@right
class BatchShift(Layer):
    """Each example less the one before it in the minibatch."""

    type = "batch_differences"
    examples_independent = False

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return x - np.roll(x, 1, axis=0), ()

    def backward(self, dout, cache, ctx):
        return dout - np.roll(dout, -1, axis=0), {}


@right
class BatchNormUnbiased(Layer):
    """Batch normalization whose running variance is the unbiased one, so an evaluation differs from training."""

    type = "batchnorm_unbiased"
    examples_independent = False
    state_follows_minibatch = False

    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99

    def output_shape(self, input_shape):
        return input_shape

    def state(self, input_shape):
        return {"mean": Parameter(input_shape, Zeros()), "var": Parameter(input_shape, Ones())}

    def forward(self, x, params, ctx):
        learning = ctx.training and len(x) > 1
        mean, var = (x.mean(axis=0), x.var(axis=0)) if learning else (ctx.state["mean"], ctx.state["var"])
        if learning:
            unbiased = var * (len(x) / (len(x) - 1))
            ctx.state["mean"] = self.momentum * ctx.state["mean"] + (1 - self.momentum) * mean
            ctx.state["var"] = self.momentum * ctx.state["var"] + (1 - self.momentum) * unbiased
        scale = 1 / np.sqrt(var + 1e-3)
        xhat = (x - mean) * scale
        return xhat, (xhat, scale, learning)

    def backward(self, dout, cache, ctx):
        xhat, scale, learning = cache
        if not learning:
            return dout * scale, {}
        return scale * (dout - dout.mean(axis=0) - xhat * (dout * xhat).mean(axis=0)), {}


@right
class RunningMaximum(Layer):
    """x divided by the largest |x| that training has seen before this step."""

    type = "running_maximum"
    state_follows_minibatch = False

    def output_shape(self, input_shape):
        return input_shape

    def state(self, input_shape):
        return {"largest": Parameter((1,), Ones())}

    def forward(self, x, params, ctx):
        largest = ctx.state["largest"]
        if ctx.training:
            ctx.state["largest"] = 0.9 * largest + np.abs(x).max(initial=1)[None].astype(x.dtype)
        return x / largest, (largest,)

    def backward(self, dout, cache, ctx):
        return dout / cache[0], {}


@right
class AffineThenNorm(Layer):
    """An affine map whose bias the batch normalization behind it removes: the true gradient of b is 0."""

    type = "affine_norm"
    examples_independent = False
    examples = (Example(input_shape=(4,), units=3),)

    units: PositiveInt
    initializer: AnyInitializer = He()

    def output_shape(self, input_shape):
        return (self.units,)

    def parameters(self, input_shape):
        D = int(np.prod(input_shape))
        return {"W": Parameter((D, self.units), self.initializer), "b": Parameter((self.units,), Zeros())}

    def forward(self, x, params, ctx):
        rows = x.reshape(len(x), len(params["W"]))
        z = rows @ params["W"] + params["b"]
        N = max(1, len(x))
        centred = z - z.sum(axis=0) / N
        scale = 1 / np.sqrt((centred**2).sum(axis=0) / N + 1e-2)
        return centred * scale, (x.shape, rows, params["W"], centred * scale, scale)

    def backward(self, dout, cache, ctx):
        shape, rows, W, xhat, scale = cache
        N = max(1, len(rows))
        dz = scale * (dout - dout.sum(axis=0) / N - xhat * (dout * xhat).sum(axis=0) / N)
        return (dz @ W.T).reshape(shape), {"W": rows.T @ dz, "b": dz.sum(axis=0)}


@right
class GaussianNoise(Layer):
    type = "added_noise"
    stochastic = True

    std: NonNegativeFloat = 0.1

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        if not ctx.training:
            return x.copy(), ()
        return x + self.std * ctx.rng.standard_normal(x.shape).astype(x.dtype), ()

    def backward(self, dout, cache, ctx):
        return dout.copy(), {}


@right
class MultiplicativeNoise(Layer):
    type = "multiplied_noise"
    stochastic = True

    std: NonNegativeFloat = 0.1

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        factor = np.ones_like(x)
        if ctx.training:
            factor += self.std * ctx.rng.standard_normal(x.shape).astype(x.dtype)
        return x * factor, (factor,)

    def backward(self, dout, cache, ctx):
        return dout * cache[0], {}


@right
class RandomSlopes(Layer):
    """A leaky ReLU whose slope is drawn for each number in training."""

    type = "random_slopes"
    stochastic = True

    low: Annotated[float, Field(ge=0, lt=0.2)] = 0.1
    high: Annotated[float, Field(gt=0.2, le=1)] = 0.3

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        slope = np.full_like(x, (self.low + self.high) / 2)
        if ctx.training:
            slope = ctx.rng.uniform(self.low, self.high, size=x.shape).astype(x.dtype)
        slope = np.where(x > 0, 1, slope).astype(x.dtype)
        return x * slope, (slope,)

    def backward(self, dout, cache, ctx):
        return dout * cache[0], {}


@right
class DropExamples(Layer):
    """Stochastic depth: drops whole examples in training."""

    type = "drop_examples"
    stochastic = True

    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        if not ctx.training:
            return x.copy(), (1,)
        kept = ctx.rng.random((len(x), *[1] * (x.ndim - 1))) >= self.rate
        factor = (kept / (1 - self.rate)).astype(x.dtype)
        return x * factor, (factor,)

    def backward(self, dout, cache, ctx):
        return dout * cache[0], {}


@right
class PReLU(Layer):
    type = "prelu_features"

    start: float = 0.25

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        return {"alpha": Parameter((input_shape[-1],), Ones())}

    def forward(self, x, params, ctx):
        alpha = self.start * params["alpha"]
        return np.where(x > 0, x, alpha * x), (x, alpha)

    def backward(self, dout, cache, ctx):
        x, alpha = cache
        dalpha = self.start * (dout * np.minimum(x, 0)).sum(axis=tuple(range(x.ndim - 1)))
        return np.where(x > 0, dout, alpha * dout), {"alpha": dalpha}


@right
class GLU(Layer):
    """The first half of the features, gated by the second."""

    type = "gated"

    def output_shape(self, input_shape):
        *rest, D = input_shape
        if D % 2:
            raise ValueError(f"takes an even number of features, got {D}")
        return (*rest, D // 2)

    def forward(self, x, params, ctx):
        a, b = np.split(x, 2, axis=-1)
        gate = sigmoid(b)
        return a * gate, (a, gate)

    def backward(self, dout, cache, ctx):
        a, gate = cache
        return np.concatenate([dout * gate, dout * a * gate * (1 - gate)], axis=-1), {}


@right
class PositiveScale(Layer):
    """out = softplus(s) · x + m · tanh(t · x): several parameters, one of them used through softplus."""

    type = "positive_scale"

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        return {name: Parameter(input_shape, Ones(), decay=False) for name in "smt"}

    def forward(self, x, params, ctx):
        s, m, t = (params[name] for name in "smt")
        return softplus(s) * x + m * np.tanh(t * x), (x, s, m, t)

    def backward(self, dout, cache, ctx):
        x, s, m, t = cache
        bent = np.tanh(t * x)
        dbent = dout * m * (1 - bent**2)
        grads = {"s": dout * x * sigmoid(s), "m": dout * bent, "t": dbent * x}
        return dout * softplus(s) + dbent * t, {name: grad.sum(axis=0) for name, grad in grads.items()}


@right
class UnusedParameter(Layer):
    """A parameter that scales nothing where the field says so: its true gradient is 0."""

    type = "perhaps_scaled"

    scaled: bool = False

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        return {"g": Parameter((1,), Ones())}

    def forward(self, x, params, ctx):
        return x * params["g"] if self.scaled else x.copy(), (x, params["g"])

    def backward(self, dout, cache, ctx):
        x, g = cache
        if not self.scaled:
            return dout.copy(), {"g": np.zeros_like(g)}
        return dout * g, {"g": (dout * x).sum()[None]}


@right
class Groups(Layer):
    """Normalizes the features in groups."""

    type = "grouped"

    groups: PositiveInt = 2
    eps: PositiveFloat = 1e-3

    def output_shape(self, input_shape):
        if len(input_shape) != 1 or input_shape[0] % self.groups or input_shape[0] <= self.groups:
            raise ValueError(f"takes one axis whose size is a larger multiple of {self.groups}, got {input_shape}")
        return input_shape

    def forward(self, x, params, ctx):
        rows = x.reshape(len(x), self.groups, x.shape[1] // self.groups)
        scale = 1 / np.sqrt(rows.var(axis=2, keepdims=True) + self.eps)
        xhat = (rows - rows.mean(axis=2, keepdims=True)) * scale
        return xhat.reshape(x.shape), (xhat, scale)

    def backward(self, dout, cache, ctx):
        xhat, scale = cache
        rows = dout.reshape(xhat.shape)
        dx = rows - rows.mean(axis=2, keepdims=True) - xhat * (rows * xhat).mean(axis=2, keepdims=True)
        return (scale * dx).reshape(dout.shape), {}


class Mode(Enum):
    SINE = "sine"
    SQUARE = "square"
    BOTH = "both"


class Curve(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    power: Annotated[int, Field(ge=1, le=3)] = 1
    weight: float = 1.0


@right
class ManyFields(Layer):
    """Every kind of field."""

    type = "many_fields"

    mode: Mode = Mode.SINE
    sign: Literal[1, -1] = 1
    shifted: bool = False
    shift: float | None = None
    curve: Curve = Curve()
    weights: tuple[float, float] = (1.0, 0.0)
    order: Literal["first", "second"] = "first"
    steps: Annotated[int, Field(multiple_of=5, gt=0)] = 5

    def output_shape(self, input_shape):
        return input_shape

    def _terms(self, x):
        first = {"sine": np.sin(x), "square": x**2, "both": np.sin(x) + x**2}[self.mode.value]
        slope = {"sine": np.cos(x), "square": 2 * x, "both": np.cos(x) + 2 * x}[self.mode.value]
        n = self.curve.power + (self.order == "second")
        a, b = self.weights
        out = a * first + b * self.steps * x + self.curve.weight * x**n
        return out + (self.shift or 0) * self.shifted, a * slope + b * self.steps + self.curve.weight * n * x ** (n - 1)

    def forward(self, x, params, ctx):
        return self.sign * self._terms(x)[0], (x,)

    def backward(self, dout, cache, ctx):
        return self.sign * dout * self._terms(cache[0])[1], {}


@right
class DependentFields(Layer):
    """low < high, and exactly one of two fields given."""

    type = "dependent_fields"

    low: float = -0.25
    high: float = 0.75
    slope: float | None = None
    angle: float | None = 0.5

    @model_validator(mode="after")
    def _consistent(self):
        if not self.low < self.high:
            raise ValueError("low must be less than high")
        if (self.slope is None) == (self.angle is None):
            raise ValueError("give slope or angle, and not both")
        return self

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        slope = self.slope if self.angle is None else float(np.tan(self.angle))
        inside = ((x > self.low) & (x < self.high)).astype(x.dtype)
        return np.clip(x, self.low, self.high) + slope * x, (inside, slope)

    def backward(self, dout, cache, ctx):
        inside, slope = cache
        return dout * (inside + slope), {}


@right
class SevenFeatures(Layer):
    """Takes exactly 7 features, which only an example tells."""

    type = "seven"
    examples = (Example(input_shape=(7,)),)

    def output_shape(self, input_shape):
        if input_shape != (7,):
            raise ValueError(f"takes 7 features, got shape {input_shape}")
        return (3,)

    def forward(self, x, params, ctx):
        return x[:, :3] * x[:, 4:], (x,)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        return np.concatenate([dout * x[:, 4:], np.zeros_like(x[:, :1]), dout * x[:, :3]], axis=1), {}


@right
class Bypass(Layer):
    """out = gate · inner(x) + (1 − gate) · x, with any layer that keeps the shape inside."""

    type = "bypass"
    examples = (Example(input_shape=(4,), layer=ReLU()), Example(input_shape=(3,), layer=BatchNorm()))

    layer: AnyLayer
    gate: float = 0.5

    def output_shape(self, input_shape):
        if Chain((self.layer,)).output_shape(input_shape) != tuple(input_shape):
            raise ValueError("its layer must keep the shape")
        return input_shape

    def parameters(self, input_shape):
        return Chain((self.layer,)).parameters(input_shape)

    def state(self, input_shape):
        return Chain((self.layer,)).state(input_shape)

    def forward(self, x, params, ctx):
        out, cache = Chain((self.layer,)).forward(x, params, ctx)
        return self.gate * out + (1 - self.gate) * x, cache

    def backward(self, dout, cache, ctx):
        dx, grads = Chain((self.layer,)).backward(self.gate * dout, cache, ctx)
        return (None if dx is None else dx + (1 - self.gate) * dout), grads


@right
class Deep(Layer):
    """A container with batch normalization, dropout and kinks inside."""

    type = "deep"
    examples = (
        Example(input_shape=(4,), layers=(Affine(units=5), BatchNorm(), ReLU(), Dropout(rate=0.3), Affine(units=3))),
        Example(input_shape=(2, 3), layers=(ReLU(), Affine(units=4), BatchNorm(momentum=0.7, eps=1e-3))),
    )

    layers: Layers

    def output_shape(self, input_shape):
        return Chain(self.layers).output_shape(input_shape)

    def parameters(self, input_shape):
        return Chain(self.layers).parameters(input_shape)

    def state(self, input_shape):
        return Chain(self.layers).state(input_shape)

    def forward(self, x, params, ctx):
        return Chain(self.layers).forward(x, params, ctx)

    def backward(self, dout, cache, ctx):
        return Chain(self.layers).backward(dout, cache, ctx)


@right
class Bilinear(Layer):
    """out_u = rows(x)ᵀ A_u rows(x): quadratic in x, linear in a parameter of rank 3."""

    type = "bilinear"

    units: PositiveInt = 2

    def output_shape(self, input_shape):
        return (self.units,)

    def parameters(self, input_shape):
        D = int(np.prod(input_shape))
        return {"A": Parameter((self.units, D, D), He())}

    def forward(self, x, params, ctx):
        rows = x.reshape(len(x), params["A"].shape[1])
        return np.einsum("ni,uij,nj->nu", rows, params["A"], rows), (x.shape, rows, params["A"])

    def backward(self, dout, cache, ctx):
        shape, rows, A = cache
        dx = np.einsum("nu,uij,nj->ni", dout, A + A.swapaxes(1, 2), rows).reshape(shape)
        return dx, {"A": np.einsum("nu,ni,nj->uij", dout, rows, rows)}


@right
class WeightNormalized(Layer):
    """W divided by the lengths of its columns, times g."""

    type = "weight_normalized"
    examples = (Example(input_shape=(4,), units=3),)

    units: PositiveInt

    def output_shape(self, input_shape):
        return (self.units,)

    def parameters(self, input_shape):
        return {
            "W": Parameter((int(np.prod(input_shape)), self.units), He()),
            "g": Parameter((self.units,), Ones(), decay=False),
        }

    def forward(self, x, params, ctx):
        W, g = params["W"], params["g"]
        rows = x.reshape(len(x), len(W))
        length = np.sqrt((W**2).sum(axis=0))
        V = W / length
        return rows @ V * g, (x.shape, rows, V, length, g)

    def backward(self, dout, cache, ctx):
        shape, rows, V, length, g = cache
        dg = (rows @ V * dout).sum(axis=0)
        dV = rows.T @ (dout * g)
        dW = (dV - V * (dV * V).sum(axis=0)) / length
        return (dout * g @ V.T).reshape(shape), {"W": dW, "g": dg}
