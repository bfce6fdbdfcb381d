"""Right datasets pass, and broken ones fail exactly the checks that are meant to find them."""

import numpy as np
import pytest

import fcframe
from fcframe import Data, Dataset
from fcframe.verify import Status
from tests.verify.checks.judging import assert_right, failed


def cloud(rng, dtype, rows=60):
    X = rng.normal(size=(rows, 3)).astype(dtype)
    return X, (X[:, 0] > 0).astype(np.intp)


class Cloud(Dataset):
    type = "cloud"

    def load(self, dtype, rng):
        X, y = cloud(rng, dtype)
        return Data(X[:40], y[:40], X[40:50], y[40:50], X[50:], y[50:], {"classes": ["low", "high"]})


class Repeating(Dataset):
    """Its source holds examples more than once, so that splits cannot be told apart by rows."""

    type = "repeating"

    def load(self, dtype, rng):
        X, y = cloud(np.random.default_rng(0), dtype, 30)
        order = rng.permutation(np.arange(60) % 30)
        X, y = X[order], y[order]
        return Data(X[:40], y[:40], X[40:50], y[40:50], X[50:], y[50:])


class Absent(Dataset):
    type = "absent"

    def load(self, dtype, rng):
        raise FileNotFoundError("no such file: absent.npz")


@pytest.mark.parametrize("dataset", [Cloud, Repeating, Absent], ids=lambda found: found.type)
def test_a_right_dataset_passes(dataset):
    assert_right(dataset)


def test_an_absent_dataset_says_what_it_missed():
    reasons = {found.message for found in fcframe.gradcheck(Absent) if found.status is Status.NOT_APPLICABLE}
    assert "its files are not on this machine: no such file: absent.npz" in reasons


class Overlapping(Dataset):
    type = "overlapping"

    def load(self, dtype, rng):
        X, y = cloud(rng, dtype)
        return Data(X[:41], y[:41], X[40:50], y[40:50], X[50:], y[50:])


class OverlappingPermutation(Dataset):
    type = "overlapping_permutation"

    def load(self, dtype, rng):
        X, y = cloud(np.random.default_rng(0), dtype)
        order = rng.permutation(len(X))
        X, y = X[order], y[order]
        return Data(X[:41], y[:41], X[40:50], y[40:50], X[50:], y[50:])


class AlwaysDouble(Dataset):
    type = "always_double"

    def load(self, dtype, rng):
        X, y = cloud(rng, np.float64)
        return Data(X[:40], y[:40], X[40:50], y[40:50], X[50:], y[50:])


class IgnoresSeed(Dataset):
    type = "ignores_seed"

    def load(self, dtype, rng):
        rng.permutation(60)
        X, y = cloud(np.random.default_rng(0), dtype)
        return Data(X[:40], y[:40], X[40:50], y[40:50], X[50:], y[50:])


class Strided(Dataset):
    type = "strided"

    def load(self, dtype, rng):
        X, y = cloud(rng, dtype)
        X = np.asfortranarray(X)
        return Data(X[:40], y[:40], X[40:50], y[40:50], X[50:], y[50:])


class FromOne(Dataset):
    type = "from_one"

    def load(self, dtype, rng):
        X, y = cloud(rng, dtype)
        y += 1
        return Data(X[:40], y[:40], X[40:50], y[40:50], X[50:], y[50:], {"classes": ["low", "high"]})


@pytest.mark.parametrize(
    ("dataset", "checks"),
    [
        (Overlapping, {"no_example_is_in_two_splits"}),
        (OverlappingPermutation, {"no_example_is_in_two_splits"}),
        (AlwaysDouble, {"it_loads_arrays_in_the_dtype_asked_for"}),
        (IgnoresSeed, {"another_seed_gives_another_split"}),
        (Strided, {"every_array_is_finite_and_contiguous"}),
        (FromOne, {"labels_have_their_names"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_dataset_fails_what_finds_it(dataset, checks):
    assert failed(dataset) == checks


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_does_not_hang_on_the_seed(seed):
    for component in (Cloud,):
        assert fcframe.gradcheck(component, seed=seed).passed
