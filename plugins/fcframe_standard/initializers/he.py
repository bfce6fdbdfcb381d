"""He's start, for layers before a rectifier."""

from math import sqrt
from typing import Annotated

from pydantic import Field

from fcframe import Example, Initializer


class He(Initializer):
    """Normal distribution of variance gain² · 2 / fan_in: keeps the scale of x through an affine layer and a ReLU.

    He et al., "Delving Deep into Rectifiers", 2015, equation 10. fan_in is the number of inputs of each output.

    >>> He().moments((8, 3), fan_in=8, fan_out=3)
    (0.0, 0.5)
    """

    type = "he"
    also_called = ("kaiming", "he_normal", "kaiming_normal")
    examples = (Example(), Example(gain=0.5))

    gain: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Factor of the standard deviation."""

    def moments(self, shape, fan_in, fan_out):
        return 0.0, self.gain * sqrt(2 / fan_in)

    def sample(self, shape, fan_in, fan_out, rng):
        return rng.normal(*self.moments(shape, fan_in, fan_out), shape)
