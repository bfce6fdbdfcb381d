"""Initialization with zeros."""

import numpy as np

from fcframe import Array, Example, Initializer, Shape


class Zeros(Initializer):
    """Every element starts at 0.

    >>> Zeros().sample((2,), 1, 2, np.random.default_rng(0))
    array([0., 0.])
    """

    type = "zeros"
    examples = (Example(),)

    def moments(self, shape: Shape, fan_in: int, fan_out: int) -> tuple[float, float]:
        return 0.0, 0.0

    def sample(self, shape: Shape, fan_in: int, fan_out: int, rng: "np.random.Generator") -> Array:
        return np.zeros(shape)
