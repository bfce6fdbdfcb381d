"""What an update does → the text of a Python function, one loop over the numbers, which Numba compiles.

In the loop everything between loading and storing stays in registers.
"""

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numba import carray, types

from fcframe_fast.compiling import c_function
from fcframe_fast.tracing import Operation

EXPRESSIONS = {
    "add": "{a} + {b}",
    "subtract": "{a} - {b}",
    "multiply": "{a} * {b}",
    "divide": "{a} / {b}",
    "power": "{a} ** {b}",
    "square": "{a} * {a}",
    "negative": "-{a}",
    "copy": "{a}",
    "sqrt": "np.sqrt({a})",
    "absolute": "np.abs({a})",
    "exp": "np.exp({a})",
    "log": "np.log({a})",
    "tanh": "np.tanh({a})",
    # As in NumPy: NaN where either operand is NaN, and the sign of -0.0 is 0.0.
    "maximum": "{a} if {a} >= {b} or {a} != {a} else {b}",
    "minimum": "{a} if {a} <= {b} or {a} != {a} else {b}",
    "sign": "one if {a} > zero else -one if {a} < zero else zero if {a} == zero else {a}",
}
ARGUMENTS = types.int64, types.int64, types.voidptr, types.CPointer(types.voidptr)
CALL = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
"""The function's arguments: the first element, the one after the last, the numbers, and the arrays."""


@cache
def compiled(operations: tuple[Operation, ...], held: tuple[int, ...], numbers: int, dtype: np.dtype[Any]) -> Any:
    """The compiled function of a trace; the same one for the same operations, whatever the numbers in them.

    Args:
        operations: As a `Trace` lists them.
        held: The value that each array holds in the end.
        numbers: How many numbers the operations read.
        dtype: Of all of them.
    """
    text = source(operations, held, numbers, dtype)
    return c_function(text, "update", {"np": np, "carray": carray}, ARGUMENTS, types.void)


def source(operations: tuple[Operation, ...], held: tuple[int, ...], numbers: int, dtype: np.dtype[Any]) -> str:
    """The text. The arrays are called a0, a1 and so on, the values v0 and so on, the numbers n0 and so on.

    >>> print(source((("multiply", 1, -1), ("subtract", 0, 2)), (3, 1), 1, np.dtype("float32")))
    def update(start, stop, numbers, places):
        zero, one = np.float32(0), np.float32(1)
        found = carray(numbers, 1, np.float32)
        n0 = found[0]
        a0 = carray(places[0], stop, np.float32)[start:stop]
        a1 = carray(places[1], stop, np.float32)[start:stop]
        for i in range(len(a0)):
            v0 = a0[i]
            v1 = a1[i]
            v2 = v1 * n0
            v3 = v0 - v2
            a0[i] = v3
    <BLANKLINE>
    """
    arrays, kind = range(len(held)), f"np.{dtype.name}"
    body = [f"v{index} = a{index}[i]" for index in arrays]

    def stored(value: int) -> list[str]:
        """Stores at once, so that no value stays in a register longer than needed: that costs some percent."""
        return [f"a{index}[i] = v{value}" for index in arrays if held[index] == value != index]

    for value in arrays:
        body += stored(value)
    for value, (name, first, second) in enumerate(operations, len(held)):
        a, b = _name(first), _name(first if second is None else second)
        body += [f"v{value} = {EXPRESSIONS[name].format(a=a, b=b)}", *stored(value)]
    lines = [
        "def update(start, stop, numbers, places):",
        f"    zero, one = {kind}(0), {kind}(1)",
        f"    found = carray(numbers, {numbers}, {kind})",
        *(f"    n{index} = found[{index}]" for index in range(numbers)),
        *(f"    a{index} = carray(places[{index}], stop, {kind})[start:stop]" for index in arrays),
        "    for i in range(len(a0)):",
        *(f"        {line}" for line in body),
    ]
    return "\n".join(lines) + "\n"


def _name(operand: int) -> str:
    return f"v{operand}" if operand >= 0 else f"n{~operand}"
