"""A convolution, whose start depends on its fan-in."""

import numpy as np
from pydantic import PositiveInt

from fcframe import AnyInitializer, Example, Layer, Parameter


class Filters(Layer):
    """One-dimensional convolution without padding, out[n, f, t] = Σ_c,w W[f, c, w] · x[n, c, t + w] + b[f].

    Shapes: x (N, channels, length) → out (N, count, length − width + 1); W (count, channels, width); b (count,).
    """

    type = "filters"
    examples = (Example(input_shape=(2, 6), count=3, width=2), Example(input_shape=(3, 5), count=2, width=4))

    count: PositiveInt
    """Number of filters."""
    width: PositiveInt
    """Length of each filter."""
    initializer: AnyInitializer = {"type": "he"}  # noqa: RUF012 - pydantic reads it as JSON
    """Initial values of W; b starts at 0."""

    def output_shape(self, input_shape):
        if len(input_shape) != 2 or input_shape[1] < self.width:
            raise ValueError(f"it takes (channels, length) with a length of at least {self.width}")
        return self.count, input_shape[1] - self.width + 1

    def parameters(self, input_shape):
        fan_in = input_shape[0] * self.width
        return {
            "W": Parameter((self.count, input_shape[0], self.width), self.initializer, fan_in=fan_in),
            "b": Parameter((self.count,), 0.0, decay=False, fan_in=fan_in),
        }

    def forward(self, x, params, ctx):
        windows = np.lib.stride_tricks.sliding_window_view(x, self.width, axis=2)
        out = np.einsum("nctw,fcw->nft", windows, params["W"]) + params["b"][:, None]
        return out, {"windows": windows, "W": params["W"], "shape": x.shape}

    def backward(self, dout, cache, ctx):
        dW = np.einsum("nctw,nft->fcw", cache["windows"], dout)
        dx = np.zeros(cache["shape"], dout.dtype)
        for t in range(dout.shape[2]):
            dx[:, :, t : t + self.width] += np.einsum("nf,fcw->ncw", dout[:, :, t], cache["W"])
        return dx, {"W": dW, "b": dout.sum(axis=(0, 2))}
