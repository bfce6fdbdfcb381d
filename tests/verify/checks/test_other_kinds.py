"""Right components pass, and broken ones fail exactly the checks that are meant to find them."""

from typing import Annotated

import numpy as np
import pytest
from pydantic import ConfigDict, Field, NonNegativeFloat, PositiveFloat, field_validator

import fcframe
from fcframe import Data, Dataset, Initializer, Loss, Metric, Optimizer, Regularizer, Schedule
from fcframe.verify import Status


def failed(component):
    report = fcframe.gradcheck(component)
    assert not [result for result in report if result.status is Status.INCONCLUSIVE]
    return {result.check for result in report.failures}


def assert_right(component):
    report = fcframe.gradcheck(component)
    assert report.passed, str(report)


def registered():
    for found in fcframe.registry():
        if found.kind != "layer":  # those are tested in files of their own
            # its 180 MB are read sixteen times, where they are there
            marks = pytest.mark.slow if found.type == "cifar10" else ()
            yield pytest.param(found, id=f"{found.kind}-{found.type}", marks=marks)


@pytest.mark.parametrize("component", [*registered()])
def test_what_is_registered_is_right(component):
    assert_right(component)


# Losses.


class SquaredError(Loss):
    type = "squared_error"

    def value_and_grad(self, scores, y, ctx):
        N = max(1, len(scores))
        return float(((scores - y) ** 2).sum() / N), 2 * (scores - y) / N


class AbsoluteError(Loss):
    """It has a kink wherever a score is right."""

    type = "absolute_error"

    def value_and_grad(self, scores, y, ctx):
        N = max(1, len(scores))
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
        rows, N = np.arange(len(scores)), max(1, len(scores))
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
        N = max(1, len(scores))
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
        N, rate = max(1, len(scores)), np.exp(scores)
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
        rows, N = np.arange(len(scores)), max(1, len(scores))
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
        N, y = max(1, len(scores)), y[:, None]
        return float(np.maximum(0, 1 - y * scores).sum() / N), np.where(y * scores < 1, -y, 0).astype(scores.dtype) / N


class Pairs(Loss):
    """Labels that no one could guess, so it gives some itself."""

    type = "pairs"

    def example_labels(self, N, output_shape, rng):
        return rng.normal(size=(N, 2, *output_shape))

    def check_labels(self, y, output_shape):
        if y.shape[1:] != (2, *output_shape) or not np.isfinite(y).all():
            raise ValueError("labels are pairs")

    def value_and_grad(self, scores, y, ctx):
        N, off = max(1, len(scores)), scores - y[:, 0]
        return float((np.exp(-(y[:, 1] ** 2)) * off**2).sum() / N), 2 * np.exp(-(y[:, 1] ** 2)) * off / N


@pytest.mark.parametrize(
    "loss", [SquaredError, AbsoluteError, Hinge, Logistic, Poisson, LogLikelihood, Signs, Pairs], ids=lambda c: c.type
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
        return float(((scores - y) ** 2).sum() / max(1, len(scores))), 2 * (scores - y)


class WrongSlopeAtKink(Loss):
    type = "wrong_slope_at_kink"

    def value_and_grad(self, scores, y, ctx):
        N, off = max(1, len(scores)), scores - y
        return float(np.abs(off).sum() / N), np.where(off == 0, 2, np.sign(off)) / N


class EmptyMean(Loss):
    type = "empty_mean"

    def value_and_grad(self, scores, y, ctx):
        N = max(1, len(scores))
        return float(((scores - y) ** 2).sum() / N) if len(y) else float("nan"), 2 * (scores - y) / N


class InPlace(Loss):
    type = "in_place"

    def value_and_grad(self, scores, y, ctx):
        N, dscores = max(1, len(scores)), scores
        dscores -= y
        loss = float((dscores**2).sum() / N)
        dscores *= 2 / N
        return loss, dscores


class ChangesLabels(Loss):
    type = "changes_labels"

    def value_and_grad(self, scores, y, ctx):
        N, off = max(1, len(scores)), scores - y
        y *= 0.5
        return float((off**2).sum() / N), 2 * off / N


class Wide(Loss):
    type = "wide"

    def value_and_grad(self, scores, y, ctx):
        N = max(1, len(scores))
        return float(((scores - y) ** 2).sum() / N), 2 * (scores.astype(np.float64) - y) / N


class Overflow(Loss):
    type = "overflow"

    def check_labels(self, y, output_shape):
        if y.shape[1:] != output_shape or not np.isin(y, [0, 1]).all():
            raise ValueError("labels are 0 or 1, one for each score")

    def value_and_grad(self, scores, y, ctx):
        N, odds = max(1, len(scores)), np.exp(scores)
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
        N, dscores = max(1, len(scores)), ctx.empty("dscores", scores.shape, scores.dtype)
        if type(ctx) is fcframe.Context:
            dscores[...] = 0
        off = ~(np.abs(scores - y) < 0.3)
        dscores[off] = (2 * (scores - y) / N)[off]
        return float(np.where(off, (scores - y) ** 2, 0.09).sum() / N), dscores


class Forgetful(Loss):
    type = "forgetful"

    def value_and_grad(self, scores, y, ctx):
        Forgetful.calls = getattr(Forgetful, "calls", 0) + 1
        N = max(1, len(scores))
        return float(((scores - y) ** 2).sum() / N), 2 * (scores - y) / N * (1 + 1e-13 * Forgetful.calls)


GRADIENT = "the_gradient_of_the_scores_is_right"
MEAN = "it_is_the_mean_over_the_minibatch"


@pytest.mark.parametrize(
    ("loss", "checks"),
    [
        (Summed, {MEAN}),
        (GradientNotDivided, {GRADIENT}),
        (WrongSlopeAtKink, {GRADIENT}),
        (EmptyMean, {"an_empty_minibatch_has_no_loss"}),
        (InPlace, {"it_leaves_scores_and_labels_unchanged", "dscores_shares_no_memory"}),
        (ChangesLabels, {"it_leaves_scores_and_labels_unchanged"}),
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
    assert "example_labels" in failure.diagnosis


# Metrics.


class MeanError(Metric):
    type, label, higher_is_better = "mean_error", "err", False

    def value(self, scores, y):
        return float(np.abs(scores - y).mean())


class TopTwo(Metric):
    type, label = "top_two", "top2"

    def value(self, scores, y):
        return float((np.argsort(-scores, axis=1, kind="stable")[:, :2] == y[:, None]).any(axis=1).mean())

    def naive(self, scores, y):
        found = 0
        for row, label in zip(scores, y, strict=True):
            found += label in sorted(range(len(row)), key=lambda index: -row[index])[:2]
        return found / len(y)


class NotAsDefined(Metric):
    type, label = "not_as_defined", "nad"

    def value(self, scores, y):
        return float((scores.argmin(axis=1) == y).mean())

    def naive(self, scores, y):
        return sum(list(row).index(max(row)) == label for row, label in zip(scores, y, strict=True)) / len(y)


class FirstRow(Metric):
    type, label = "first_row", "first"

    def value(self, scores, y):
        return float(np.abs(scores - y)[0].sum())


class Scalar32(Metric):
    type, label = "scalar32", "s32"

    def value(self, scores, y):
        return np.float32(round(np.abs(scores - y).mean(), 3))


class Sorting(Metric):
    type, label = "sorting", "sort"

    def value(self, scores, y):
        order = np.argsort(scores.reshape(len(scores), -1)[:, 0])
        found = float(np.median(np.abs(scores - y)))
        scores[...] = scores[order]
        y[...] = y[order]
        return found


@pytest.mark.parametrize("metric", [MeanError, TopTwo], ids=lambda found: found.type)
def test_a_right_metric_passes(metric):
    assert_right(metric)


@pytest.mark.parametrize(
    ("metric", "checks"),
    [
        (NotAsDefined, {"it_is_what_its_naive_definition_gives"}),
        (FirstRow, {"the_order_of_the_rows_does_not_matter"}),
        (Scalar32, {"it_is_a_finite_number"}),
        (Sorting, {"it_leaves_scores_and_labels_unchanged"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_metric_fails_what_finds_it(metric, checks):
    assert failed(metric) == checks


# Optimizers.


class Step(Optimizer):
    type = "step"

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step, learning_rate):
        w -= learning_rate * dw


class Adagrad(Optimizer):
    type = "adagrad"

    learning_rate: NonNegativeFloat = 0.05
    eps: PositiveFloat = 1e-10

    def slots(self):
        return ("sum",)

    def update(self, w, dw, slots, step, learning_rate):
        slots["sum"] += dw * dw
        w -= learning_rate * dw / (np.sqrt(slots["sum"]) + self.eps)


class Decaying(Optimizer):
    type = "decaying"

    learning_rate: NonNegativeFloat = 0.05
    decay: NonNegativeFloat = 0.01

    def update(self, w, dw, slots, step, learning_rate):
        w *= 1 - learning_rate * self.decay
        w -= learning_rate * dw


class Heavy(Optimizer):
    """It overshoots far and long before it settles."""

    type = "heavy"
    examples = (fcframe.Example(learning_rate=0.1, momentum=0.99),)

    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99

    def slots(self):
        return ("v",)

    def update(self, w, dw, slots, step, learning_rate):
        v = slots["v"]
        v *= self.momentum
        v += dw
        w -= learning_rate * v


class Normed(Optimizer):
    type = "normed"
    per_tensor = True

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step, learning_rate):
        w -= learning_rate * dw / (np.linalg.norm(dw) + 1e-12)


@pytest.mark.parametrize("optimizer", [Step, Adagrad, Decaying, Heavy, Normed], ids=lambda found: found.type)
def test_a_right_optimizer_passes(optimizer):
    assert_right(optimizer)


class Uphill(Optimizer):
    type = "uphill"

    def update(self, w, dw, slots, step, learning_rate):
        w += learning_rate * dw


class NotInPlace(Optimizer):
    type = "not_in_place"

    def update(self, w, dw, slots, step, learning_rate):
        w = w - learning_rate * dw


class NormOfBlock(Optimizer):
    type = "norm_of_block"

    def update(self, w, dw, slots, step, learning_rate):
        w -= learning_rate * dw / (np.linalg.norm(dw) + 1e-12)


class ReplacesSlot(Optimizer):
    type = "replaces_slot"

    def slots(self):
        return ("v",)

    def update(self, w, dw, slots, step, learning_rate):
        slots["v"] = 0.9 * slots["v"] + dw
        w -= learning_rate * slots["v"]


class CountsItself(Optimizer):
    type = "counts_itself"

    def update(self, w, dw, slots, step, learning_rate):
        CountsItself.count = getattr(CountsItself, "count", 0) + 1
        w -= learning_rate * dw * (1 + 1 / CountsItself.count)


class OwnRate(Optimizer):
    type = "own_rate"

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step, learning_rate):
        w -= self.learning_rate * dw


class ScalesGradient(Optimizer):
    type = "scales_gradient"

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step, learning_rate):
        dw *= learning_rate
        w -= dw


class NoEps(Optimizer):
    type = "no_eps"

    learning_rate: NonNegativeFloat = 0.05

    def slots(self):
        return ("sum",)

    def update(self, w, dw, slots, step, learning_rate):
        slots["sum"] += dw * dw
        with np.errstate(invalid="ignore"):
            w -= learning_rate * dw / np.sqrt(slots["sum"])


class FromZero(Optimizer):
    type = "from_zero"

    learning_rate: NonNegativeFloat = 0.05

    def update(self, w, dw, slots, step, learning_rate):
        with np.errstate(divide="ignore"):
            w -= learning_rate * dw / np.sqrt(np.float64(1) - 0.9 ** (step - 1))


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
        (NoEps, {"a_zero_gradient_moves_nothing"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_optimizer_fails_what_finds_it(optimizer, checks):
    assert failed(optimizer) == checks


def test_an_optimizer_that_counts_steps_from_zero_fails():
    assert "first_and_late_steps_are_finite" in failed(FromZero)


# Schedules.


class Restarts(Schedule):
    type = "restarts"

    length: Annotated[int, Field(ge=1)] = 3

    def factor(self, progress, memory):
        return 1 / (1 + progress.epoch % self.length)


class Best(Schedule):
    type = "best"

    def start(self):
        return {"best": 1e308}

    def factor(self, progress, memory):
        return 1.0 if memory["best"] > 1 else 0.1

    def observe(self, memory, results):
        return {"best": min(memory["best"], results["val_loss"])}


@pytest.mark.parametrize("schedule", [Restarts, Best], ids=lambda found: found.type)
def test_a_right_schedule_passes(schedule):
    assert_right(schedule)


class BelowZero(Schedule):
    type = "below_zero"

    def factor(self, progress, memory):
        return 1 - 1.1 * progress.step / progress.steps


class StartsInfinite(Schedule):
    type = "starts_infinite"

    def start(self):
        return {"best": float("inf")}

    def factor(self, progress, memory):
        return 1.0

    def observe(self, memory, results):
        return {"best": min(memory["best"], results["val_loss"])}


class ChangesMemory(Schedule):
    type = "changes_memory"

    def start(self):
        return {"seen": 0.0}

    def factor(self, progress, memory):
        return 1 / (1 + memory["seen"])

    def observe(self, memory, results):
        memory["seen"] += 1
        return dict(memory)


class CountsCalls(Schedule):
    type = "counts_calls"

    def start(self):
        return {"calls": 0.0}

    def factor(self, progress, memory):
        memory["calls"] += 1
        return 0.5 ** memory["calls"]


class CountsOutside(Schedule):
    type = "counts_outside"

    def factor(self, progress, memory):
        CountsOutside.calls = getattr(CountsOutside, "calls", 0) + 1
        return 1 / CountsOutside.calls


@pytest.mark.parametrize(
    ("schedule", "checks"),
    [
        (BelowZero, {"every_factor_is_a_finite_number_of_at_least_0"}),
        (StartsInfinite, {"its_memory_is_json"}),
        (ChangesMemory, {"observe_leaves_its_arguments_unchanged"}),
        (CountsCalls, {"the_factor_leaves_the_memory_unchanged"}),
        (CountsOutside, {"the_factor_depends_on_step_and_memory_alone", "a_restored_memory_goes_on_as_the_one_saved"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_schedule_fails_what_finds_it(schedule, checks):
    assert failed(schedule) == checks


# Initializers.


class Orthogonal(Initializer):
    """For matrices alone."""

    type = "orthogonal"

    def moments(self, shape):
        if len(shape) != 2:
            raise ValueError("for matrices alone")
        return 0.0, 1 / max(shape) ** 0.5

    def sample(self, shape, rng):
        tall = rng.normal(size=(max(shape), min(shape)))
        q, r = np.linalg.qr(tall)
        q = q * np.sign(np.diag(r))
        return q if q.shape == shape else q.T


class Sparse(Initializer):
    """Heavy tails."""

    type = "sparse"

    def moments(self, shape):
        return 0.0, 0.1**0.5

    def sample(self, shape, rng):
        return rng.normal(size=shape) * (rng.random(shape) < 0.1)


class Identity(Initializer):
    """It draws nothing."""

    type = "identity"

    def moments(self, shape):
        mean = min(shape) / np.prod(shape) if len(shape) == 2 else 0.0
        return float(mean), float((mean - mean**2) ** 0.5)

    def sample(self, shape, rng):
        return np.eye(*shape) if len(shape) == 2 else np.zeros(shape)


class RandomSigns(Initializer):
    type = "random_signs"

    def moments(self, shape):
        return 0.0, 1.0

    def sample(self, shape, rng):
        return rng.choice([-1.0, 1.0], size=shape)


@pytest.mark.parametrize("initializer", [Orthogonal, Sparse, Identity, RandomSigns], ids=lambda found: found.type)
def test_a_right_initializer_passes(initializer):
    assert_right(initializer)


class VarianceForDeviation(Initializer):
    type = "variance_for_deviation"

    def moments(self, shape):
        return 0.0, (2 / shape[0]) ** 0.5

    def sample(self, shape, rng):
        return rng.normal(0.0, 2 / shape[0], shape)


class OwnGenerator(Initializer):
    type = "own_generator"

    def moments(self, shape):
        return 0.0, 1.0

    def sample(self, shape, rng):
        return np.random.default_rng(7).normal(size=shape)


class Single(Initializer):
    type = "single"

    def moments(self, shape):
        return 0.0, 1.0

    def sample(self, shape, rng):
        return rng.normal(size=shape).astype(np.float32)


class Flat(Initializer):
    type = "flat"

    def moments(self, shape):
        return 0.0, 1.0

    def sample(self, shape, rng):
        return rng.normal(size=int(np.prod(shape)))


class Unseeded(Initializer):
    type = "unseeded"

    def moments(self, shape):
        return 0.0, 1.0

    def sample(self, shape, rng):
        return np.random.default_rng().normal(size=shape)


@pytest.mark.parametrize(
    ("initializer", "checks"),
    [
        (VarianceForDeviation, {"its_moments_are_those_declared"}),
        (OwnGenerator, {"another_seed_starts_other_numbers"}),
        (Single, {"it_starts_the_whole_shape"}),
        (Flat, {"it_starts_the_whole_shape"}),
        (Unseeded, {"the_same_seed_starts_the_same_numbers"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_initializer_fails_what_finds_it(initializer, checks):
    assert failed(initializer) == checks


# Regularizers.


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


@pytest.mark.parametrize("regularizer", [L1, MaxNorm], ids=lambda found: found.type)
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


class HandsOutW(Regularizer):
    type = "hands_out_w"

    def value_and_grad(self, w, ctx):
        return 0.5 * float(np.vdot(w, w)), w


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
        (HandsOutW, {"it_leaves_w_unchanged"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_regularizer_fails_what_finds_it(regularizer, checks):
    assert failed(regularizer) == checks


def test_a_regularizer_that_moves_the_weights_fails():
    assert "it_leaves_w_unchanged" in failed(Shrinks)


# Datasets.


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
    assert "it is not there: no such file: absent.npz" in reasons


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
        (Strided, {"every_number_is_finite_and_in_order"}),
        (FromOne, {"labels_have_their_names"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_dataset_fails_what_finds_it(dataset, checks):
    assert failed(dataset) == checks


# Every kind.


class Loose(Regularizer):
    """It takes any field, whatever it is called."""

    type = "loose"
    model_config = ConfigDict(extra="ignore")

    value_and_grad = MaxNorm.value_and_grad


class Lenient(Regularizer):
    """Its schema promises what it does not hold."""

    type = "lenient"

    strength: Annotated[float, Field(ge=0, json_schema_extra={"maximum": 1})] = 0.5

    value_and_grad = L1.value_and_grad


class Narrower(Regularizer):
    """A validator of its own may refuse what no schema can express."""

    type = "narrower"

    strength: NonNegativeFloat = 0.5

    value_and_grad = L1.value_and_grad

    @field_validator("strength")
    @classmethod
    def _refuse(cls, value):
        if value == 7:
            raise ValueError("7 is bad luck")
        return value


class BadExample(Regularizer):
    type = "bad_example"
    examples = (fcframe.Example(strength=-1.0),)

    strength: NonNegativeFloat = 0.5

    value_and_grad = L1.value_and_grad


class Rounding(Regularizer):
    """What is read is not what was written."""

    type = "rounding"

    strength: NonNegativeFloat = 0.5

    value_and_grad = L1.value_and_grad

    @field_validator("strength")
    @classmethod
    def _halve(cls, value):
        return value / 2


@pytest.mark.parametrize(
    ("component", "checks"),
    [
        (Loose, {"an_unknown_field_is_refused"}),
        (Lenient, {"its_json_schema_agrees_with_what_it_accepts"}),
        (Narrower, set()),
        (BadExample, {"its_examples_are_accepted"}),
        (Rounding, {"it_reads_back_what_it_writes"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_component_is_its_json(component, checks):
    pytest.importorskip("jsonschema")
    assert failed(component) == checks


def test_what_cannot_be_configured_fails():
    class Secret(Regularizer):
        type = "secret"
        word: Annotated[str, Field(pattern="^[0-9]{7}$")]
        value_and_grad = MaxNorm.value_and_grad

    assert failed(Secret) == {"a_configuration_can_be_made", "every_check_ran"}


def test_an_instance_is_checked_in_its_configuration_alone():
    report = fcframe.gradcheck(L1(strength=0.7))
    assert report.passed
    cases = {found.case for found in report} - {"class", ""}
    assert all(case.startswith("strength=0.7,") for case in cases)
    assert len(cases) == 3


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_does_not_hang_on_the_seed(seed):
    for component in (Hinge, AbsoluteError, LogLikelihood, Heavy, Sparse, RandomSigns, L1, Cloud):
        assert fcframe.gradcheck(component, seed=seed).passed


def test_what_is_declared_rejected_must_be_refused_in_those_words():
    class Strict(L1):
        type = "strict"
        rejected = (fcframe.Rejected("greater than or equal to 0", strength=-1.0),)

    class Lenient(L1):
        type = "lenient"
        rejected = (fcframe.Rejected("too large", strength=7.0),)

    class Vague(L1):
        type = "vague"
        rejected = (fcframe.Rejected("no weight grows by itself", strength=-1.0),)

    check = "what_it_declares_rejected_is_refused_in_those_words"
    assert check not in failed(Strict)
    assert failed(Lenient) == failed(Vague) == {check}
