"""Which values a layer takes as its input."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Reals:
    """Real numbers, in the network's dtype: what most layers take."""

    def __str__(self) -> str:
        return "real numbers"


@dataclass(frozen=True)
class Integers:
    """Integers with low ≤ x < high, as NumPy integers: the indices that an embedding takes.

    Integers have no derivative, so `backward` returns None for dx.

    Raises:
        ValueError: There is no integer between the bounds.

    >>> str(Integers(0, 10))
    'integers from 0 to 9'
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError(f"there is no integer x with {self.low} <= x < {self.high}")

    def __str__(self) -> str:
        return f"integers from {self.low} to {self.high - 1}"


Domain: TypeAlias = Reals | Integers
