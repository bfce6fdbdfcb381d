"""Residual block."""

from typing import Any

import numpy as np

from fcframe import Array, Container, Context, Example, Params, Rejected, Shape
from fcframe_standard.layers.affine import Affine
from fcframe_standard.layers.relu import ReLU


class Residual(Container):
    """Residual block, out = x + layers(x).

    He et al., "Deep Residual Learning for Image Recognition", 2015, equation 1.

    Shapes: x, layers(x) and out (N, …).

    >>> Residual(layers=(Affine(units=3),)).output_shape((3,))
    (3,)
    """

    type = "residual"
    examples = (Example(input_shape=(4,), layers=(Affine(units=5), ReLU(), Affine(units=4))),)
    rejected = (Rejected("needs equal shapes", input_shape=(4,), layers=(Affine(units=5),)),)

    def output_shape(self, input_shape: Shape) -> Shape:
        found = self.chain.output_shape(input_shape)
        if found != tuple(input_shape):
            raise ValueError(f"its layers give {found}, but x + layers(x) needs equal shapes")
        return found

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, tuple[Any, ...]]:
        out, caches = self.chain.forward(x, params, ctx)
        return np.add(x, out, out=ctx.empty("out", x.shape)), caches

    def backward(self, dout: Array, cache: tuple[Any, ...], ctx: Context) -> tuple[Array | None, Params]:
        dx, grads = self.chain.backward(dout, cache, ctx)
        if dx is None:
            return None, grads
        return np.add(dx, dout, out=ctx.empty("dx", dout.shape)), grads
