"""R²: what it is where the targets hardly vary."""

import numpy as np
import pytest

import fcframe

r2 = fcframe.registry().metrics["r2"]()
CONSTANT = [
    np.full(7, 0.1),
    np.full(7, 0.1, np.float32),
    np.full(1000, 1e-300),
    np.full(7, -1e30, np.float32),
    np.zeros(3),
    np.full(5, 3),
    np.array([0.1, 0.3 - 0.2, 0.1, 0.4 - 0.3]),
    np.full((6, 2), [0.1, 0.7]),
    np.array([5.0]),
]


@pytest.mark.parametrize("y", CONSTANT, ids=lambda y: f"{y.dtype}-{y.flat[0]:g}-{len(y)}")
def test_of_a_constant_target_it_is_one_if_the_scores_equal_it_and_else_zero(y):
    scores = y.reshape(len(y), -1).astype(np.result_type(y, np.float32))
    assert r2.value(scores, y) == r2.naive(scores, y) == 1
    wrong = scores.copy()
    wrong[0, 0] += max(1, abs(scores[0, 0]))
    assert r2.value(wrong, y) == r2.naive(wrong, y) == 0


def test_a_target_that_varies_a_little_is_measured():
    y = 1000 + np.array([0.0, 1e-6, 2e-6, 3e-6])
    assert r2.value(y[:, None], y) == 1
    assert r2.value(np.full((4, 1), y.mean()), y) == pytest.approx(0, abs=1e-6)


def test_a_constant_column_adds_no_noise_to_the_others():
    y = np.column_stack([np.full(50, 0.1), np.linspace(0, 1e-9, 50)])
    assert r2.value(y, y) == 1
    assert r2.value(np.broadcast_to(y.mean(axis=0), y.shape), y) == pytest.approx(0, abs=1e-9)


def test_booleans_are_numbers():
    assert r2.value(np.array([[1.0], [0.0]]), np.array([True, False])) == 1
