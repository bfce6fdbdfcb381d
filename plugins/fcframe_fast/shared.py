"""The same loops, and an optimizer's update, each thread over its part."""

from llvmlite import ir
from numba import njit, prange, types
from numba.extending import intrinsic

from fcframe_fast.loops import add_rows_part, multiply_part, rectify_part

LINE = 64
"""Numbers that no two threads share: at least a line of a cache."""


@njit
def _part(length, line, threads):
    """How many numbers a thread has."""
    return ((length + threads - 1) // threads + line - 1) // line * line


@njit(parallel=True, cache=True)
def rectify(x, out, mask, threads):
    """Writes max(x, 0) into out, and where x is greater than 0 in mask; all flat."""
    part = _part(len(x), LINE, threads)
    for thread in prange(threads):
        rectify_part(x, out, mask, min(len(x), thread * part), min(len(x), (thread + 1) * part))


@njit(parallel=True, cache=True)
def multiply(a, b, out, threads):
    """Writes a · b into out; all flat, and b may be a mask."""
    part = _part(len(a), LINE, threads)
    for thread in prange(threads):
        multiply_part(a, b, out, min(len(a), thread * part), min(len(a), (thread + 1) * part))


@njit(parallel=True, cache=True)
def add_rows(out, b, threads):
    """Adds b to each row of out."""
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


@njit(parallel=True, cache=True)
def update(address, numbers, places, length, threads):
    """Runs the code of an update over all numbers."""
    part = _part(length, LINE, threads)
    for thread in prange(threads):
        _call(address, thread * part, min(length, (thread + 1) * part), numbers, places)
