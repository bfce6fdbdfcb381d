"""Checks for initializers: samples have the declared moments and come from the given generator."""

import numpy as np

from fcframe.verify.fixtures.initializer import InitializerFixture
from fcframe.verify.report import CheckFailure, NotApplicable, look_at

MAX_STANDARD_ERRORS = 5.5
"""The allowed difference between a moment of a sample and the declared one; a larger one is too improbable."""

MIN_SIZE = 100
"""Samples with fewer numbers may be equal by chance."""


def its_sample_has_the_parameters_shape(fixture: InitializerFixture) -> None:
    """The sample is a float64 array of the parameter's shape with finite numbers; the framework casts it."""
    sample = fixture.sample()
    if not isinstance(sample, np.ndarray) or sample.shape != fixture.shape:
        raise CheckFailure(f"sample has shape {np.shape(sample)}, expected {fixture.shape}", _at(fixture))
    if sample.dtype != np.float64:
        raise CheckFailure(f"sample is {sample.dtype}, expected float64", f"{_at(fixture)}; the framework casts")
    if not np.all(np.isfinite(sample)):
        raise CheckFailure("sample has NaN or infinite numbers", _at(fixture))


def its_moments_are_those_declared(fixture: InitializerFixture) -> None:
    """Mean and standard deviation of a sample agree with `moments`: a wrong scale can stop a deep network learning."""
    mean, std = fixture.moments()
    sample = fixture.sample()
    if std == 0:
        if not np.all(sample == mean):
            raise CheckFailure(f"moments declares the constant {mean:g}, sample returns other numbers", _at(fixture))
        return
    n = sample.size
    if n < 1000:
        raise NotApplicable("the sample is too small to estimate moments")
    centered = sample - sample.mean()
    spread = float(np.sqrt(np.mean(centered**2)))
    fourth = max(float(np.mean(centered**4)), spread**4)
    for name, measured, declared, error in (
        ("mean", float(sample.mean()), mean, spread / np.sqrt(n)),
        ("standard deviation", spread, std, np.sqrt((fourth - spread**4) / n) / max(2 * spread, 1e-300)),
    ):
        if not abs(measured - declared) <= MAX_STANDARD_ERRORS * error + (1e-9 + 1 / n) * abs(std):
            raise CheckFailure(
                f"moments declares a {name} of {declared:.6g}; {n:,} numbers have {measured:.6g} ± {error:.1g}",
                f"{_at(fixture)}, and at moments",
            )


def the_same_seed_gives_the_same_sample(fixture: InitializerFixture) -> None:
    """Two samples with the same seed are identical."""
    first = fixture.sample().tobytes()
    fixture.sample(1)
    if fixture.sample().tobytes() != first:
        raise CheckFailure("two samples with the same seed differ", f"{_at(fixture)}; draw from rng alone")


def another_seed_gives_another_sample(fixture: InitializerFixture) -> None:
    """Two samples with different seeds differ."""
    if np.prod(fixture.shape) < MIN_SIZE:
        raise NotApplicable("a sample of so few numbers may be the same by chance")
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    sample = fixture.parameter.sample(rng)
    drew = rng.bit_generator.state != before
    if not drew and (fixture.moments()[1] == 0 or len(np.unique(sample)) <= sample.size / 2):
        raise NotApplicable("it draws no random numbers")
    if np.array_equal(fixture.sample(), fixture.sample(1)):
        raise CheckFailure("two samples with different seeds are the same", f"{_at(fixture)}; draw from rng alone")


def two_samples_of_one_generator_differ(fixture: InitializerFixture) -> None:
    """Two samples drawn from one generator differ: layers with equal initial values would learn the same."""
    if np.prod(fixture.shape) < MIN_SIZE or fixture.moments()[1] == 0:
        raise NotApplicable("it is a constant, or a sample of so few numbers may be the same by chance")
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    first, second = (fixture.parameter.sample(rng) for _ in range(2))
    if rng.bit_generator.state == before:
        raise NotApplicable("it draws no random numbers")
    if np.shares_memory(first, second) or np.array_equal(first, second):
        raise CheckFailure("two samples drawn from one generator are the same", _at(fixture))


def _at(fixture: InitializerFixture) -> str:
    return look_at(fixture.initializer, "sample")


CHECKS = (
    its_sample_has_the_parameters_shape,
    its_moments_are_those_declared,
    the_same_seed_gives_the_same_sample,
    another_seed_gives_another_sample,
    two_samples_of_one_generator_differ,
)
