"""For every network, … : layers, loss and regularizer together have the gradient of the loss."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fcframe.builder import build
from fcframe.components import Layer
from fcframe.context import Array, Context
from fcframe.kernels import NUMPY, Kernels
from fcframe.network import Network
from fcframe.spec.models import ExperimentSpec, NetworkSpec, Spec
from fcframe.verify.labels import Labelled, labelled_for
from fcframe.verify.numerical import Judgement, Verdict
from fcframe.verify.report import CheckFailure, Inconclusive, NotApplicable, place
from fcframe.verify.scalars import described, judged

N = 5
WORK = 2**30
"""Multiplications for two losses an element; where elements are wrong, many more are measured, in some seconds."""


@dataclass(frozen=True)
class NetworkTrial:
    """A network in float64, with a minibatch that its loss takes, and the same chance in every pass.

    A spec's network is taken off its start, so that no scale is 1 and no shift is 0; one that is built is taken as
    it is.
    """

    source: Network | Spec
    seed: int = 0
    kernels: Kernels = NUMPY

    @property
    def spec(self) -> NetworkSpec:
        """The network's spec."""
        source = self.source.spec if isinstance(self.source, Network) else self.source
        return source.network if isinstance(source, ExperimentSpec) else source

    @cached_property
    def network(self) -> Network:
        """The network, a copy in float64."""
        network = build(self.spec, seed=self.seed, dtype="float64", kernels=self.kernels)
        if isinstance(self.source, Network):
            network.params.flat[...] = self.source.params.flat
            network.state.flat[...] = self.source.state.flat
        else:
            network.params.flat[...] += 0.1 * self._rng().normal(size=network.params.flat.shape)
        return network

    @cached_property
    def minibatch(self) -> tuple[Array, Array]:
        """X and y."""
        rng = self._rng()
        labelled: Labelled = labelled_for(self.spec.loss, self.network.output_shape)
        _, y = labelled.draw(N, rng)
        return rng.normal(size=(N, *self.spec.input)), y

    @cached_property
    def chosen(self) -> dict[str, Array]:
        """The flat indices of the elements that are measured: all of a small network's, as many of each otherwise."""
        params, rng = self.network.params, self._rng()
        share = max(8, WORK // (2 * N * max(1, params.flat.size)) // max(1, len(params)))
        if share * len(params) >= params.flat.size:
            return {name: np.arange(array.size) for name, array in params.items()}
        return {
            name: np.sort(rng.choice(array.size, min(share, array.size), replace=False))
            for name, array in params.items()
        }

    def __str__(self) -> str:
        shape = "x".join(str(size) for size in (N, *self.spec.input))
        measured, size = sum(map(len, self.chosen.values())), self.network.params.flat.size
        return f"x={shape}" + (f", a sample of {measured:,} of {size:,} derivatives" if measured < size else "")

    def gradients(self) -> tuple[float, dict[str, Array]]:
        """The network's own loss and gradients; the running state is put back."""
        state = self.network.state.flat.copy()
        found = self.network.loss(*self.minibatch, rng=np.random.default_rng(self.seed))
        self.network.state.flat[...] = state
        return found

    def loss(self, name: str = "", changed: Array | None = None) -> float:
        """The loss without any backward, put together from its parts; a parameter can be another one."""
        network, (X, y) = self.network, self.minibatch
        params = dict(network.params) if changed is None else {**network.params, name: changed}
        state = {key: array.copy() for key, array in network.state.items()}
        ctx = Context(rng=np.random.default_rng(self.seed), state=state, params=params)
        scores, _ = network.chain.forward(X, params, ctx)
        loss, _ = self.spec.loss.value_and_grad(scores, y, Context())
        return loss + sum(self._penalty(key, params[key]) for key in network.decaying)

    def _penalty(self, name: str, w: Array) -> float:
        if self.spec.regularizer is None:
            return 0.0
        if w is not self.network.params[name]:
            return self.spec.regularizer.value_and_grad(w, Context())[0]
        return self._penalties[name]

    @cached_property
    def _penalties(self) -> dict[str, float]:
        regularizer, params = self.spec.regularizer, self.network.params
        assert regularizer is not None
        return {name: regularizer.value_and_grad(params[name], Context())[0] for name in self.network.decaying}

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, 1])


def the_loss_is_that_of_its_parts(trial: NetworkTrial) -> None:
    """The data's loss of the last layer's scores, and the regularizer's penalty on every parameter that decays."""
    loss, expected = trial.gradients()[0], trial.loss()
    if not np.isfinite(loss) or not abs(loss - expected) <= 1e-9 * (1 + abs(expected)):
        raise CheckFailure(f"the loss is {loss:.10g}, of its parts {expected:.10g}", "")


def each_parameter_has_its_gradient(trial: NetworkTrial) -> None:
    """The optimizer moves what has a gradient, and nothing else."""
    _, grads = trial.gradients()
    params = trial.network.params
    if grads.keys() != params.keys():
        raise CheckFailure(f"there are gradients of {sorted(grads)}, the parameters are {sorted(params)}", "")
    for name, gradient in grads.items():
        if gradient.shape != params[name].shape:
            raise CheckFailure(f"the gradient of {name} has shape {gradient.shape}, expected {params[name].shape}", "")


def the_gradient_of_each_parameter_is_right(trial: NetworkTrial) -> None:
    """All of it together: every parameter, as the loss with its penalty changes; each element, or a drawn sample."""
    if not trial.network.params:
        raise NotApplicable("it has no parameters")
    _, grads = trial.gradients()
    found: dict[str, Judgement] = {}
    for name, array in trial.network.params.items():
        found[name] = judged(
            grads[name],
            array,
            lambda changed, name=name: trial.loss(name, changed),  # type: ignore[misc]
            trial.chosen[name],
        )
    wrong = [name for name, judgement in found.items() if judgement.has(Verdict.WRONG)]
    if wrong:
        name = wrong[-1]
        raise CheckFailure(
            described(name, found[name], trial.network.params[name].shape, trial.chosen[name]),
            "\n".join(_where(trial, wrong, list(found))),
        )
    undecided = sum(len(judgement.where(Verdict.INCONCLUSIVE)) for judgement in found.values())
    if undecided:
        raise Inconclusive(f"{undecided} derivatives could not be measured well enough to decide")


def a_pass_leaves_everything_but_the_state_unchanged(trial: NetworkTrial) -> None:
    """The minibatch is the data set's, and only the optimizer moves parameters."""
    X, y = trial.minibatch
    kept = {"X": X.copy(), "y": y.copy(), "the parameters": trial.network.params.flat.copy()}
    trial.gradients()
    for name, now in {"X": X, "y": y, "the parameters": trial.network.params.flat}.items():
        if now.tobytes() != kept[name].tobytes():
            raise CheckFailure(f"a training pass changed {name}", "a layer or the loss works in place")


def twice_gives_the_same_bytes(trial: NetworkTrial) -> None:
    """With the same minibatch, parameters, state and randomness there is one loss and one gradient."""
    (loss, grads), (again, twice) = trial.gradients(), trial.gradients()
    if loss != again or any(array.tobytes() != twice[name].tobytes() for name, array in grads.items()):
        raise CheckFailure("a second pass gives another loss or another gradient", "a layer keeps something, or draws")


def an_evaluation_leaves_the_state_alone(trial: NetworkTrial) -> None:
    """Scoring a test set twice gives the same scores, and moves no running statistic."""
    X, _ = trial.minibatch
    state = trial.network.state.flat.copy()
    if trial.network.scores(X).tobytes() != trial.network.scores(X).tobytes():
        raise CheckFailure("scoring the same examples twice gives other scores", "a layer draws in an evaluation")
    if trial.network.state.flat.tobytes() != state.tobytes():
        raise CheckFailure("an evaluation changed the running state", "a layer writes state where it should not")


def _where(trial: NetworkTrial, wrong: list[str], names: list[str]) -> Iterator[str]:
    """What lies between the last wrong parameter and the first right one nearer to the loss."""
    yield f"wrong are {', '.join(wrong[:8])}{', …' if len(wrong) > 8 else ''}; of {len(names)} parameters"
    layers: dict[str, Layer] = {name: layer for name, layer, _ in trial.network.chain.inner(trial.spec.input)}
    order = list(layers)
    last = order.index(wrong[-1].partition(".")[0])
    nearer = [order.index(name.partition(".")[0]) for name in names if name not in wrong]
    end = min((index for index in nearer if index > last), default=len(order) - 1)
    suspects = {type(layers[name]): name for name in order[last : end + 1]}
    looks = [f"{name} ({place(kind.backward)})" for kind, name in suspects.items()]
    yield f"what is nearer to the loss is right, so look at backward of {', '.join(looks)}"
    yield f"or check them alone: fcframe gradcheck {' '.join(kind.type for kind in suspects)}"


CHECKS = (
    the_loss_is_that_of_its_parts,
    each_parameter_has_its_gradient,
    the_gradient_of_each_parameter_is_right,
    a_pass_leaves_everything_but_the_state_unchanged,
    twice_gives_the_same_bytes,
    an_evaluation_leaves_the_state_alone,
)
