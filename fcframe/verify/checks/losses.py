"""For every loss, … : it is a mean over the minibatch, its gradient is that of its value, and it refuses bad labels."""

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
    """Without labels that it takes, nothing of it can be checked."""
    found, reason = accepted_targets(component)
    if not found and (refusal := refuses_all_scores(component)):
        raise NotApplicable(f"this configuration takes none of the shapes of scores that are tried: {refusal}")
    if not found:
        raise CheckFailure(
            f"{'the declared targets are not taken' if component.targets else 'none of the usual targets is taken'}; "
            f"the first try said: {reason}",
            "" if component.targets else "declare what y holds in the class, for example targets = Classes()",
        )


def it_gives_a_loss_and_its_gradient(fixture: LossFixture) -> None:
    """Training reads the one and follows the other: a number, and an array in the scores' shape and dtype."""
    for dtype in (np.float64, np.float32):
        seen = replace(fixture, dtype=dtype)
        given = seen.value_and_grad()
        if not isinstance(given, tuple) or len(given) != 2:
            raise CheckFailure(f"it returned a {type(given).__name__}, expected (loss, dscores)", _at(fixture))
        loss, dscores = given
        require_number("the loss", loss, _at(fixture))
        if not isinstance(dscores, np.ndarray):
            raise CheckFailure(f"dscores is a {type(dscores).__name__}, expected an array", _at(fixture))
        if dscores.shape != seen.scores.shape:
            raise CheckFailure(f"dscores has shape {dscores.shape}, the scores have {seen.scores.shape}", _at(fixture))
        if dscores.dtype != dtype:
            raise CheckFailure(f"dscores is {dscores.dtype} for scores of {np.dtype(dtype)}", _at(fixture))


def the_gradient_of_the_scores_is_right(fixture: LossFixture) -> None:
    """Every layer learns from what the loss hands down."""
    _, dscores = fixture.value_and_grad()
    meanings = {f"N = {N}": N, f"{fixture.scores.size}, the number of scores": fixture.scores.size}
    meanings |= {f"{size}, an axis of the scores": size for size in fixture.targets.output_shape if size > 1}
    compare("scores", dscores, fixture.scores, fixture.value, _at(fixture), meanings)


def float32_gives_what_float64_gives(fixture: LossFixture) -> None:
    """Networks are trained in float32; what is right in float64 alone is of little use."""
    wide, narrow = fixture.value_and_grad(), replace(fixture, dtype=np.float32).value_and_grad()
    for index, name in enumerate(("the loss", "dscores")):
        one, other = np.asarray(wide[index]), np.asarray(narrow[index], np.float64)
        off = float(np.abs(other - one).max())
        if not off <= 1e-3 * np.abs(one).max() + 1e-5:
            raise CheckFailure(f"{name} in float32 differs from the one in float64 by up to {off:.3g}", _at(fixture))


def it_is_the_mean_over_the_minibatch(fixture: LossFixture) -> None:
    """The learning rate must not have to follow the minibatch's size, nor the last, smaller minibatch weigh more."""
    (scores, y), (more, labels) = fixture.drawn, replace(fixture, seed=fixture.seed + 1).drawn
    whole = fixture.value(np.concatenate([scores, more[:1]]), np.concatenate([y, labels[:1]]))
    expected = (N * fixture.value() + fixture.value(more[:1], labels[:1])) / (N + 1)
    twice = fixture.value(np.concatenate([scores, scores]), np.concatenate([y, y]))
    tolerance = 1e-9 * (1 + abs(fixture.value()))
    if not abs(twice - fixture.value()) <= tolerance:
        cause = "it is a sum over the minibatch" if abs(twice - 2 * fixture.value()) <= tolerance else ""
        raise CheckFailure(
            f"the loss is {fixture.value():.6g}, of every row twice {twice:.6g}", f"{cause}\n{_at(fixture)}"
        )
    if fixture.loss.takes_weights:  # classes may weigh differently: the whole lies between its parts
        parts = sorted((fixture.value(), fixture.value(more[:1], labels[:1])))
        expected = min(max(whole, parts[0]), parts[1])
    if not abs(whole - expected) <= tolerance:
        raise CheckFailure(
            f"the loss of {N} rows and one more is {whole:.6g}, the mean of both by their rows {expected:.6g}",
            f"divide by the number of rows; {_at(fixture)}",
        )


def it_leaves_scores_and_labels_unchanged(fixture: LossFixture) -> None:
    """The metric is computed of the same scores, and the labels are the data set's."""
    scores, y = fixture.scores.copy(), fixture.y.copy()
    fixture.loss.value_and_grad(scores, y, Context())
    for name, now, before in (("scores", scores, fixture.scores), ("y", y, fixture.y)):
        if now.tobytes() != before.tobytes():
            raise CheckFailure(f"value_and_grad changed {name}", f"{_at(fixture)}; work on a copy")


def twice_gives_the_same_bytes(fixture: LossFixture) -> None:
    """With the same scores and labels there is one loss."""
    before = fixture.value_and_grad()
    replace(fixture, seed=fixture.seed + 1).value_and_grad()
    _same("the second time", fixture.value_and_grad(), before)


def a_reused_context_changes_nothing(fixture: LossFixture) -> None:
    """The solver hands out the same arrays in every step; a loss must not count on finding zeros in them."""
    ctx = ReusingContext(dtype=fixture.dtype)
    replace(fixture, seed=fixture.seed + 1).value_and_grad(ctx=ctx)
    _same("in a context that is used again", fixture.value_and_grad(ctx=ctx), fixture.value_and_grad())


def weights_of_ones_change_nothing(fixture: LossFixture) -> None:
    """Where all examples weigh the same, the weighted mean is the mean."""
    _takes_weights(fixture)
    (loss, dscores), (plain, expected) = _weighted(fixture, np.ones(N)), fixture.value_and_grad()
    if not abs(loss - plain) <= 1e-9 * (1 + abs(plain)):
        raise CheckFailure(
            f"the loss is {loss:.10g} with weights of 1, {plain:.10g} without", _look_at_weights(fixture)
        )
    if not np.allclose(dscores, expected, rtol=1e-9, atol=1e-12):
        raise CheckFailure("dscores is another one with weights of 1 than without", _look_at_weights(fixture))


def a_weight_counts_as_so_many_equal_rows(fixture: LossFixture) -> None:
    """Weights w give Σ wᵢ lossᵢ / Σ wᵢ: a weight of 2 counts as the row twice, a weight of 0 as if it were not there.

    The gradient follows: for a row of weight w it is the sum of those of its w copies.
    """
    _takes_weights(fixture)
    weights = np.arange(N) ** 2  # 0, 1, 4: their sum is not N, which would hide a division by N
    rows = np.repeat(np.arange(N), weights)
    loss, dscores = _weighted(fixture, weights.astype(fixture.dtype))
    expected, each = fixture.value_and_grad(fixture.scores[rows], fixture.y[rows])
    if not abs(loss - expected) <= 1e-9 * (1 + abs(expected)):
        raise CheckFailure(
            f"with the weights {', '.join(map(str, weights))} the loss is {loss:.10g}; of the rows repeated as often "
            f"it is {expected:.10g}",
            f"Σ wᵢ lossᵢ / Σ wᵢ: divide by the sum of the weights; {_look_at_weights(fixture)}",
        )
    summed = np.zeros_like(dscores)
    np.add.at(summed, rows, each)
    if not np.allclose(dscores, summed, rtol=1e-7, atol=1e-9 * np.abs(summed).max(initial=0)):
        raise CheckFailure(
            f"with weights dscores is off by up to {np.abs(dscores - summed).max():.3g}", _look_at_weights(fixture)
        )


def _takes_weights(fixture: LossFixture) -> None:
    if not fixture.loss.takes_weights:
        raise NotApplicable("it declares takes_weights = False")


def _weighted(fixture: LossFixture, weights: Array) -> tuple[float, Array]:
    return fixture.value_and_grad(ctx=Context(dtype=fixture.dtype, weights=weights))


def _look_at_weights(fixture: LossFixture) -> str:
    return f"look at ctx.weights; {_at(fixture)}"


def it_is_finite_for_extreme_scores(fixture: LossFixture) -> None:
    """A network that is badly wrong must learn from it; at a score of 1000 an exponential overflows."""
    if fixture.targets.scores:
        raise NotApplicable("it takes probabilities")
    for dtype in (np.float64, np.float32):
        seen = replace(fixture, dtype=dtype)
        largest = 0.0
        for scale in 1e3 * 2.0 ** np.arange(-20, 0.5, 0.5):
            scores = np.asarray(scale * np.sign(seen.scores) * (1 + np.abs(seen.scores)) / 2, dtype)
            with np.errstate(all="ignore"):
                loss, dscores = seen.value_and_grad(scores)
            if not (np.isfinite(loss) and np.all(np.isfinite(dscores))):
                if largest > np.finfo(dtype).max ** 0.4:
                    raise NotApplicable("the loss itself grows beyond what a float holds")
                what = "dscores" if np.isfinite(loss) else "the loss"
                raise CheckFailure(
                    f"{what} is not finite for scores of about ±{scale:.3g} in {np.dtype(dtype)}",
                    f"rewrite it so that nothing overflows; {_at(fixture)}",
                )
            largest = max(abs(loss), float(np.abs(dscores).max()))


def labels_that_do_not_fit_are_refused(fixture: LossFixture) -> None:
    """A wrong label is found before training, with a message, and never becomes a plausible loss."""
    checks = checks_targets(fixture.loss)
    for what, y in _unfit(fixture):
        try:
            fixture.loss.check_labels(y, fixture.targets.output_shape)
        except ValueError:
            continue
        if checks:
            where = look_at(fixture.loss, "check_labels")
            raise CheckFailure(f"check_labels accepts {what}", f"{where}; raise ValueError and say which label")
        try:
            with np.errstate(all="ignore"):
                plausible = np.isfinite(fixture.value(y=y))
        except Exception:  # noqa: S112 - refused late, and in NumPy's words, but refused
            continue
        if plausible:
            raise CheckFailure(f"{what} gives a loss as if it were right", "define check_labels, and raise ValueError")


def _unfit(fixture: LossFixture) -> list[tuple[str, Array]]:
    y, C = fixture.y, fixture.targets.output_shape[0]
    found = []
    if checks_targets(fixture.loss):
        found.append((f"labels of shape {(*y.shape, C + 2)}", np.stack([y] * (C + 2), axis=-1)))
    if fixture.targets.are_classes:
        for label in (-1, C):
            wrong = y.copy()
            wrong[1] = label
            found.append((f"the label {label} for {C} scores a row", wrong))
        found.append(("labels that are no integers", y + 0.5))
    elif y.dtype.kind == "f":
        for number in (np.nan, np.inf):
            wrong = y.copy()
            wrong.reshape(-1)[-1] = number
            found.append((f"a target of {number}", wrong))
    return found


def _same(when: str, now: tuple[float, Array], before: tuple[float, Array]) -> None:
    if now[0] != before[0]:
        raise CheckFailure(f"the loss is {now[0]} {when}, {before[0]} otherwise", "it keeps something between calls")
    if now[1].tobytes() != before[1].tobytes():
        raise CheckFailure(f"dscores is another one {when}", "it keeps something between calls")


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
