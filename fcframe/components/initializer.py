"""The contract of an initializer, and the parameter that it starts."""

import math
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from fcframe.components.base import Component, Shape
from fcframe.context import Array


class Initializer(Component):
    """How a parameter starts.

    >>> import numpy as np
    >>> class Half(Initializer):
    ...     type = "half"
    ...     def moments(self, shape):
    ...         return 0.5, 0.0
    ...     def sample(self, shape, rng):
    ...         return np.full(shape, 0.5)
    >>> Half().sample((2,), np.random.default_rng(0))
    array([0.5, 0.5])
    """

    kind = "initializer"
    plural = "initializers"

    @abstractmethod
    def sample(self, shape: Shape, rng: "np.random.Generator") -> Array:
        """Draws the start of one parameter.

        Args:
            shape: The parameter's shape; (D, units) for a matrix that maps D features to `units`.
            rng: The only source of randomness.

        Returns:
            A float64 array of that shape; the framework casts it to the network's dtype.
        """

    @abstractmethod
    def moments(self, shape: Shape) -> tuple[float, float]:
        """The mean and the standard deviation of the distribution that `sample` draws from."""


@dataclass(frozen=True)
class Parameter:
    """One array that a layer owns: its shape, how it starts, and whether a regularizer acts on it.

    Args:
        shape: Positive sizes, known from the input's shape alone.
        initializer: How the array starts.
        decay: Whether a regularizer acts on it: True for weights, False for biases, scales and running state.

    Raises:
        ValueError: A size is not a positive integer, or the initializer is none.
    """

    shape: Shape
    initializer: Initializer
    decay: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        if not all(isinstance(size, int) and size > 0 for size in self.shape):
            raise ValueError(f"a parameter's sizes are positive integers, got {self.shape}")
        if not isinstance(self.initializer, Initializer):
            raise ValueError(f"a parameter's initializer is an Initializer, got {self.initializer!r}")

    @property
    def size(self) -> int:
        """How many numbers it holds; a Python integer, so that no size overflows."""
        return math.prod(self.shape)
