"""Xavier (Glorot) initialization."""

from math import sqrt
from typing import Annotated

import numpy as np
from pydantic import Field

from fcframe import Array, Example, Initializer, Shape


class Xavier(Initializer):
    """Xavier initialization: a uniform distribution with mean 0 and variance gain² · 2 / (fan_in + fan_out).

    For layers that are followed by a symmetric activation such as tanh: a compromise that keeps the variances of
    activations and of gradients about the same from layer to layer. fan_in is the number of inputs of each output,
    fan_out the number of outputs that each input contributes to. Glorot and Bengio, "Understanding the difficulty of
    training deep feedforward neural networks", 2010, equation 16.

    >>> Xavier().moments((5, 3), fan_in=5, fan_out=3)
    (0.0, 0.5)
    """

    type = "xavier"
    also_called = ("glorot", "glorot_uniform", "xavier_uniform")
    examples = (Example(), Example(gain=0.5))

    gain: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Factor by which the standard deviation is multiplied."""

    def moments(self, shape: Shape, fan_in: int, fan_out: int) -> tuple[float, float]:
        return 0.0, self.gain * sqrt(2 / (fan_in + fan_out))

    def sample(self, shape: Shape, fan_in: int, fan_out: int, rng: "np.random.Generator") -> Array:
        limit = sqrt(3) * self.moments(shape, fan_in, fan_out)[1]
        return rng.uniform(-limit, limit, shape)
