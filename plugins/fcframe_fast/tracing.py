"""What an elementwise optimizer does, as a program of elementwise operations.

The optimizer's own `update` is called with stand-ins, which look like arrays and write down each operation. Whatever
cannot be written down ends the tracing, so a program is the whole update or there is none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Never

import numpy as np

MAX_INTEGER = 2**53
"""A float does not hold all larger integers."""

BINARY: dict[np.ufunc, str] = {
    np.add: "add",
    np.subtract: "subtract",
    np.multiply: "multiply",
    np.divide: "divide",
    np.maximum: "maximum",
    np.minimum: "minimum",
    np.power: "power",
}
UNARY: dict[np.ufunc, str] = {
    np.sqrt: "sqrt",
    np.square: "square",
    np.absolute: "absolute",
    np.negative: "negative",
    np.sign: "sign",
    np.exp: "exp",
    np.log: "log",
    np.tanh: "tanh",
    np.positive: "copy",
}


class UntraceableError(Exception):
    """An operation that no program has."""


Operation = tuple[str, int, int | None]
"""A name and its operands. An operand from 0 on is a value; a negative one is a number: −1 the first, −2 the second.

The values are first those of the arrays, and then the results of the operations. Numbers are listed apart, since they
change from step to step while the operations stay the same.
"""


@dataclass
class Trace:
    """What has been written down so far.

    Args:
        arrays: How many arrays there are at the start, whose values are the first ones.
        dtype: Of all of them.
    """

    arrays: int
    dtype: np.dtype[Any]
    operations: list[Operation] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    """The value in each array now."""
    read_only: frozenset[int] = frozenset()
    broken: str = ""
    """Why there is no program."""

    def __post_init__(self) -> None:
        self.held = list(range(self.arrays))

    def standins(self) -> "list[StandIn]":
        """What stands for each array."""
        return [StandIn(self, value, place) for place, value in enumerate(self.held)]

    def end(self, reason: str) -> Never:
        """Ends the tracing, also where the optimizer catches the exception."""
        self.broken = self.broken or reason
        raise UntraceableError(reason)

    def operand(self, value: object) -> int:
        """What an operation reads: the value of a stand-in, or a number that counts as one of the arrays' dtype."""
        if isinstance(value, StandIn):
            if value.trace is not self:
                self.end("an array of another update")
            return value.value
        plain = type(value) in (int, float, bool) or (isinstance(value, np.generic) and value.dtype == self.dtype)
        if not plain or (type(value) is int and abs(value) > MAX_INTEGER):
            self.end(f"a {type(value).__name__}")
        self.numbers.append(float(value))  # type: ignore[arg-type]
        return -len(self.numbers)

    def apply(self, name: str, first: int, second: int | None = None) -> int:
        """Writes an operation down, and returns the value that it makes."""
        self.operations.append((name, first, second))
        return self.arrays + len(self.operations) - 1

    def write(self, target: object, value: int) -> "StandIn":
        """Notes that an array, or an intermediate result, holds another value."""
        if not isinstance(target, StandIn) or target.trace is not self:
            self.end("writing to an array of its own")
        if target.place is not None:
            if target.place in self.read_only:
                self.end("writing to the gradient")
            self.held[target.place] = value
        target.value = value
        return target


def _refused(name: str) -> Callable[..., Any]:
    def refuse(self: "StandIn", *args: object, **kwargs: object) -> Never:  # noqa: ARG001
        self.trace.end(f"{name} of an array")

    return refuse


class StandIn(np.lib.mixins.NDArrayOperatorsMixin):
    """Looks like an array, and writes down what is done to it.

    Args:
        trace: Where it is written down.
        value: The array's numbers now.
        place: Which of the arrays it is; None for an intermediate result.
    """

    def __init__(self, trace: Trace, value: int, place: int | None = None) -> None:
        self.trace, self.value, self.place = trace, value, place

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: object, out: tuple[object, ...] | None = None, **options: object
    ) -> "StandIn":
        trace = self.trace
        if method != "__call__" or options or (out is not None and len(out) != 1):
            trace.end(f"{ufunc.__name__} with more than arrays")
        operands = [trace.operand(value) for value in inputs]
        if ufunc in BINARY:
            value = self._binary(BINARY[ufunc], *operands)
        elif ufunc in UNARY and operands[0] >= 0:
            value = trace.apply(UNARY[ufunc], operands[0])
        elif ufunc is np.reciprocal and operands[0] >= 0:
            value = trace.apply("divide", trace.operand(1.0), operands[0])
        else:
            trace.end(f"{ufunc.__name__}")
        return StandIn(trace, value) if out is None else trace.write(out[0], value)

    def _binary(self, name: str, first: int, second: int) -> int:
        trace = self.trace
        if first < 0 and second < 0:
            trace.end("an operation between numbers")
        if name == "power" and second < 0 and trace.numbers[~second] in (2.0, 0.5):
            return trace.apply("square" if trace.numbers[~second] == 2.0 else "sqrt", first)
        return trace.apply(name, first, second)

    def __setitem__(self, key: object, value: object) -> None:
        if not (key is Ellipsis or (isinstance(key, slice) and key == slice(None))):
            self.trace.end("a part of an array")
        self.trace.write(self, self.trace.apply("copy", self.trace.operand(value)))

    def copy(self) -> "StandIn":
        """A new array of the same numbers."""
        return StandIn(self.trace, self.trace.apply("copy", self.value))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The arrays' dtype."""
        return self.trace.dtype

    def __getattr__(self, name: str) -> Never:
        if name.startswith("__"):  # Python and NumPy look for these by themselves
            raise AttributeError(name)
        self.trace.end(f"{name} of an array")

    __array_function__ = _refused("a function")
    __array__ = _refused("the numbers")
    __getitem__ = _refused("a part")
    __len__ = _refused("the length")
    __bool__ = _refused("the truth")
    __iter__ = _refused("the items")
    __float__ = _refused("the number")
    __int__ = _refused("the number")
    __index__ = _refused("the number")
    __contains__ = _refused("the items")
