"""Normal distribution with a given standard deviation."""

from typing import Annotated

import numpy as np
from pydantic import Field

from fcframe import Array, Example, Initializer, Shape


class Normal(Initializer):
    """Normal distribution with mean 0 and standard deviation `scale`.

    >>> Normal(scale=0.0).sample((2,), 1, 2, np.random.default_rng(0))
    array([0., 0.])
    """

    type = "normal"
    also_called = ("gaussian", "random_normal")
    examples = (Example(scale=0.02),)

    scale: Annotated[float, Field(ge=0, le=1e6)] = 1e-2
    """Standard deviation."""

    def moments(self, shape: Shape, fan_in: int, fan_out: int) -> tuple[float, float]:
        return 0.0, self.scale

    def sample(self, shape: Shape, fan_in: int, fan_out: int, rng: "np.random.Generator") -> Array:
        return rng.normal(0.0, self.scale, shape)
