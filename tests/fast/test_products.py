"""Matrix products."""

import numpy as np
import pytest

from tests.fast import drawn


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(70, 130, 90), (300, 257, 129), (1, 3000, 300), (0, 80, 80)], ids=str)
def test_products_are_numpys_within_rounding_however_the_arrays_lie(kernels, dtype, shape):
    rows, inner, columns = shape
    wide = drawn(2 * rows, 3 * inner, dtype=dtype)
    arrays = {
        "rows": (drawn(rows, inner, dtype=dtype), drawn(inner, columns, dtype=dtype, seed=1)),
        "transposed": (drawn(inner, rows, dtype=dtype).T, drawn(columns, inner, dtype=dtype, seed=1).T),
        "parts": (wide[::2, :inner], drawn(inner, columns + 5, dtype=dtype, seed=1)[:, 5:]),
        "with gaps": (wide[:rows, ::3], drawn(inner, columns, dtype=dtype, seed=1)[:, ::-1]),
    }
    for name, (a, b) in arrays.items():
        out = np.full((rows, columns), np.nan, dtype)
        assert kernels.matmul(a, b, out) is out
        np.testing.assert_allclose(out, a @ b, rtol=0, atol=inner * np.finfo(dtype).eps * 20, err_msg=name)


def test_the_last_bit_of_a_product_does_not_depend_on_where_the_arrays_lie(kernels):
    buffer, b = np.empty(100 * 300 + 16, np.float32), drawn(300, 200)
    outs = set()
    for start in range(16):
        a = buffer[start : start + 100 * 300].reshape(100, 300)
        a[...] = drawn(100, 300)
        outs.add(kernels.matmul(a, b, np.empty((100, 200), np.float32)).tobytes())
    assert len(outs) == 1
