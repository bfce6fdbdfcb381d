"""For every network, … : layers, loss and regularizer together have the gradient of the loss."""

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
    """The data's loss of the last layer's scores, and the regularizer's penalty on every parameter that decays."""
    loss, expected = fixture.gradients()[0], fixture.loss()
    if not np.isfinite(loss) or not abs(loss - expected) <= 1e-9 * (1 + abs(expected)):
        raise CheckFailure(f"the loss is {loss:.10g}, of its parts {expected:.10g}", "")


def each_parameter_has_its_gradient(fixture: NetworkFixture) -> None:
    """The optimizer moves what has a gradient, and nothing else."""
    _, grads = fixture.gradients()
    params, trainable = fixture.network.params, fixture.network.trainable
    if grads.keys() != set(trainable):
        raise CheckFailure(f"there are gradients of {sorted(grads)}, trained are {sorted(trainable)}", "")
    for name, gradient in grads.items():
        if gradient.shape != params[name].shape:
            raise CheckFailure(f"the gradient of {name} has shape {gradient.shape}, expected {params[name].shape}", "")


@takes_long(60.0)
def the_gradient_of_each_parameter_is_right(fixture: NetworkFixture) -> None:
    """All of it together: every parameter, as the loss with its penalty changes; each element, or a drawn sample."""
    if not fixture.network.trainable:
        raise NotApplicable("it has no parameters that are trained")
    # A wrong element takes many losses to be sure of, so a large network's first few decide where they can.
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
    """The minibatch is the data set's, and only the optimizer moves parameters."""
    X, y = fixture.minibatch
    kept = {"X": X.copy(), "y": y.copy(), "the parameters": fixture.network.params.flat.copy()}
    fixture.gradients()
    for name, now in {"X": X, "y": y, "the parameters": fixture.network.params.flat}.items():
        if now.tobytes() != kept[name].tobytes():
            raise CheckFailure(f"a training pass changed {name}", "a layer or the loss works in place")


def twice_gives_the_same_bytes(fixture: NetworkFixture) -> None:
    """With the same minibatch, parameters, state and randomness there is one loss and one gradient."""
    (loss, grads), (again, twice) = fixture.gradients(), fixture.gradients()
    if loss != again or any(array.tobytes() != twice[name].tobytes() for name, array in grads.items()):
        raise CheckFailure("a second pass gives another loss or another gradient", "a layer keeps something, or draws")


def an_evaluation_leaves_the_state_alone(fixture: NetworkFixture) -> None:
    """Scoring a test set twice gives the same scores, and moves no running statistic."""
    X, _ = fixture.minibatch
    state = fixture.network.state.flat.copy()
    if fixture.network.scores(X).tobytes() != fixture.network.scores(X).tobytes():
        raise CheckFailure("scoring the same examples twice gives other scores", "a layer draws in an evaluation")
    if fixture.network.state.flat.tobytes() != state.tobytes():
        raise CheckFailure("an evaluation changed the running state", "a layer writes state where it should not")


def _judgements(fixture: NetworkFixture, chosen: dict[str, Array]) -> dict[str, Judgement]:
    """The verdicts on the chosen elements of each trained parameter's gradient."""
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
    """The parameters with a wrong element."""
    return [name for name, judgement in judgements.items() if judgement.has(Verdict.WRONG)]


def _where(fixture: NetworkFixture, wrong: list[str], names: list[str]) -> Iterator[str]:
    """What lies between the last wrong parameter and the first right one nearer to the loss."""
    yield f"wrong are {', '.join(wrong[:8])}{', …' if len(wrong) > 8 else ''}; of {len(names)} parameters"
    layers: dict[str, Layer] = {name: layer for name, layer, _ in fixture.network.chain.inner(fixture.spec.input)}
    order = list(layers)
    last = order.index(wrong[-1].partition(".")[0])
    nearer = [order.index(name.partition(".")[0]) for name in names if name not in wrong]
    end = min((index for index in nearer if index > last), default=len(order) - 1)
    suspects = {type(layers[name]): name for name in order[last : end + 1]}
    looks = [f"{name} ({source_location(kind.backward)})" for kind, name in suspects.items()]
    yield f"what is nearer to the loss is right, so look at backward of {', '.join(looks)}"
    yield f"or check them alone: fcframe gradcheck {' '.join(kind.type for kind in suspects)}"


CHECKS = (
    the_loss_is_the_sum_of_its_parts,
    each_parameter_has_its_gradient,
    the_gradient_of_each_parameter_is_right,
    a_pass_leaves_everything_but_the_state_unchanged,
    twice_gives_the_same_bytes,
    an_evaluation_leaves_the_state_alone,
)
