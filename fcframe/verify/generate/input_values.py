"""What x is drawn from."""

from collections.abc import Callable, Mapping

import numpy as np

from fcframe.components import Shape
from fcframe.context import Array


def _ties(rng: np.random.Generator, shape: Shape) -> Array:
    """Exact zeros, exact ties, and ones of either sign."""
    return rng.choice([-1.0, 0.0, 0.0, 0.5, 0.5, 1.0], size=shape)


VALUES: Mapping[str, Callable[[np.random.Generator, Shape], Array]] = {
    "gaussian": lambda rng, shape: rng.normal(size=shape),
    "ties": _ties,
    "nought": lambda _rng, shape: np.zeros(shape),
    "tiny": lambda rng, shape: 1e-6 * rng.normal(size=shape),
    "large": lambda rng, shape: 1e3 * rng.normal(size=shape),
}
