"""Xavier's start, for layers before a symmetric activation."""

from math import sqrt
from typing import Annotated

from pydantic import Field

from fcframe import Example, Initializer


class Xavier(Initializer):
    """Uniform distribution of variance gain² · 2 / (fan_in + fan_out): keeps the scale both forward and backward.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010,
    equation 16. fan_in is the number of inputs of each output, fan_out the number of outputs of each input.

    >>> Xavier().moments((5, 3), fan_in=5, fan_out=3)
    (0.0, 0.5)
    """

    type = "xavier"
    also_called = ("glorot", "glorot_uniform", "xavier_uniform")
    examples = (Example(), Example(gain=0.5))

    gain: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Factor of the standard deviation."""

    def moments(self, shape, fan_in, fan_out):
        return 0.0, self.gain * sqrt(2 / (fan_in + fan_out))

    def sample(self, shape, fan_in, fan_out, rng):
        limit = sqrt(3) * self.moments(shape, fan_in, fan_out)[1]
        return rng.uniform(-limit, limit, shape)
