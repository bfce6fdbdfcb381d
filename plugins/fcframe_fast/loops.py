"""Compiled loops over all numbers of an array, in one thread and each thread over its part.

They are all in this file: what Numba keeps of a loop is thrown away when the loop's own file changes, and no other.
"""

from types import SimpleNamespace

from llvmlite import ir
from numba import njit, prange, types
from numba.extending import intrinsic

from fcframe_fast import machine
from fcframe_fast.compiling import loop

LINE = 64
"""Numbers that no two threads share: at least a line of a cache."""


@njit(error_model="numpy")
def rectify_part(x, out, mask, start, stop):
    """Writes max(x, 0) into out, and where x is greater than 0 in mask; NaN stays NaN."""
    zero = x.dtype.type(0)
    for i in range(start, stop):
        mask[i] = x[i] > zero
        out[i] = zero if x[i] <= zero else x[i]


@njit(error_model="numpy")
def multiply_part(a, b, out, start, stop):
    """Writes a · b into out; b may be a mask."""
    for i in range(start, stop):
        out[i] = a[i] * b[i]


@njit(error_model="numpy")
def add_rows_part(out, b, start, stop):
    """Adds b to these rows of out."""
    for row in range(start, stop):
        for column in range(len(b)):
            out[row, column] += b[column]


# In one thread.


@loop()
def rectify(x, out, mask, threads):
    """Writes max(x, 0) into out, and where x is greater than 0 in mask; all flat."""
    rectify_part(x, out, mask, 0, len(x))


@loop()
def multiply(a, b, out, threads):
    """Writes a · b into out; all flat, and b may be a mask."""
    multiply_part(a, b, out, 0, len(a))


@loop()
def add_rows(out, b, threads):
    """Adds b to each row of out."""
    add_rows_part(out, b, 0, len(out))


def update(code, numbers, places, length, threads):
    """Runs the code of an update over all numbers."""
    machine.CALL(code)(0, length, numbers, places)


# The same, each thread over its part.


@njit
def _part(length, line, threads):
    """How many numbers a thread has."""
    return ((length + threads - 1) // threads + line - 1) // line * line


@loop(parallel=True)
def rectify_shared(x, out, mask, threads):
    """`rectify`."""
    part = _part(len(x), LINE, threads)
    for thread in prange(threads):
        rectify_part(x, out, mask, min(len(x), thread * part), min(len(x), (thread + 1) * part))


@loop(parallel=True)
def multiply_shared(a, b, out, threads):
    """`multiply`."""
    part = _part(len(a), LINE, threads)
    for thread in prange(threads):
        multiply_part(a, b, out, min(len(a), thread * part), min(len(a), (thread + 1) * part))


@loop(parallel=True)
def add_rows_shared(out, b, threads):
    """`add_rows`."""
    part = _part(len(out), 1, threads)
    for thread in prange(threads):
        add_rows_part(out, b, min(len(out), thread * part), min(len(out), (thread + 1) * part))


@intrinsic
def _call(typing, address, start, stop, numbers, places):
    """Calls the code at an address, as `machine.CALL` describes it."""

    def generate(context, builder, signature, arguments):
        integer = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [integer] * 4)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@loop(parallel=True)
def update_shared(address, numbers, places, length, threads):
    """`update`."""
    part = _part(length, LINE, threads)
    for thread in prange(threads):
        _call(address, thread * part, min(length, (thread + 1) * part), numbers, places)


ALONE = SimpleNamespace(rectify=rectify, multiply=multiply, add_rows=add_rows, update=update)
SHARED = SimpleNamespace(
    rectify=rectify_shared, multiply=multiply_shared, add_rows=add_rows_shared, update=update_shared
)
