"""He's start, for layers before a rectifier."""

from math import prod, sqrt

from pydantic import PositiveFloat

from fcframe import Example, Initializer


class He(Initializer):
    """Normal distribution of variance gain² · 2 / D: keeps the scale of x through an affine layer and a ReLU.

    He et al., "Delving Deep into Rectifiers", 2015, equation 10. D is the number of inputs: all sizes but the last.

    >>> He().moments((8, 3))
    (0.0, 0.5)
    """

    type = "he"
    examples = (Example(), Example(gain=0.5))

    gain: PositiveFloat = 1.0
    """What the standard deviation is multiplied with."""

    def moments(self, shape):
        return 0.0, self.gain * sqrt(2 / prod(shape[:-1]))

    def sample(self, shape, rng):
        return rng.normal(*self.moments(shape), shape)
