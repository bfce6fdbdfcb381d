"""What x is drawn from: real numbers of several kinds, or the integers of a layer's domain."""

from collections.abc import Callable, Mapping

import numpy as np

from fcframe.components import Domain, Integers, Shape
from fcframe.context import Array

ORDINARY = "gaussian"
"""The values from which most is seen: at 0, or far out, many a wrong term vanishes."""


def _ties(rng: np.random.Generator, shape: Shape) -> Array:
    """Exact zeros, exact ties, and ones of either sign."""
    return rng.choice([-1.0, 0.0, 0.0, 0.5, 0.5, 1.0], size=shape)


VALUES: Mapping[str, Callable[[np.random.Generator, Shape], Array]] = {
    ORDINARY: lambda rng, shape: rng.normal(size=shape),
    "ties": _ties,
    "nought": lambda _rng, shape: np.zeros(shape),
    "tiny": lambda rng, shape: 1e-6 * rng.normal(size=shape),
    "large": lambda rng, shape: 1e3 * rng.normal(size=shape),
}
"""The kinds of real numbers, and how each is drawn."""

INTEGER_VALUES: Mapping[str, Callable[[np.random.Generator, Integers, Shape], Array]] = {
    ORDINARY: lambda rng, domain, shape: rng.integers(domain.low, domain.high, size=shape, dtype=np.intp),
    "ties": lambda _rng, domain, shape: np.full(shape, domain.high - 1, np.intp),
}
"""The same for integers: drawn from the whole domain, and one integer everywhere."""


def values_of(domain: Domain) -> tuple[str, ...]:
    """The kinds of values that can be drawn from a domain."""
    return tuple(INTEGER_VALUES if isinstance(domain, Integers) else VALUES)


def draw_input(rng: np.random.Generator, shape: Shape, domain: Domain, values: str = ORDINARY) -> Array:
    """An array of the domain's values; integers have the dtype np.intp.

    >>> draw_input(np.random.default_rng(0), (4,), Integers(0, 2)).dtype == np.intp
    True
    """
    if isinstance(domain, Integers):
        return INTEGER_VALUES[values](rng, domain, shape)
    return VALUES[values](rng, shape)
