"""For every initializer, … : it draws what it declares, from the generator that it is given."""

import numpy as np

from fcframe.verify.fixtures.initializer import InitializerFixture
from fcframe.verify.report import CheckFailure, NotApplicable, look_at

STANDARD_ERRORS = 5.5

FEW = 100
"""Numbers; fewer of them may be the same by chance."""


def its_sample_has_the_parameters_shape(fixture: InitializerFixture) -> None:
    """A float64 array of the parameter's shape, which the framework casts; finite numbers all of them."""
    sample = fixture.sample()
    if not isinstance(sample, np.ndarray) or sample.shape != fixture.shape:
        raise CheckFailure(f"sample has shape {np.shape(sample)}, asked for was {fixture.shape}", _at(fixture))
    if sample.dtype != np.float64:
        raise CheckFailure(f"sample is {sample.dtype}, expected float64", f"{_at(fixture)}; the framework casts")
    if not np.all(np.isfinite(sample)):
        raise CheckFailure("sample holds numbers that are not finite", _at(fixture))


def its_moments_are_those_declared(fixture: InitializerFixture) -> None:
    """How wide a layer starts decides whether a deep network learns at all."""
    mean, std = fixture.moments()
    sample = fixture.sample()
    if std == 0:
        if not np.all(sample == mean):
            raise CheckFailure(f"moments declares the constant {mean:g}, sample gives others", _at(fixture))
        return
    n = sample.size
    if n < 1000:
        raise NotApplicable("too few numbers to tell")
    centered = sample - sample.mean()
    spread = float(np.sqrt(np.mean(centered**2)))
    fourth = max(float(np.mean(centered**4)), spread**4)
    for name, found, declared, error in (
        ("mean", float(sample.mean()), mean, spread / np.sqrt(n)),
        ("standard deviation", spread, std, np.sqrt((fourth - spread**4) / n) / max(2 * spread, 1e-300)),
    ):
        if not abs(found - declared) <= STANDARD_ERRORS * error + (1e-9 + 1 / n) * abs(std):
            raise CheckFailure(
                f"moments declares a {name} of {declared:.6g}; {n:,} numbers have {found:.6g} ± {error:.1g}",
                f"{_at(fixture)}, and at moments",
            )


def the_same_seed_gives_the_same_sample(fixture: InitializerFixture) -> None:
    """A run is a function of its spec and seed."""
    first = fixture.sample().tobytes()
    fixture.sample(1)
    if fixture.sample().tobytes() != first:
        raise CheckFailure("with the same seed it starts with other numbers", f"{_at(fixture)}; draw from rng alone")


def another_seed_gives_another_sample(fixture: InitializerFixture) -> None:
    """Two runs that differ in their seeds alone shall be two runs."""
    if np.prod(fixture.shape) < FEW:
        raise NotApplicable("so few numbers may be the same by chance")
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    sample = fixture.parameter.sample(rng)
    drew = rng.bit_generator.state != before
    if not drew and (fixture.moments()[1] == 0 or len(np.unique(sample)) <= sample.size / 2):
        raise NotApplicable("it draws nothing")
    if np.array_equal(fixture.sample(), fixture.sample(1)):
        raise CheckFailure("with another seed it starts with the same numbers", f"{_at(fixture)}; draw from rng alone")


def two_samples_of_one_generator_differ(fixture: InitializerFixture) -> None:
    """Layers that start alike learn alike; a generator that is handed on gives other numbers."""
    if np.prod(fixture.shape) < FEW or fixture.moments()[1] == 0:
        raise NotApplicable("it starts with a constant, or with so few numbers that they may be the same by chance")
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    first, second = (fixture.parameter.sample(rng) for _ in range(2))
    if rng.bit_generator.state == before:
        raise NotApplicable("it draws nothing")
    if np.shares_memory(first, second) or np.array_equal(first, second):
        raise CheckFailure("the second sample from one generator is the first once more", _at(fixture))


def _at(fixture: InitializerFixture) -> str:
    return look_at(fixture.initializer, "sample")


CHECKS = (
    its_sample_has_the_parameters_shape,
    its_moments_are_those_declared,
    the_same_seed_gives_the_same_sample,
    another_seed_gives_another_sample,
    two_samples_of_one_generator_differ,
)
