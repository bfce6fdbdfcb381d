"""Batch normalization."""

from typing import Annotated

import numpy as np
from pydantic import Field, PositiveFloat

from fcframe import Array, Context, Example, Layer, Parameter, Params, Shape


class BatchNorm(Layer):
    """Batch normalization, out = gamma · (x − mean) / sqrt(var + eps) + beta, mean and var over the minibatch.

    Training also updates running averages of mean and var, which an evaluation uses instead of the minibatch's.
    Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training…", 2015, algorithm 1.

    Shapes: x and out (N, …); gamma, beta and the running averages have the shape of one example.

    >>> x, params = np.array([[1.0], [5.0]]), {"gamma": np.array([3.0]), "beta": np.array([10.0])}
    >>> ctx = Context(state={"mean": np.zeros(1), "var": np.ones(1)})
    >>> BatchNorm(eps=5.0).forward(x, params, ctx)[0]
    array([[ 8.],
           [12.]])
    """

    type = "batchnorm"
    also_called = ("batch_norm", "batch_normalization", "bn")
    examples = (Example(input_shape=(5,)), Example(input_shape=(2, 3), momentum=0.7, eps=0.01))
    examples_independent, minimum_batch = False, 2

    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Share of the running averages that is kept in each step."""
    eps: PositiveFloat = 1e-5
    """Added to the variance, to avoid a division by zero for a constant feature."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return {
            "gamma": Parameter(input_shape, 1.0, decay=False),
            "beta": Parameter(input_shape, 0.0, decay=False),
        }

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        return {"mean": Parameter(input_shape, 0.0), "var": Parameter(input_shape, 1.0)}

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, tuple[Array, Array]]:
        xhat, out = ctx.empty("xhat", x.shape), ctx.empty("out", x.shape)
        mean = x.mean(axis=0) if ctx.training else ctx.state["mean"]
        np.subtract(x, mean, out=xhat)
        var = np.multiply(xhat, xhat, out=out).mean(axis=0) if ctx.training else ctx.state["var"]
        if ctx.training:
            for name, new in (("mean", mean), ("var", var)):
                ctx.state[name] = self.momentum * ctx.state[name] + (1 - self.momentum) * new
        scale = 1 / np.sqrt(var + self.eps)
        xhat *= scale
        np.multiply(xhat, params["gamma"], out=out)
        out += params["beta"]
        return out, (xhat, params["gamma"] * scale)

    def reference(self, x: Array, params: Params, ctx: Context) -> Array:
        mean, var = (x.mean(axis=0), x.var(axis=0)) if ctx.training else (ctx.state["mean"], ctx.state["var"])
        xhat: Array = (x - mean) / np.sqrt(var + self.eps)
        return params["gamma"] * xhat + params["beta"]

    def backward(self, dout: Array, cache: tuple[Array, Array], ctx: Context) -> tuple[Array, Params]:
        xhat, scale = cache
        dbeta = np.add.reduce(dout, axis=0, out=ctx.grad("beta"))
        dx = np.multiply(dout, xhat, out=ctx.empty("dx", dout.shape))
        dgamma = np.add.reduce(dx, axis=0, out=ctx.grad("gamma"))
        if ctx.training:  # mean and var depend on x too
            np.multiply(xhat, dgamma, out=dx)
            dx += dbeta
            dx /= len(dout)
            np.subtract(dout, dx, out=dx)
        else:
            np.copyto(dx, dout)
        dx *= scale
        return dx, {"gamma": dgamma, "beta": dbeta}
