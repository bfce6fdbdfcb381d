"""A constant start at 1."""

import numpy as np

from fcframe import Example, Initializer


class Ones(Initializer):
    """Every number starts at 1.

    >>> Ones().sample((2,), 1, 2, np.random.default_rng(0))
    array([1., 1.])
    """

    type = "ones"
    examples = (Example(),)

    def moments(self, shape, fan_in, fan_out):
        return 1.0, 0.0

    def sample(self, shape, fan_in, fan_out, rng):
        return np.ones(shape)
