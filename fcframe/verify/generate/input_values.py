"""Draws the input x of a layer: several kinds of real numbers, or integers from the layer's domain."""

from collections.abc import Callable, Mapping

import numpy as np

from fcframe.components import Domain, Integers, Shape
from fcframe.context import Array

ORDINARY = "gaussian"
"""The values of x that show most mistakes; at x = 0, or for large |x|, many wrong terms are 0."""


def _ties(rng: np.random.Generator, shape: Shape) -> Array:
    """Exact zeros, exact ties, and −1 and 1."""
    return rng.choice([-1.0, 0.0, 0.0, 0.5, 0.5, 1.0], size=shape)


VALUES: Mapping[str, Callable[[np.random.Generator, Shape], Array]] = {
    ORDINARY: lambda rng, shape: rng.normal(size=shape),
    "ties": _ties,
    "zero": lambda _rng, shape: np.zeros(shape),
    "tiny": lambda rng, shape: 1e-6 * rng.normal(size=shape),
    "large": lambda rng, shape: 1e3 * rng.normal(size=shape),
}
"""The kinds of real numbers, by the name in case names, and a function that draws each."""

INTEGER_VALUES: Mapping[str, Callable[[np.random.Generator, Integers, Shape], Array]] = {
    ORDINARY: lambda rng, domain, shape: rng.integers(domain.low, domain.high, size=shape, dtype=np.intp),
    "ties": lambda _rng, domain, shape: np.full(shape, domain.high - 1, np.intp),
}
"""The kinds of integers: random integers from the whole domain, and its largest integer in every element."""


def values_of(domain: Domain) -> tuple[str, ...]:
    """The names of the kinds of values that can be drawn from a domain."""
    return tuple(INTEGER_VALUES if isinstance(domain, Integers) else VALUES)


def draw_input(rng: np.random.Generator, shape: Shape, domain: Domain, values: str = ORDINARY) -> Array:
    """An array of random values from a domain.

    Args:
        rng: The random generator.
        shape: The shape of the array.
        domain: The layer's input domain.
        values: The kind of values, one of `values_of(domain)`.

    Returns:
        A float64 array for real numbers, an array of dtype np.intp for integers.

    >>> draw_input(np.random.default_rng(0), (4,), Integers(0, 2)).dtype == np.intp
    True
    """
    if isinstance(domain, Integers):
        return INTEGER_VALUES[values](rng, domain, shape)
    return VALUES[values](rng, shape)
