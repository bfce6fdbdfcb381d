"""Compiled loops over all numbers of an array, in one thread: activation, mask and bias."""

from numba import njit


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


@njit(cache=True)
def rectify(x, out, mask, _threads):
    """The whole; all flat."""
    rectify_part(x, out, mask, 0, len(x))


@njit(cache=True)
def multiply(a, b, out, _threads):
    """The whole; all flat."""
    multiply_part(a, b, out, 0, len(a))


@njit(cache=True)
def add_rows(out, b, _threads):
    """The whole."""
    add_rows_part(out, b, 0, len(out))
