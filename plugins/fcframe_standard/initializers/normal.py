"""A normal distribution of a given width."""

from pydantic import NonNegativeFloat

from fcframe import Example, Initializer


class Normal(Initializer):
    """Normal distribution with mean 0 and standard deviation `scale`: the course's `weight_scale`.

    >>> import numpy as np
    >>> Normal(scale=0.0).sample((2,), np.random.default_rng(0))
    array([0., 0.])
    """

    type = "normal"
    examples = (Example(scale=0.02),)

    scale: NonNegativeFloat = 1e-2
    """The standard deviation."""

    def moments(self, shape):
        return 0.0, self.scale

    def sample(self, shape, rng):
        return rng.normal(0.0, self.scale, shape)
