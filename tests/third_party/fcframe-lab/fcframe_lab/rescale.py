"""A layer with parameters that are trained differently, or not at all."""

import numpy as np

from fcframe import Example, Layer, Parameter


class Rescale(Layer):
    """A learned factor on a fixed one, out = x · exp(log_scale) · fixed.

    Shapes: x (N, …) → out, the same; log_scale and fixed: one example's shape.
    """

    type = "rescale"
    examples = (Example(input_shape=(5,)), Example(input_shape=(2, 3)))

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        return {
            "log_scale": Parameter(input_shape, 0.0, decay=False, learning_rate=0.1),
            "fixed": Parameter(input_shape, 2.0, decay=False, trainable=False),
        }

    def forward(self, x, params, ctx):
        out = x * np.exp(params["log_scale"]) * params["fixed"]
        return out, (x, np.exp(params["log_scale"]), params["fixed"])

    def backward(self, dout, cache, ctx):
        x, scale, fixed = cache
        return dout * scale * fixed, {"log_scale": (dout * x * scale * fixed).sum(axis=0)}
