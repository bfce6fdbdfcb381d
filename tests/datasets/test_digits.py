"""The digits that come with fcframe."""

import numpy as np
import pytest
from pydantic import ValidationError

import fcframe

Digits = fcframe.registry().datasets["digits"]


def load(seed=0, dtype="float32", **fields):
    return Digits(**fields).load(np.dtype(dtype), np.random.default_rng(seed))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_have_the_promised_shapes_types_and_range(dtype):
    data = load(dtype=dtype, validation=100, test=200)
    assert [len(X) for X, _ in data.splits().values()] == [1497, 100, 200]
    for X, y in data.splits().values():
        assert X.shape[1:] == (8, 8)
        assert X.dtype == dtype
        assert X.flags.c_contiguous
        assert y.dtype == np.intp
    assert data.X_train.min() == 0
    assert data.X_train.max() == 1
    assert data.classes == tuple("0123456789")


def test_splits_are_disjoint_and_complete_whatever_the_seed():
    def rows(data):
        return sorted((*X.ravel(), y) for Xs, ys in data.splits().values() for X, y in zip(Xs, ys, strict=True))

    first, second = load(0), load(1)
    assert rows(first) == rows(second)
    assert len(rows(first)) == 1797
    assert not np.array_equal(first.X_train, second.X_train)


def test_the_same_seed_gives_the_same_bytes():
    for (X, y), (X2, y2) in zip(load(3).splits().values(), load(3).splits().values(), strict=True):
        assert X.tobytes() == X2.tobytes()
        assert y.tobytes() == y2.tobytes()


@pytest.mark.parametrize("fields", [{"validation": 0}, {"test": 801}, {"validation": 1.0}, {"size": 3}])
def test_fields_out_of_bounds_are_refused(fields):
    with pytest.raises(ValidationError):
        Digits(**fields)


def test_the_largest_splits_leave_training_examples():
    assert len(load(validation=800, test=800).X_train) == 197


def test_new_digits_are_scaled_as_the_training_digits():
    data = load()
    source = Digits().own_source()
    X, y = Digits().read(source, data.fitted, np.dtype("float32"))
    for split, rows in data.rows.items():
        assert np.array_equal(X[rows], data.splits()[split][0])
        assert np.array_equal(y[rows], data.splits()[split][1])
    flat, none = Digits().read(source[0].reshape(-1, 64), data.fitted, np.dtype("float32"))
    assert np.array_equal(flat, X)
    assert none is None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (np.zeros((8, 8)), r"shape \(8,\), expected \(8, 8\); a single example is X\[None\]"),
        (np.zeros((3, 28, 28)), r"shape \(28, 28\), expected \(8, 8\)"),
        (np.array([["a"] * 64]), "expected real numbers"),
        (np.full((2, 64), np.nan), r"X\[0, 0, 0\] is not a finite number"),
        ((np.zeros((3, 64)), np.zeros(2, int)), r"X has 3 rows, and y has shape \(2,\)"),
        ((np.zeros((2, 64)), np.array([3, 10])), "integers from 0 to 9"),
        ((np.zeros((2, 64)), np.array(["3", "ten"])), "y holds 'ten'; the classes are '0', '1'"),
        ({"images": np.zeros((2, 64))}, "expected the arrays X and, if known, y; got 'images'"),
    ],
)
def test_what_is_no_digit_is_refused(source, reason):
    with pytest.raises(ValueError, match=reason):
        Digits().read(source, load().fitted, np.dtype("float32"))
