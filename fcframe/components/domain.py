"""The sets of values that a layer can take as input."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Reals:
    """Real numbers in the network's dtype: the input of most layers."""

    def __str__(self) -> str:
        return "real numbers"


@dataclass(frozen=True)
class Integers:
    """Integers with low ≤ x < high, as NumPy integers: for example the indices of an embedding.

    Integers have no derivative, so `backward` returns None for dx.

    Raises:
        ValueError: No integer satisfies low ≤ x < high.

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
