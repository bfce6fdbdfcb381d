"""Right initializers pass, and broken ones fail exactly the checks that are meant to find them."""

import numpy as np
import pytest

import fcframe
from fcframe import Initializer
from tests.verify.checks.judging import assert_right, failed


class Orthogonal(Initializer):
    """For matrices alone."""

    type = "orthogonal"

    def moments(self, shape, fan_in, fan_out):
        if len(shape) != 2:
            raise ValueError("for matrices alone")
        return 0.0, 1 / max(shape) ** 0.5

    def sample(self, shape, fan_in, fan_out, rng):
        tall = rng.normal(size=(max(shape), min(shape)))
        q, r = np.linalg.qr(tall)
        q = q * np.sign(np.diag(r))
        return q if q.shape == shape else q.T


class Sparse(Initializer):
    """Heavy tails."""

    type = "sparse"

    def moments(self, shape, fan_in, fan_out):
        return 0.0, 0.1**0.5

    def sample(self, shape, fan_in, fan_out, rng):
        return rng.normal(size=shape) * (rng.random(shape) < 0.1)


class Identity(Initializer):
    """It draws nothing."""

    type = "identity"

    def moments(self, shape, fan_in, fan_out):
        mean = min(shape) / np.prod(shape) if len(shape) == 2 else 0.0
        return float(mean), float((mean - mean**2) ** 0.5)

    def sample(self, shape, fan_in, fan_out, rng):
        return np.eye(*shape) if len(shape) == 2 else np.zeros(shape)


class RandomSigns(Initializer):
    type = "random_signs"

    def moments(self, shape, fan_in, fan_out):
        return 0.0, 1.0

    def sample(self, shape, fan_in, fan_out, rng):
        return rng.choice([-1.0, 1.0], size=shape)


@pytest.mark.parametrize("initializer", [Orthogonal, Sparse, Identity, RandomSigns], ids=lambda found: found.type)
def test_a_right_initializer_passes(initializer):
    assert_right(initializer)


class VarianceForDeviation(Initializer):
    type = "variance_for_deviation"

    def moments(self, shape, fan_in, fan_out):
        return 0.0, (2 / shape[0]) ** 0.5

    def sample(self, shape, fan_in, fan_out, rng):
        return rng.normal(0.0, 2 / shape[0], shape)


class OwnGenerator(Initializer):
    type = "own_generator"

    def moments(self, shape, fan_in, fan_out):
        return 0.0, 1.0

    def sample(self, shape, fan_in, fan_out, rng):
        return np.random.default_rng(7).normal(size=shape)


class Single(Initializer):
    type = "single"

    def moments(self, shape, fan_in, fan_out):
        return 0.0, 1.0

    def sample(self, shape, fan_in, fan_out, rng):
        return rng.normal(size=shape).astype(np.float32)


class Flat(Initializer):
    type = "flat"

    def moments(self, shape, fan_in, fan_out):
        return 0.0, 1.0

    def sample(self, shape, fan_in, fan_out, rng):
        return rng.normal(size=int(np.prod(shape)))


class Unseeded(Initializer):
    type = "unseeded"

    def moments(self, shape, fan_in, fan_out):
        return 0.0, 1.0

    def sample(self, shape, fan_in, fan_out, rng):
        return np.random.default_rng().normal(size=shape)


@pytest.mark.parametrize(
    ("initializer", "checks"),
    [
        (VarianceForDeviation, {"its_moments_are_those_declared"}),
        (OwnGenerator, {"another_seed_gives_another_sample"}),
        (Single, {"its_sample_has_the_parameters_shape"}),
        (Flat, {"its_sample_has_the_parameters_shape"}),
        (Unseeded, {"the_same_seed_gives_the_same_sample"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_initializer_fails_what_finds_it(initializer, checks):
    assert failed(initializer) == checks


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_does_not_hang_on_the_seed(seed):
    for component in (
        Sparse,
        RandomSigns,
    ):
        assert fcframe.gradcheck(component, seed=seed).passed
