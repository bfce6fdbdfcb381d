"""A constant start at 0."""

import numpy as np

from fcframe import Example, Initializer


class Zeros(Initializer):
    """Every number starts at 0.

    >>> Zeros().sample((2,), 1, 2, np.random.default_rng(0))
    array([0., 0.])
    """

    type = "zeros"
    examples = (Example(),)

    def moments(self, shape, fan_in, fan_out):
        return 0.0, 0.0

    def sample(self, shape, fan_in, fan_out, rng):
        return np.zeros(shape)
