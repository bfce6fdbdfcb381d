"""Checks for networks: the gradients of the whole loss, with layers, loss and regularizers together."""

from collections.abc import Iterator

import numpy as np

from fcframe.components import Layer
from fcframe.context import Array
from fcframe.verify.derivatives.scalar import judged
from fcframe.verify.derivatives.verdict import Judgement, Verdict
from fcframe.verify.diagnosis.scalar import described
from fcframe.verify.fixtures.network import NetworkFixture
from fcframe.verify.report import CheckFailure, Inconclusive, NotApplicable, source_location
from fcframe.verify.running.check import takes_long


def the_loss_is_the_sum_of_its_parts(fixture: NetworkFixture) -> None:
    """The loss is the data loss of the scores plus the penalties of the regularizers."""
    loss, expected = fixture.gradients()[0], fixture.loss()
    if not np.isfinite(loss) or not abs(loss - expected) <= 1e-9 * (1 + abs(expected)):
        raise CheckFailure(f"the loss is {loss:.10g}, the sum of data loss and penalties is {expected:.10g}", "")


def each_parameter_has_its_gradient(fixture: NetworkFixture) -> None:
    """Exactly the trainable parameters have gradients, of their own shapes."""
    _, grads = fixture.gradients()
    params, trainable = fixture.network.params, fixture.network.trainable
    if grads.keys() != set(trainable):
        raise CheckFailure(
            f"there are gradients of {sorted(grads)}, the trainable parameters are {sorted(trainable)}", ""
        )
    for name, gradient in grads.items():
        if gradient.shape != params[name].shape:
            raise CheckFailure(f"the gradient of {name} has shape {gradient.shape}, expected {params[name].shape}", "")


@takes_long(60.0)
def the_gradient_of_each_parameter_is_right(fixture: NetworkFixture) -> None:
    """Gradients agree with finite differences of the loss in each element, or in a random sample of elements."""
    if not fixture.network.trainable:
        raise NotApplicable("it has no trainable parameters")
    # To prove an element wrong takes many evaluations of the loss, so a few elements of a large network come first.
    chosen = fixture.few
    judgements = _judgements(fixture, chosen)
    if not _wrong(judgements):
        chosen = fixture.chosen
        judgements = _judgements(fixture, chosen)
    wrong = _wrong(judgements)
    if wrong:
        name = wrong[-1]
        raise CheckFailure(
            described(name, judgements[name], fixture.network.params[name].shape, chosen[name]),
            "\n".join(_where(fixture, wrong, list(judgements))),
        )
    undecided = sum(len(judgement.where(Verdict.INCONCLUSIVE)) for judgement in judgements.values())
    if undecided:
        raise Inconclusive(f"{undecided} derivatives could not be measured well enough to decide")


def a_pass_leaves_everything_but_the_state_unchanged(fixture: NetworkFixture) -> None:
    """A training pass changes neither the minibatch nor the parameters."""
    X, y = fixture.minibatch
    before = {"X": X.copy(), "y": y.copy(), "the parameters": fixture.network.params.flat.copy()}
    fixture.gradients()
    for name, now in {"X": X, "y": y, "the parameters": fixture.network.params.flat}.items():
        if now.tobytes() != before[name].tobytes():
            raise CheckFailure(f"a training pass changed {name}", "a layer or the loss changes an array in place")


def twice_gives_the_same_bytes(fixture: NetworkFixture) -> None:
    """Two passes with the same minibatch, parameters, state and random numbers give identical results."""
    (loss, grads), (again, twice) = fixture.gradients(), fixture.gradients()
    if loss != again or any(array.tobytes() != twice[name].tobytes() for name, array in grads.items()):
        raise CheckFailure(
            "a second pass gives another loss or another gradient",
            "a layer stores something between calls, or draws from another generator",
        )


def an_evaluation_leaves_the_state_alone(fixture: NetworkFixture) -> None:
    """An evaluation gives the same scores twice and does not change the running state."""
    X, _ = fixture.minibatch
    state = fixture.network.state.flat.copy()
    if fixture.network.scores(X).tobytes() != fixture.network.scores(X).tobytes():
        raise CheckFailure(
            "two evaluations of the same examples give different scores",
            "a layer draws random numbers in an evaluation",
        )
    if fixture.network.state.flat.tobytes() != state.tobytes():
        raise CheckFailure(
            "an evaluation changed the running state", "a layer changes ctx.state though ctx.training is False"
        )


def _judgements(fixture: NetworkFixture, chosen: dict[str, Array]) -> dict[str, Judgement]:
    """The verdicts on the chosen elements of each gradient."""
    _, grads = fixture.gradients()
    return {
        name: judged(
            grads[name],
            fixture.network.params[name],
            lambda changed, name=name: fixture.loss(name, changed),  # type: ignore[misc]
            elements,
        )
        for name, elements in chosen.items()
    }


def _wrong(judgements: dict[str, Judgement]) -> list[str]:
    """The names of the parameters with a wrong element."""
    return [name for name, judgement in judgements.items() if judgement.has(Verdict.WRONG)]


def _where(fixture: NetworkFixture, wrong: list[str], names: list[str]) -> Iterator[str]:
    """Advice to look at the layers between the last wrong parameter and the next right one towards the loss."""
    yield f"{len(wrong)} of {len(names)} parameters are wrong: {', '.join(wrong[:8])}{', …' if len(wrong) > 8 else ''}"
    layers: dict[str, Layer] = {name: layer for name, layer, _ in fixture.network.chain.inner(fixture.spec.input)}
    order = list(layers)
    last = order.index(wrong[-1].partition(".")[0])
    nearer = [order.index(name.partition(".")[0]) for name in names if name not in wrong]
    end = min((index for index in nearer if index > last), default=len(order) - 1)
    suspects = {type(layers[name]): name for name in order[last : end + 1]}
    looks = [f"{name} ({source_location(kind.backward)})" for kind, name in suspects.items()]
    yield f"layers nearer to the loss are right, so look at backward of {', '.join(looks)}"
    yield f"or check these layers alone: fcframe gradcheck {' '.join(kind.type for kind in suspects)}"


CHECKS = (
    the_loss_is_the_sum_of_its_parts,
    each_parameter_has_its_gradient,
    the_gradient_of_each_parameter_is_right,
    a_pass_leaves_everything_but_the_state_unchanged,
    twice_gives_the_same_bytes,
    an_evaluation_leaves_the_state_alone,
)
