"""Right optimizers pass, and broken ones fail exactly the checks that are meant to find them."""

from typing import Annotated

import numpy as np
import pytest
from pydantic import Field, NonNegativeFloat, PositiveFloat

import fcframe
from fcframe import Optimizer
from tests.verify.checks.judging import assert_right, failed


class Descent(Optimizer):
    type = "descent"

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step):
        w -= step.learning_rate * dw


class Adagrad(Optimizer):
    type = "adagrad"

    learning_rate: NonNegativeFloat = 0.05
    eps: PositiveFloat = 1e-10

    def slots(self):
        return ("sum",)

    def update(self, w, dw, slots, step):
        slots["sum"] += dw * dw
        w -= step.learning_rate * dw / (np.sqrt(slots["sum"]) + self.eps)


class Decaying(Optimizer):
    type = "decaying"

    learning_rate: NonNegativeFloat = 0.05
    decay: NonNegativeFloat = 0.01

    def update(self, w, dw, slots, step):
        if step.decay:
            w *= 1 - step.learning_rate * self.decay
        w -= step.learning_rate * dw


class Heavy(Optimizer):
    """It overshoots far and long before it settles."""

    type = "heavy"
    examples = (fcframe.Example(learning_rate=0.1, momentum=0.99),)

    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99

    def slots(self):
        return ("v",)

    def update(self, w, dw, slots, step):
        v = slots["v"]
        v *= self.momentum
        v += dw
        w -= step.learning_rate * v


class Velocity(Optimizer):
    """The momentum of Caffe and Keras, v ← μ v − η g, w ← w + v: the velocity remembers earlier learning rates."""

    type = "velocity"

    learning_rate: NonNegativeFloat = 0.01
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9

    def slots(self):
        return ("v",)

    def update(self, w, dw, slots, step):
        v = slots["v"]
        v *= self.momentum
        v -= step.learning_rate * dw
        w += v


class Normed(Optimizer):
    type = "normed"
    per_tensor = True

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step):
        w -= step.learning_rate * dw / (np.linalg.norm(dw) + 1e-12)


@pytest.mark.parametrize(
    "optimizer", [Descent, Adagrad, Decaying, Heavy, Velocity, Normed], ids=lambda found: found.type
)
def test_a_right_optimizer_passes(optimizer):
    assert_right(optimizer)


class Uphill(Optimizer):
    type = "uphill"

    def update(self, w, dw, slots, step):
        w += step.learning_rate * dw


class NotInPlace(Optimizer):
    type = "not_in_place"

    def update(self, w, dw, slots, step):
        w = w - step.learning_rate * dw


class NormOfBlock(Optimizer):
    type = "norm_of_block"

    def update(self, w, dw, slots, step):
        w -= step.learning_rate * dw / (np.linalg.norm(dw) + 1e-12)


class ReplacesSlot(Optimizer):
    type = "replaces_slot"

    def slots(self):
        return ("v",)

    def update(self, w, dw, slots, step):
        slots["v"] = 0.9 * slots["v"] + dw
        w -= step.learning_rate * slots["v"]


class CountsItself(Optimizer):
    type = "counts_itself"

    def update(self, w, dw, slots, step):
        CountsItself.count = getattr(CountsItself, "count", 0) + 1
        w -= step.learning_rate * dw * (1 + 1 / CountsItself.count)


class OwnRate(Optimizer):
    type = "own_rate"

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step):
        w -= self.learning_rate * dw


class ScalesGradient(Optimizer):
    type = "scales_gradient"

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step):
        dw *= step.learning_rate
        w -= dw


class NoEps(Optimizer):
    type = "no_eps"

    learning_rate: NonNegativeFloat = 0.05

    def slots(self):
        return ("sum",)

    def update(self, w, dw, slots, step):
        slots["sum"] += dw * dw
        with np.errstate(invalid="ignore"):
            w -= step.learning_rate * dw / np.sqrt(slots["sum"])


class FromZero(Optimizer):
    type = "from_zero"

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step):
        with np.errstate(divide="ignore"):
            w -= step.learning_rate * dw / np.sqrt(np.float64(1) - 0.9 ** (step.number - 1))


class SecretDecay(Optimizer):
    type = "secret_decay"
    uses_decay = False

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step):
        if step.decay:
            w *= 1 - 0.01 * step.learning_rate
        w -= step.learning_rate * dw


DOWN = {"it_descends_a_quadratic", "it_descends_an_ill_conditioned_quadratic"}


@pytest.mark.parametrize(
    ("optimizer", "checks"),
    [
        (Uphill, DOWN),
        (NotInPlace, DOWN | {"it_works_in_place_and_returns_nothing"}),
        (NormOfBlock, {"one_block_or_many_give_the_same_bytes"}),
        (ReplacesSlot, {"its_slots_are_those_declared", "one_block_or_many_give_the_same_bytes"}),
        (
            CountsItself,
            {
                "one_block_or_many_give_the_same_bytes",
                "twice_gives_the_same_bytes",
                "a_restored_training_goes_on_as_if_never_interrupted",
            },
        ),
        (OwnRate, {"a_zero_learning_rate_moves_nothing"}),
        (ScalesGradient, {"it_leaves_the_gradient_unchanged"}),
        (SecretDecay, {"it_uses_step_decay_only_if_declared"}),
        (NoEps, {"a_zero_gradient_moves_nothing"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_optimizer_fails_what_finds_it(optimizer, checks):
    assert failed(optimizer) == checks


def test_an_optimizer_that_counts_steps_from_zero_fails():
    assert "first_and_late_steps_are_finite" in failed(FromZero)


def test_an_update_that_makes_a_new_array_is_told_to_change_w_in_place():
    failures = fcframe.gradcheck(NotInPlace).failures
    assert failures[0].message == "update did not change w"
    assert "change w in place" in failures[0].diagnosis


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_does_not_hang_on_the_seed(seed):
    for component in (Heavy,):
        assert fcframe.gradcheck(component, seed=seed).passed
