"""He initialization."""

from math import sqrt
from typing import Annotated

import numpy as np
from pydantic import Field

from fcframe import Array, Example, Initializer, Shape


class He(Initializer):
    """He initialization: a normal distribution with mean 0 and variance gain² · 2 / fan_in.

    For layers that are followed by a ReLU: the variance of the activations then stays the same from layer to layer.
    fan_in is the number of inputs of each output. He et al., "Delving Deep into Rectifiers: Surpassing Human-Level
    Performance on ImageNet Classification", 2015, equation 10.

    >>> He().moments((8, 3), fan_in=8, fan_out=3)
    (0.0, 0.5)
    """

    type = "he"
    also_called = ("kaiming", "he_normal", "kaiming_normal")
    examples = (Example(), Example(gain=0.5))

    gain: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Factor by which the standard deviation is multiplied."""

    def moments(self, shape: Shape, fan_in: int, fan_out: int) -> tuple[float, float]:
        return 0.0, self.gain * sqrt(2 / fan_in)

    def sample(self, shape: Shape, fan_in: int, fan_out: int, rng: "np.random.Generator") -> Array:
        return rng.normal(*self.moments(shape, fan_in, fan_out), shape)
