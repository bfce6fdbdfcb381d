"""Right regularizers pass, and broken ones fail exactly the checks that are meant to find them."""

import numpy as np
import pytest
from pydantic import NonNegativeFloat

import fcframe
from fcframe import Regularizer
from tests.verify.checks.judging import assert_right, failed


class L1(Regularizer):
    """A kink at 0."""

    type = "l1"

    strength: NonNegativeFloat = 1e-3

    def value_and_grad(self, w, ctx):
        return self.strength * float(np.abs(w).sum()), self.strength * np.sign(w)


class MaxNorm(Regularizer):
    type = "max_norm"

    def value_and_grad(self, w, ctx):
        norm = float(np.linalg.norm(w))
        return max(0.0, norm - 1), w / norm if norm > 1 else np.zeros_like(w)


class HandsOutW(Regularizer):
    type = "hands_out_w"

    def value_and_grad(self, w, ctx):
        return 0.5 * float(np.vdot(w, w)), w


@pytest.mark.parametrize("regularizer", [L1, MaxNorm, HandsOutW], ids=lambda found: found.type)
def test_a_right_regularizer_passes(regularizer):
    assert_right(regularizer)


class ForgottenTwo(Regularizer):
    type = "forgotten_two"

    strength: NonNegativeFloat = 0.3

    def value_and_grad(self, w, ctx):
        return self.strength * float(np.vdot(w, w)), self.strength * w


class NormAtZero(Regularizer):
    type = "norm_at_zero"

    def value_and_grad(self, w, ctx):
        norm = np.linalg.norm(w)
        with np.errstate(invalid="ignore"):
            return float(norm), w / norm


class Shrinks(Regularizer):
    type = "shrinks"

    def value_and_grad(self, w, ctx):
        penalty, dw = 0.5 * float(np.vdot(w, w)), w.copy()
        w[...] = np.where(np.abs(w) < 1e-2, 0, w) * 1.0
        w.reshape(-1)[0] = 0.5
        return penalty, dw


@pytest.mark.parametrize(
    ("regularizer", "checks"),
    [
        (ForgottenTwo, {"the_gradient_of_the_penalty_is_right"}),
        (NormAtZero, {"it_is_finite_where_w_is_zero"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_regularizer_fails_what_finds_it(regularizer, checks):
    assert failed(regularizer) == checks


def test_a_regularizer_that_moves_the_weights_fails():
    assert "it_leaves_w_unchanged" in failed(Shrinks)


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_does_not_hang_on_the_seed(seed):
    for component in (L1,):
        assert fcframe.gradcheck(component, seed=seed).passed
