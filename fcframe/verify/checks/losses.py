"""Checks for losses: a mean over the minibatch, the gradient is its derivative, and wrong targets are refused."""

from dataclasses import replace

import numpy as np

from fcframe.components import Loss, Metric
from fcframe.context import Array, Context, ReusingContext
from fcframe.verify.checks.numbers import require_number
from fcframe.verify.diagnosis.scalar import compare
from fcframe.verify.fixtures.loss import LossFixture
from fcframe.verify.generate.targets import N, accepted_targets, checks_targets, refuses_all_scores
from fcframe.verify.report import CheckFailure, NotApplicable, look_at


def some_targets_are_accepted(component: Loss | Metric) -> None:
    """The component accepts some of the generated scores and targets; all other checks need them."""
    accepted, reason = accepted_targets(component)
    if not accepted and (refusal := refuses_all_scores(component)):
        raise NotApplicable(f"this configuration accepts none of the shapes of scores that were tried: {refusal}")
    if not accepted:
        refused = "the declared targets are refused" if component.targets else "all usual kinds of targets are refused"
        raise CheckFailure(
            f"{refused}; the first error was: {reason}",
            "" if component.targets else "declare in the class what y is, for example targets = Classes()",
        )


def it_gives_a_loss_and_its_gradient(fixture: LossFixture) -> None:
    """`value_and_grad` returns a real number, and an array with the shape and dtype of the scores."""
    for dtype in (np.float64, np.float32):
        cast = replace(fixture, dtype=dtype)
        result = cast.value_and_grad()
        if not isinstance(result, tuple) or len(result) != 2:
            raise CheckFailure(
                f"value_and_grad returned a {type(result).__name__}, expected (loss, dscores)", _at(fixture)
            )
        loss, dscores = result
        require_number("the loss", loss, _at(fixture))
        if not isinstance(dscores, np.ndarray):
            raise CheckFailure(f"dscores is a {type(dscores).__name__}, expected an array", _at(fixture))
        if dscores.shape != cast.scores.shape:
            raise CheckFailure(f"dscores has shape {dscores.shape}, the scores have {cast.scores.shape}", _at(fixture))
        if dscores.dtype != dtype:
            raise CheckFailure(f"dscores is {dscores.dtype} for scores of {np.dtype(dtype)}", _at(fixture))


def the_gradient_of_the_scores_is_right(fixture: LossFixture) -> None:
    """The gradient dscores agrees with finite differences of the loss."""
    _, dscores = fixture.value_and_grad()
    meanings = {f"N = {N}": N, f"{fixture.scores.size}, the number of scores": fixture.scores.size}
    meanings |= {f"{size}, an axis of the scores": size for size in fixture.targets.output_shape if size > 1}
    compare("scores", dscores, fixture.scores, fixture.value, _at(fixture), meanings)


def float32_gives_what_float64_gives(fixture: LossFixture) -> None:
    """Loss and gradient in float32 agree with those in float64 within float32's precision."""
    wide, narrow = fixture.value_and_grad(), replace(fixture, dtype=np.float32).value_and_grad()
    for index, name in enumerate(("the loss", "dscores")):
        one, other = np.asarray(wide[index]), np.asarray(narrow[index], np.float64)
        error = float(np.abs(other - one).max())
        if not error <= 1e-3 * np.abs(one).max() + 1e-5:
            raise CheckFailure(f"{name} in float32 differs from the one in float64 by up to {error:.3g}", _at(fixture))


def it_is_the_mean_over_the_minibatch(fixture: LossFixture) -> None:
    """The loss is the mean over the examples, so that the learning rate need not depend on the minibatch's size."""
    (scores, y), (more, labels) = fixture.drawn, replace(fixture, seed=fixture.seed + 1).drawn
    whole = fixture.value(np.concatenate([scores, more[:1]]), np.concatenate([y, labels[:1]]))
    expected = (N * fixture.value() + fixture.value(more[:1], labels[:1])) / (N + 1)
    twice = fixture.value(np.concatenate([scores, scores]), np.concatenate([y, y]))
    tolerance = 1e-9 * (1 + abs(fixture.value()))
    if not abs(twice - fixture.value()) <= tolerance:
        cause = "it is a sum over the minibatch" if abs(twice - 2 * fixture.value()) <= tolerance else ""
        raise CheckFailure(
            f"the loss is {fixture.value():.6g}, with every row twice {twice:.6g}", f"{cause}\n{_at(fixture)}"
        )
    # Classes may have different weights: the loss of all rows then lies between those of the parts.
    if fixture.loss.takes_weights:
        parts = sorted((fixture.value(), fixture.value(more[:1], labels[:1])))
        expected = min(max(whole, parts[0]), parts[1])
    if not abs(whole - expected) <= tolerance:
        raise CheckFailure(
            f"the loss of {N + 1} rows is {whole:.6g}, the mean over its parts of {N} rows and 1 row {expected:.6g}",
            f"divide by the number of rows; {_at(fixture)}",
        )


def it_leaves_scores_and_labels_unchanged(fixture: LossFixture) -> None:
    """`value_and_grad` does not change its arguments: metrics use the same scores, y belongs to the dataset."""
    scores, y = fixture.scores.copy(), fixture.y.copy()
    fixture.loss.value_and_grad(scores, y, Context())
    for name, now, before in (("scores", scores, fixture.scores), ("y", y, fixture.y)):
        if now.tobytes() != before.tobytes():
            raise CheckFailure(f"value_and_grad changed {name}", f"{_at(fixture)}; work on a copy")


def twice_gives_the_same_bytes(fixture: LossFixture) -> None:
    """A second call with the same scores and targets gives the identical result."""
    before = fixture.value_and_grad()
    replace(fixture, seed=fixture.seed + 1).value_and_grad()
    _same("the second time", fixture.value_and_grad(), before)


def a_reused_context_changes_nothing(fixture: LossFixture) -> None:
    """The result is the same if ctx is used again, as in training; its arrays then have old contents."""
    ctx = ReusingContext(dtype=fixture.dtype)
    replace(fixture, seed=fixture.seed + 1).value_and_grad(ctx=ctx)
    _same("in a context that is used again", fixture.value_and_grad(ctx=ctx), fixture.value_and_grad())


def weights_of_ones_change_nothing(fixture: LossFixture) -> None:
    """With a weight of 1 for each example, the result is the same as without weights."""
    _takes_weights(fixture)
    (loss, dscores), (plain, expected) = _weighted(fixture, np.ones(N)), fixture.value_and_grad()
    if not abs(loss - plain) <= 1e-9 * (1 + abs(plain)):
        raise CheckFailure(
            f"the loss is {loss:.10g} with weights of 1, {plain:.10g} without", _look_at_weights(fixture)
        )
    if not np.allclose(dscores, expected, rtol=1e-9, atol=1e-12):
        raise CheckFailure("dscores differs with weights of 1 from the one without", _look_at_weights(fixture))


def a_weight_counts_as_so_many_equal_rows(fixture: LossFixture) -> None:
    """The weighted loss is Σ wᵢ lossᵢ / Σ wᵢ: a row of weight 4 counts as four equal rows, one of weight 0 as none.

    The gradient of a row of weight k is the sum of the gradients of its k copies.
    """
    _takes_weights(fixture)
    weights = np.arange(N) ** 2  # 0, 1, 4, …: the sum is not N, so a wrong division by N is found
    rows = np.repeat(np.arange(N), weights)
    loss, dscores = _weighted(fixture, weights.astype(fixture.dtype))
    expected, each = fixture.value_and_grad(fixture.scores[rows], fixture.y[rows])
    if not abs(loss - expected) <= 1e-9 * (1 + abs(expected)):
        raise CheckFailure(
            f"with the weights {', '.join(map(str, weights))} the loss is {loss:.10g}; with each row repeated that "
            f"often it is {expected:.10g}",
            f"compute Σ wᵢ lossᵢ / Σ wᵢ: divide by the sum of the weights; {_look_at_weights(fixture)}",
        )
    summed = np.zeros_like(dscores)
    np.add.at(summed, rows, each)
    if not np.allclose(dscores, summed, rtol=1e-7, atol=1e-9 * np.abs(summed).max(initial=0)):
        raise CheckFailure(
            f"dscores with weights is wrong by up to {np.abs(dscores - summed).max():.3g}", _look_at_weights(fixture)
        )


def _takes_weights(fixture: LossFixture) -> None:
    """Raises NotApplicable if the loss does not take weights."""
    if not fixture.loss.takes_weights:
        raise NotApplicable("it declares takes_weights = False")


def _weighted(fixture: LossFixture, weights: Array) -> tuple[float, Array]:
    return fixture.value_and_grad(ctx=Context(dtype=fixture.dtype, weights=weights))


def _look_at_weights(fixture: LossFixture) -> str:
    return f"look at ctx.weights; {_at(fixture)}"


def it_is_finite_for_extreme_scores(fixture: LossFixture) -> None:
    """Loss and gradient are finite for scores up to ±1,000, for which an exponential would overflow."""
    if fixture.targets.scores:
        raise NotApplicable("it takes probabilities")
    for dtype in (np.float64, np.float32):
        cast = replace(fixture, dtype=dtype)
        largest = 0.0
        for scale in 1e3 * 2.0 ** np.arange(-20, 0.5, 0.5):
            scores = np.asarray(scale * np.sign(cast.scores) * (1 + np.abs(cast.scores)) / 2, dtype)
            with np.errstate(all="ignore"):
                loss, dscores = cast.value_and_grad(scores)
            if not (np.isfinite(loss) and np.all(np.isfinite(dscores))):
                if largest > np.finfo(dtype).max ** 0.4:
                    raise NotApplicable("the loss itself becomes too large for its dtype")
                what = "dscores" if np.isfinite(loss) else "the loss"
                raise CheckFailure(
                    f"{what} is not finite for scores of about ±{scale:.3g} in {np.dtype(dtype)}",
                    f"rewrite the formula so that nothing overflows; {_at(fixture)}",
                )
            largest = max(abs(loss), float(np.abs(dscores).max()))


def labels_that_do_not_fit_are_refused(fixture: LossFixture) -> None:
    """Wrong targets raise an error before training, and do not give a finite loss."""
    checks = checks_targets(fixture.loss)
    for what, y in _wrong_targets(fixture):
        try:
            fixture.loss.check_labels(y, fixture.targets.output_shape)
        except ValueError:
            continue
        if checks:
            where = look_at(fixture.loss, "check_labels")
            raise CheckFailure(f"check_labels accepts {what}", f"{where}; raise ValueError and name the label")
        try:
            with np.errstate(all="ignore"):
                plausible = np.isfinite(fixture.value(y=y))
        except Exception:  # noqa: S112 - an exception of NumPy refuses them too, only later
            continue
        if plausible:
            raise CheckFailure(f"{what} gives a finite loss", "define check_labels, and raise ValueError")


def _wrong_targets(fixture: LossFixture) -> list[tuple[str, Array]]:
    """Targets of a wrong shape, and targets with wrong values; each with a description."""
    y, C = fixture.y, fixture.targets.output_shape[0]
    wrong_targets = []
    if checks_targets(fixture.loss):
        wrong_targets.append((f"labels of shape {(*y.shape, C + 2)}", np.stack([y] * (C + 2), axis=-1)))
    if fixture.targets.are_classes:
        for label in (-1, C):
            wrong = y.copy()
            wrong[1] = label
            wrong_targets.append((f"the label {label} for {C} scores a row", wrong))
        wrong_targets.append(("labels that are not integers", y + 0.5))
    elif y.dtype.kind == "f":
        for number in (np.nan, np.inf):
            wrong = y.copy()
            wrong.reshape(-1)[-1] = number
            wrong_targets.append((f"a target of {number}", wrong))
    return wrong_targets


def _same(when: str, now: tuple[float, Array], before: tuple[float, Array]) -> None:
    if now[0] != before[0]:
        raise CheckFailure(f"the loss is {now[0]} {when}, {before[0]} otherwise", "it stores something between calls")
    if now[1].tobytes() != before[1].tobytes():
        raise CheckFailure(f"dscores differs {when}", "it stores something between calls")


def _at(fixture: LossFixture) -> str:
    return look_at(fixture.loss, "value_and_grad")


CHECKS = (
    it_gives_a_loss_and_its_gradient,
    the_gradient_of_the_scores_is_right,
    float32_gives_what_float64_gives,
    it_is_the_mean_over_the_minibatch,
    it_leaves_scores_and_labels_unchanged,
    twice_gives_the_same_bytes,
    a_reused_context_changes_nothing,
    weights_of_ones_change_nothing,
    a_weight_counts_as_so_many_equal_rows,
    it_is_finite_for_extreme_scores,
    labels_that_do_not_fit_are_refused,
)
