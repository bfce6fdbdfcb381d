"""NumPy's own kernels, in every shape that chooses another way inside."""

import numpy as np
import pytest

from fcframe.kernels import NUMPY, SMALL


@pytest.mark.parametrize("shape", [(3,), (1, 1), (4, 5), (2, 3, 4), (2, SMALL), (0, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rectify_is_max_and_mask_for_every_shape_and_number(shape, dtype):
    x = np.resize(np.array([1.5, -2.0, 0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30], dtype), shape)
    out, mask = np.empty_like(x), np.empty(shape, bool)
    assert NUMPY.rectify(x, out, mask) is out
    assert np.array_equal(out, np.maximum(x, 0), equal_nan=True)
    assert np.array_equal(mask, x > 0)
    assert out.dtype == x.dtype
