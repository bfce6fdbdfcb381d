"""NumPy's own kernels, in every shape that chooses another way inside."""

import itertools

import numpy as np
import pytest

from fcframe.kernels import MAX_CACHED_ZEROS, NUMPY


@pytest.mark.parametrize("shape", [(3,), (1, 1), (4, 5), (2, 3, 4), (2, MAX_CACHED_ZEROS), (0, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rectify_is_max_and_mask_for_every_shape_and_number(shape, dtype):
    x = np.resize(np.array([1.5, -2.0, 0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30], dtype), shape)
    out, mask = np.empty_like(x), np.empty(shape, bool)
    assert NUMPY.rectify(x, out, mask) is out
    assert np.array_equal(out, np.maximum(x, 0), equal_nan=True)
    assert np.array_equal(mask, x > 0)
    assert out.dtype == x.dtype


@pytest.mark.parametrize(
    ("m", "k", "n"), [(3, 4, 5), (200, 1, 300), (300, 2, 200), (1, 300, 200), (300, 200, 1)], ids=str
)
def test_a_product_of_any_shape_and_any_strides_is_a_product(m, k, n):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2 * m, 2 * k)), rng.normal(size=(2 * k, 2 * n))
    ways = [
        lambda x, c, d: x[:c, :d].copy(),
        lambda x, c, d: x[: 2 * c : 2, : 2 * d : 2],
        lambda x, c, d: x[c - 1 :: -1, :d],
    ]
    for first, second in itertools.product(ways, repeat=2):
        left, right = first(a, m, k), second(b, k, n)
        out = np.full((m, n), np.nan)
        assert NUMPY.matmul(left, right, out) is out
        assert np.allclose(out, np.einsum("ik,kj->ij", left, right), rtol=1e-12, atol=1e-12)


def test_a_large_product_of_one_row_is_not_left_to_a_loop(monkeypatch):
    a, b, out = np.ones((300, 1)), np.ones((1, 300)), np.empty((300, 300))
    monkeypatch.setattr(np, "matmul", None)  # which makes a loop of an outer product
    assert NUMPY.matmul(a, b, out).all()


def test_a_mask_multiplies_in_place_too():
    a = np.array([1.5, np.nan, -3.0])
    assert NUMPY.multiply(a, np.array([True, False, False]), a) is a
    assert np.array_equal(a, [1.5, np.nan, -0.0], equal_nan=True)
