"""Compiled loops over all elements of an array, in one thread and each thread over its part.

They are all in this file: what Numba keeps of a loop is thrown away when the loop's own file changes, and no other.
"""

from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba import prange, types
from numba.extending import intrinsic

from fcframe import Array
from fcframe_fast import generated
from fcframe_fast.compiling import inlined, loop

LINE = 64
"""Elements that are never divided between two threads: at least a cache line."""


@inlined
def rectify_part(x: Array, out: Array, mask: Array, start: int, stop: int) -> None:
    """Writes max(x, 0) into out, and where x is greater than 0 in mask; NaN stays NaN."""
    zero = x.dtype.type(0)
    for i in range(start, stop):
        mask[i] = x[i] > zero
        out[i] = zero if x[i] <= zero else x[i]


@inlined
def multiply_part(a: Array, b: Array, out: Array, start: int, stop: int) -> None:
    """Writes a · b into out; b may be a mask."""
    for i in range(start, stop):
        out[i] = a[i] * b[i]


@inlined
def add_rows_part(out: Array, b: Array, start: int, stop: int) -> None:
    """Adds b to these rows of out."""
    for row in range(start, stop):
        for column in range(len(b)):
            out[row, column] += b[column]


# In one thread.


@loop()
def rectify(x: Array, out: Array, mask: Array, threads: int) -> None:
    """Writes max(x, 0) into out, and where x is greater than 0 in mask; all flat."""
    rectify_part(x, out, mask, 0, len(x))


@loop()
def multiply(a: Array, b: Array, out: Array, threads: int) -> None:
    """Writes a · b into out; all flat, and b may be a mask."""
    multiply_part(a, b, out, 0, len(a))


@loop()
def add_rows(out: Array, b: Array, threads: int) -> None:
    """Adds b to each row of out."""
    add_rows_part(out, b, 0, len(out))


def update(address: int, numbers: int, places: int, length: int, threads: int) -> None:
    """Calls a generated update for all elements.

    Args:
        address: Of the function.
        numbers: Address of the numbers in it.
        places: Address of the arrays' addresses.
        length: Of each array.
        threads: How many share the work.
    """
    generated.CALL(address)(0, length, numbers, places)


# The same, each thread over its part.


@inlined
def _part(length: int, line: int, threads: int) -> int:
    """How many elements a thread has."""
    return ((length + threads - 1) // threads + line - 1) // line * line


@loop(parallel=True)
def rectify_shared(x: Array, out: Array, mask: Array, threads: int) -> None:
    """`rectify`."""
    part = _part(len(x), LINE, threads)
    for thread in prange(threads):
        rectify_part(x, out, mask, min(len(x), thread * part), min(len(x), (thread + 1) * part))


@loop(parallel=True)
def multiply_shared(a: Array, b: Array, out: Array, threads: int) -> None:
    """`multiply`."""
    part = _part(len(a), LINE, threads)
    for thread in prange(threads):
        multiply_part(a, b, out, min(len(a), thread * part), min(len(a), (thread + 1) * part))


@loop(parallel=True)
def add_rows_shared(out: Array, b: Array, threads: int) -> None:
    """`add_rows`."""
    part = _part(len(out), 1, threads)
    for thread in prange(threads):
        add_rows_part(out, b, min(len(out), thread * part), min(len(out), (thread + 1) * part))


@intrinsic
def _call(typing: Any, address: Any, start: Any, stop: Any, numbers: Any, places: Any) -> Any:
    """Calls the function at an address, whose arguments are those of `generated.CALL`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [integer] * 4)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@loop(parallel=True)
def update_shared(address: int, numbers: int, places: int, length: int, threads: int) -> None:
    """`update`."""
    part = _part(length, LINE, threads)
    for thread in prange(threads):
        _call(address, thread * part, min(length, (thread + 1) * part), numbers, places)


ALONE = SimpleNamespace(rectify=rectify, multiply=multiply, add_rows=add_rows, update=update)
SHARED = SimpleNamespace(
    rectify=rectify_shared, multiply=multiply_shared, add_rows=add_rows_shared, update=update_shared
)
