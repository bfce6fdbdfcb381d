"""Initialization with ones."""

import numpy as np

from fcframe import Array, Example, Initializer, Shape


class Ones(Initializer):
    """Every element starts at 1.

    >>> Ones().sample((2,), 1, 2, np.random.default_rng(0))
    array([1., 1.])
    """

    type = "ones"
    examples = (Example(),)

    def moments(self, shape: Shape, fan_in: int, fan_out: int) -> tuple[float, float]:
        return 1.0, 0.0

    def sample(self, shape: Shape, fan_in: int, fan_out: int, rng: "np.random.Generator") -> Array:
        return np.ones(shape)
