"""Right losses pass, and broken ones fail exactly the checks that are meant to find them."""

import numpy as np
import pytest

import fcframe
from fcframe import Loss, Numbers, Targets
from tests.verify.checks.judging import assert_right, failed


class SquaredError(Loss):
    type = "squared_error"

    def value_and_grad(self, scores, y, ctx):
        N = len(scores)
        return float(((scores - y) ** 2).sum() / N), 2 * (scores - y) / N


class AbsoluteError(Loss):
    """It has a kink wherever a score is right."""

    type = "absolute_error"

    def value_and_grad(self, scores, y, ctx):
        N = len(scores)
        return float(np.abs(scores - y).sum() / N), np.sign(scores - y) / N


class Hinge(Loss):
    """Crammer and Singer's: kinks at ties of the second best."""

    type = "hinge"

    def check_scores(self, output_shape):
        if len(output_shape) != 1:
            raise ValueError("one score a class")

    def check_labels(self, y, output_shape):
        if y.ndim != 1 or y.dtype.kind not in "iu":
            raise ValueError("labels are integers")
        if len(y) and (y.min() < 0 or y.max() >= output_shape[0]):
            raise ValueError("a label is out of range")

    def value_and_grad(self, scores, y, ctx):
        rows, N = np.arange(len(scores)), len(scores)
        margins = scores - scores[rows, y][:, None] + 1
        margins[rows, y] = 0
        dscores = (margins > 0).astype(scores.dtype)
        dscores[rows, y] = -dscores.sum(axis=1)
        return float(np.maximum(margins, 0).sum() / N), dscores / N


class Logistic(Loss):
    """Binary cross-entropy of scores, for labels 0 and 1 of the scores' shape."""

    type = "logistic"

    def check_labels(self, y, output_shape):
        if y.shape[1:] != output_shape or not np.isin(y, [0, 1]).all():
            raise ValueError("labels are 0 or 1, one for each score")

    def value_and_grad(self, scores, y, ctx):
        N = len(scores)
        loss = np.maximum(scores, 0) - y * scores + np.log1p(np.exp(-np.abs(scores)))
        sigmoid = 0.5 * (1 + np.tanh(0.5 * scores))
        return float(loss.sum() / N), ((sigmoid - y) / N).astype(scores.dtype)


class Poisson(Loss):
    """The loss itself leaves what a float holds, for scores of 1000."""

    type = "poisson"

    def check_labels(self, y, output_shape):
        if y.shape[1:] != output_shape or not np.all((y >= 0) & (y < np.inf)):
            raise ValueError("counts are not negative")

    def value_and_grad(self, scores, y, ctx):
        N, rate = len(scores), np.exp(scores)
        return float((rate - y * scores).sum() / N), ((rate - y) / N).astype(scores.dtype)


class LogLikelihood(Loss):
    """Takes probabilities, not scores of any size."""

    type = "log_likelihood"

    def check_scores(self, output_shape):
        if len(output_shape) != 1:
            raise ValueError("one probability a class")

    def check_labels(self, y, output_shape):
        if y.ndim != 1 or y.dtype.kind not in "iu" or (len(y) and (y.min() < 0 or y.max() >= output_shape[0])):
            raise ValueError("labels are classes")

    def value_and_grad(self, scores, y, ctx):
        rows, N = np.arange(len(scores)), len(scores)
        dscores = np.zeros_like(scores)
        dscores[rows, y] = -1 / scores[rows, y] / N
        return float(-np.log(scores[rows, y]).sum() / N), dscores


class Signs(Loss):
    """Labels −1 and 1, one a row, and one score a row."""

    type = "signs"

    def check_scores(self, output_shape):
        if output_shape != (1,):
            raise ValueError("one score a row")

    def check_labels(self, y, output_shape):
        if y.ndim != 1 or not np.isin(y, [-1, 1]).all():
            raise ValueError("labels are -1 or 1")

    def value_and_grad(self, scores, y, ctx):
        N, y = len(scores), y[:, None]
        return float(np.maximum(0, 1 - y * scores).sum() / N), np.where(y * scores < 1, -y, 0).astype(scores.dtype) / N


class TwoNumbers(Targets):
    """Two numbers for each score."""

    def row_shape(self, output_shape):
        return (2, *output_shape)

    def draw(self, rng, N, output_shape):
        return rng.normal(size=(N, 2, *output_shape))

    def find_wrong(self, y, output_shape):
        return ~np.isfinite(y)

    def describe(self, output_shape):
        return "a finite number"


class Pairs(Loss):
    """Targets that nobody could guess, so it declares them by a class of its own."""

    type = "pairs"

    targets = TwoNumbers()

    def value_and_grad(self, scores, y, ctx):
        N, off = len(scores), scores - y[:, 0]
        return float((np.exp(-(y[:, 1] ** 2)) * off**2).sum() / N), 2 * np.exp(-(y[:, 1] ** 2)) * off / N


class WeightedError(Loss):
    """Takes weights of examples; what is wrong in it, `weigh` and `share` say."""

    type, targets, takes_weights = "weighted_error", Numbers(), True

    def value_and_grad(self, scores, y, ctx):
        N = len(scores)
        off = scores - y.reshape(scores.shape)
        weights = np.ones(N, scores.dtype) if ctx.weights is None else self.weigh(ctx.weights)
        total = self.total(weights)
        each = (off**2).reshape(N, -1).sum(axis=1)
        return float(weights @ each / total), 2 * off * weights.reshape(-1, *[1] * (off.ndim - 1)) / total

    def weigh(self, weights):
        return weights

    def total(self, weights):
        return weights.sum()


@pytest.mark.parametrize(
    "loss",
    [SquaredError, AbsoluteError, Hinge, Logistic, Poisson, LogLikelihood, Signs, Pairs, WeightedError],
    ids=lambda c: c.type,
)
def test_a_right_loss_passes(loss):
    assert_right(loss)


class Summed(Loss):
    type = "summed"

    def value_and_grad(self, scores, y, ctx):
        return float(((scores - y) ** 2).sum()), 2 * (scores - y)


class GradientNotDivided(Loss):
    type = "gradient_not_divided"

    def value_and_grad(self, scores, y, ctx):
        return float(((scores - y) ** 2).sum() / len(scores)), 2 * (scores - y)


class WrongSlopeAtKink(Loss):
    type = "wrong_slope_at_kink"

    def value_and_grad(self, scores, y, ctx):
        N, off = len(scores), scores - y
        return float(np.abs(off).sum() / N), np.where(off == 0, 2, np.sign(off)) / N


class InPlace(Loss):
    type = "in_place"

    def value_and_grad(self, scores, y, ctx):
        N, dscores = len(scores), scores
        dscores -= y
        loss = float((dscores**2).sum() / N)
        dscores *= 2 / N
        return loss, dscores


class ChangesLabels(Loss):
    type = "changes_labels"

    def value_and_grad(self, scores, y, ctx):
        N, off = len(scores), scores - y
        y *= 0.5
        return float((off**2).sum() / N), 2 * off / N


class Wide(Loss):
    type = "wide"

    def value_and_grad(self, scores, y, ctx):
        N = len(scores)
        return float(((scores - y) ** 2).sum() / N), 2 * (scores.astype(np.float64) - y) / N


class Overflow(Loss):
    type = "overflow"

    def check_labels(self, y, output_shape):
        if y.shape[1:] != output_shape or not np.isin(y, [0, 1]).all():
            raise ValueError("labels are 0 or 1, one for each score")

    def value_and_grad(self, scores, y, ctx):
        N, odds = len(scores), np.exp(scores)
        return float((np.log(1 + odds) - y * scores).sum() / N), ((odds / (1 + odds) - y) / N).astype(scores.dtype)


class Unlimited(Loss):
    type = "unlimited"
    check_scores = Hinge.check_scores
    value_and_grad = Hinge.value_and_grad

    def check_labels(self, y, output_shape):
        if y.ndim != 1 or y.dtype.kind not in "iu" or (len(y) and y.min() < 0):
            raise ValueError("labels are classes")


class Unchecked(Loss):
    type = "unchecked"
    check_scores = Hinge.check_scores
    value_and_grad = Hinge.value_and_grad


class CountsOnZeros(Loss):
    """Fresh arrays are often zeros; here, so that the test is no game of chance, always."""

    type = "counts_on_zeros"

    def value_and_grad(self, scores, y, ctx):
        N, dscores = len(scores), ctx.empty("dscores", scores.shape, scores.dtype)
        if type(ctx) is fcframe.Context:
            dscores[...] = 0
        off = ~(np.abs(scores - y) < 0.3)
        dscores[off] = (2 * (scores - y) / N)[off]
        return float(np.where(off, (scores - y) ** 2, 0.09).sum() / N), dscores


class WeightsIgnored(Loss):
    type, targets, takes_weights = "weights_ignored", Numbers(), True

    def value_and_grad(self, scores, y, ctx):
        N, off = len(scores), scores - y.reshape(scores.shape)
        return float((off**2).sum() / N), 2 * off / N


class DividedByN(Loss):
    """Σ wᵢ lossᵢ / N, and not divided by the sum of the weights."""

    type, targets, takes_weights = "divided_by_n", Numbers(), True
    value_and_grad, weigh = WeightedError.value_and_grad, WeightedError.weigh

    def total(self, weights):
        return len(weights)


class Forgetful(Loss):
    type = "forgetful"

    def value_and_grad(self, scores, y, ctx):
        Forgetful.calls = getattr(Forgetful, "calls", 0) + 1
        N = len(scores)
        return float(((scores - y) ** 2).sum() / N), 2 * (scores - y) / N * (1 + 1e-13 * Forgetful.calls)


GRADIENT = "the_gradient_of_the_scores_is_right"
MEAN = "it_is_the_mean_over_the_minibatch"


@pytest.mark.parametrize(
    ("loss", "checks"),
    [
        (Summed, {MEAN}),
        (GradientNotDivided, {GRADIENT}),
        (WrongSlopeAtKink, {GRADIENT}),
        (InPlace, {"it_leaves_scores_and_labels_unchanged"}),
        (ChangesLabels, {"it_leaves_scores_and_labels_unchanged"}),
        (WeightsIgnored, {"a_weight_counts_as_so_many_equal_rows"}),
        (DividedByN, {"a_weight_counts_as_so_many_equal_rows"}),
        (Wide, {"it_gives_a_loss_and_its_gradient"}),
        (Overflow, {"it_is_finite_for_extreme_scores"}),
        (Unlimited, {"labels_that_do_not_fit_are_refused"}),
        (Unchecked, {"labels_that_do_not_fit_are_refused"}),
        (CountsOnZeros, {"a_reused_context_changes_nothing"}),
        (Forgetful, {"twice_gives_the_same_bytes", "a_reused_context_changes_nothing"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_loss_fails_what_finds_it(loss, checks):
    assert failed(loss) == checks


def test_the_message_names_the_element_and_the_factor():
    failures = [found for found in fcframe.gradcheck(GradientNotDivided).failures if found.check == GRADIENT]
    assert "the gradient of scores[" in failures[0].message
    assert "it is 3 times the right gradient: that is N = 3" in failures[0].diagnosis


def test_a_loss_that_takes_no_labels_fails_and_says_how_to_give_some():
    class Impossible(Loss):
        type = "impossible"

        def value_and_grad(self, scores, y, ctx):
            raise RuntimeError("never")

    failure, unfinished = fcframe.gradcheck(Impossible).failures
    assert unfinished.check == "every_check_ran"
    assert "RuntimeError: never" in failure.message
    assert "targets = " in failure.diagnosis


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_does_not_hang_on_the_seed(seed):
    for component in (
        Hinge,
        AbsoluteError,
        LogLikelihood,
    ):
        assert fcframe.gradcheck(component, seed=seed).passed
