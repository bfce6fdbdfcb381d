"""The contract of an initializer, and the declaration of a parameter."""

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from operator import index
from typing import Annotated, TypeAlias

import numpy as np

from fcframe.components.base import Component, Shape
from fcframe.components.fields import AnyOf
from fcframe.components.loss import Regularizer
from fcframe.context import Array


class Initializer(Component):
    """The distribution of a parameter's initial values.

    >>> class Half(Initializer):
    ...     type = "half"
    ...     def moments(self, shape, fan_in, fan_out):
    ...         return 0.5, 0.0
    ...     def sample(self, shape, fan_in, fan_out, rng):
    ...         return np.full(shape, 0.5)
    >>> Half().sample((2,), 1, 2, np.random.default_rng(0))
    array([0.5, 0.5])
    """

    kind = "initializer"
    plural = "initializers"

    @abstractmethod
    def sample(self, shape: Shape, fan_in: int, fan_out: int, rng: "np.random.Generator") -> Array:
        """Draws the initial values of one parameter.

        Args:
            shape: The parameter's shape: (D, units) for the weights of an affine layer.
            fan_in: Number of inputs that contribute to one output: D for these weights, and for their bias.
            fan_out: Number of outputs to which one input contributes: `units` for these weights.
            rng: The only source of randomness.

        Returns:
            A float64 array of that shape; the framework casts it to the network's dtype.
        """

    @abstractmethod
    def moments(self, shape: Shape, fan_in: int, fan_out: int) -> tuple[float, float]:
        """The mean and the standard deviation of the distribution from which `sample` draws."""


AnyInitializer: TypeAlias = Annotated[Initializer, AnyOf(Initializer)]


@dataclass(frozen=True)
class Parameter:
    """Declares an array of a layer: its shape, its initial values, and how it is trained.

    Args:
        shape: The shape; all sizes are positive.
        initializer: An initializer, or a number that is the initial value of every element.
        decay: Whether regularizers and weight decay apply: True for weights, False for biases, scales and running
            state.
        trainable: Whether the parameter is updated. A frozen parameter has no gradient and no optimizer slots.
        fan_in: Number of inputs that contribute to one output. Default: the product of all sizes but the last. It must
            be given for a convolution with W (filters, channels, height, width): channels · height · width; and for the
            bias of an affine layer: the number of features.
        learning_rate: Factor on the optimizer's learning rate.
        fan_out: Number of outputs to which one input contributes. Default: the parameter's size divided by fan_in.
        regularizer: A regularizer for this parameter, instead of the network's.

    Raises:
        ValueError: A size is not a positive integer, or another argument has a wrong type or value.

    >>> Parameter((5, 3), 0.0).fans
    (5, 3)
    >>> Parameter((16, 3, 2, 2), 0.0, fan_in=12).fans
    (12, 16)
    """

    shape: Shape
    initializer: Initializer | float
    decay: bool = True
    trainable: bool = True
    fan_in: int | None = None
    learning_rate: float = 1.0
    fan_out: int | None = field(default=None, kw_only=True)
    regularizer: Regularizer | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        shape = tuple(self.shape)
        try:
            object.__setattr__(self, "shape", tuple(index(size) for size in shape))
        except TypeError:
            raise ValueError(f"a parameter's sizes are positive integers, got {shape}") from None
        if not all(size > 0 for size in self.shape):
            raise ValueError(f"a parameter's sizes are positive integers, got {shape}")
        if not isinstance(self.initializer, Initializer) and not _is_number(self.initializer):
            raise ValueError(f"a parameter's initializer is an Initializer or a number, got {self.initializer!r}")
        if not _is_number(self.learning_rate) or self.learning_rate < 0:
            raise ValueError(f"a parameter's learning_rate is a number of at least 0, got {self.learning_rate!r}")
        for name in ("fan_in", "fan_out"):
            fan = getattr(self, name)
            if fan is not None and not (isinstance(fan, (int, np.integer)) and fan > 0):
                raise ValueError(f"a parameter's {name} is a positive integer, got {fan!r}")

    @property
    def size(self) -> int:
        """Number of elements, as a Python integer, which cannot overflow."""
        return math.prod(self.shape)

    @property
    def fans(self) -> tuple[int, int]:
        """(fan_in, fan_out), as declared or else computed from the shape."""
        fan_in = self.fan_in or math.prod(self.shape[:-1])
        return fan_in, self.fan_out or max(1, self.size // fan_in)

    def sample(self, rng: "np.random.Generator") -> Array:
        """Draws the initial values, in float64.

        >>> Parameter((2,), 0.5).sample(np.random.default_rng(0))
        array([0.5, 0.5])
        """
        if isinstance(self.initializer, Initializer):
            return self.initializer.sample(self.shape, *self.fans, rng)
        return np.full(self.shape, float(self.initializer))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and math.isfinite(value)
