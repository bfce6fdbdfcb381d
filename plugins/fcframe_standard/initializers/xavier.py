"""Xavier's start, for layers before a symmetric activation."""

from math import prod, sqrt

from pydantic import PositiveFloat

from fcframe import Example, Initializer


class Xavier(Initializer):
    """Uniform distribution of variance gain² · 2 / (D + units): keeps the scale both forward and backward.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010,
    equation 16. D is the number of inputs, all sizes but the last; units the number of outputs, the last.

    >>> Xavier().moments((5, 3))
    (0.0, 0.5)
    """

    type = "xavier"
    examples = (Example(), Example(gain=0.5))

    gain: PositiveFloat = 1.0
    """What the standard deviation is multiplied with."""

    def moments(self, shape):
        return 0.0, self.gain * sqrt(2 / (prod(shape[:-1]) + shape[-1]))

    def sample(self, shape, rng):
        limit = sqrt(3) * self.moments(shape)[1]
        return rng.uniform(-limit, limit, shape)
