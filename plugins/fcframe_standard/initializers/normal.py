"""A normal distribution of a given width."""

from typing import Annotated

from pydantic import Field

from fcframe import Example, Initializer


class Normal(Initializer):
    """Normal distribution with mean 0 and standard deviation `scale`: the course's `weight_scale`.

    >>> import numpy as np
    >>> Normal(scale=0.0).sample((2,), 1, 2, np.random.default_rng(0))
    array([0., 0.])
    """

    type = "normal"
    also_called = ("gaussian", "random_normal")
    examples = (Example(scale=0.02),)

    scale: Annotated[float, Field(ge=0, le=1e6)] = 1e-2
    """The standard deviation."""

    def moments(self, shape, fan_in, fan_out):
        return 0.0, self.scale

    def sample(self, shape, fan_in, fan_out, rng):
        return rng.normal(0.0, self.scale, shape)
