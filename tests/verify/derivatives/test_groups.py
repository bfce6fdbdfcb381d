"""Many parameters are moved a few at a time: what passes so, and that nothing wrong hides in a group."""

import numpy as np
import pytest

from fcframe import Layer, Parameter
from fcframe.verify.checks.layer.gradients import the_gradient_of_each_parameter_is_right, the_gradient_of_x_is_right
from fcframe.verify.derivatives.layer import comparisons
from fcframe.verify.derivatives.verdict import Verdict, judge_all, scales
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.generate.layer_cases import LayerCase
from fcframe.verify.report import Status
from fcframe.verify.running.check import run_check
from fcframe_standard.initializers.zeros import Zeros

D, C = 8, 9


def weighted(weight, gradient, calls=None):
    """The layer x·w(W), whose backward says that dW is `gradient(dW if w were W, W)`; its forwards are counted."""

    class Weighted(Layer):
        type = "weighted"

        def output_shape(self, input_shape):
            return (C,)

        def parameters(self, input_shape):
            return {"W": Parameter((D, C), Zeros())}

        def forward(self, x, params, ctx):
            if calls is not None:
                calls.append(1)
            return x @ weight(params["W"]), (x, params["W"])

        def backward(self, dout, cache, ctx):
            x, W = cache
            return dout @ weight(W).T, {"W": gradient(x.T @ dout, W)}

    return Weighted()


def status(layer, check=the_gradient_of_each_parameter_is_right, seed=0, width=D):
    case = LayerCase(layer, (width,), N=4, seed=seed)
    return run_check("layer", check, "a case", [lambda: LayerFixture(case)]).status


def wrong_elements(layer, seed=0):
    """Of dW, by the first dout."""
    found = next(comparisons(LayerFixture(LayerCase(layer, (D,), N=4, seed=seed)), lambda name: name == "dW"))
    return [
        tuple(int(step) for step in place)
        for place in np.argwhere(found.judgement.verdicts.reshape(D, C) != Verdict.AGREES)
    ]


def changed(places):
    """The gradient of W itself, with something added to some elements."""

    def gradient(dW, W):
        dW = dW.copy()
        for place, change in places.items():
            dW[place] += change
        return dW

    return gradient


def small(W):
    """One element hardly matters, and not smoothly."""
    W = W.copy()
    W[2, 3] = 1e-6 * np.abs(W[2, 3])
    return W


def of_small(share):
    def gradient(dW, W):
        dW = dW.copy()
        dW[2, 3] *= share * 1e-6 * np.sign(W[2, 3])
        return dW

    return gradient


def times(slope):
    return lambda dW, W: dW * slope(W)


LAYERS = {
    "itself": (lambda W: W, times(lambda W: 1.0), times(lambda W: 1.00001)),
    "tanh": (np.tanh, times(lambda W: 1 - np.tanh(W) ** 2), times(lambda W: 1 - np.tanh(W))),
    "another sign": (np.sin, times(np.cos), times(lambda W: -np.cos(W))),
    "rectified": (lambda W: np.maximum(W, 0), times(lambda W: W > 0), times(lambda W: W > -0.1)),
    "modulus": (lambda W: W * np.abs(W), times(lambda W: 2 * np.abs(W)), times(np.abs)),
    "one element": (small, of_small(1.0), of_small(0.0)),
    "one element, a hundredth": (small, of_small(1.0), of_small(1.01)),
    "swapped": (lambda W: W, times(lambda W: 1.0), lambda dW, W: dW[::-1]),
    "summed and shared out": (lambda W: W, times(lambda W: 1.0), lambda dW, W: np.zeros_like(dW) + dW.mean()),
    "one off": (lambda W: W, times(lambda W: 1.0), changed({(7, 8): 1e-4})),
    "all but zero": (lambda W: 1e-9 * W, lambda dW, W: 1e-9 * dW, lambda dW, W: 0 * dW),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("weight", "right", "wrong"), LAYERS.values(), ids=LAYERS)
def test_a_right_backward_passes_and_a_wrong_one_fails(weight, right, wrong, seed):
    assert status(weighted(weight, right), seed=seed) is Status.PASSED
    assert status(weighted(weight, wrong), seed=seed) is Status.FAILED


@pytest.mark.parametrize("seed", range(20))
def test_errors_that_add_up_to_nothing_are_found_and_they_alone(seed):
    rng = np.random.default_rng(seed)
    places = [tuple(int(step) for step in np.unravel_index(place, (D, C))) for place in rng.permutation(D * C)[:4]]
    layer = weighted(lambda W: W, changed(dict(zip(places, (1e-3, -1e-3, 1e-3, -1e-3), strict=True))))
    assert wrong_elements(layer, seed) == sorted(places)
    every = weighted(lambda W: W, lambda dW, W: dW + 1e-3 * np.where(np.indices(W.shape).sum(axis=0) % 2, 1, -1))
    assert len(wrong_elements(every, seed)) == D * C


@pytest.mark.parametrize("seed", range(10))
def test_an_error_in_one_of_the_two_douts_is_found(seed):
    fixture = LayerFixture(LayerCase(weighted(lambda W: W, times(lambda W: 1.0)), (D,), N=4, seed=seed))
    first = fixture.douts[0].copy()

    def backward(dout, cache, ctx):
        dW = cache[0].T @ dout
        dW[3, 4] += 1e-3 * np.array_equal(dout, first)
        return dout @ cache[1].T, {"W": dW}

    object.__setattr__(fixture.layer, "backward", backward)
    found = list(comparisons(fixture, lambda name: name == "dW"))
    assert [len(one.judgement.where(Verdict.WRONG)) for one in found] == [1, 0]


@pytest.mark.parametrize("seed", range(10))
def test_an_error_is_found_as_if_the_element_were_alone(seed):
    """By 1e-6, relative to itself; and where others are a million times as large."""
    layer = weighted(lambda W: W, lambda dW, W: dW * (1 + 1e-6 * (np.abs(dW) == np.abs(dW).max())))
    assert len(wrong_elements(layer, seed)) == 1

    rng = np.random.default_rng(seed)
    x, slopes = rng.normal(size=100), rng.normal(size=(2, 100))
    x[:8] *= 1e6
    slopes[:, 8:] *= 1e-8

    def changes(elements, offsets):
        rows = slopes[:, elements] * offsets
        found = rows.reshape(*rows.shape[:2], -1).sum(axis=-1)
        return found, 1e-20 * np.ones_like(found)

    for factor in (0.0, 1.5, -1.0):
        wrong = slopes.copy()
        wrong[:, 8:] *= factor
        groups, alone = (judge_all(wrong, changes, scales(x), together=together) for together in (True, False))
        for one, other in zip(groups, alone, strict=True):
            assert one.verdicts.tolist() == other.verdicts.tolist()
            assert len(one.where(Verdict.WRONG)) > 70


@pytest.mark.parametrize("seed", range(10))
def test_nor_does_a_tiny_layer_get_more_room(seed):
    def gradient(factor):
        return times(lambda W: factor * 1e-12 / (3 * np.cbrt(W) ** 2))

    assert status(weighted(lambda W: 1e-12 * np.cbrt(W), gradient(1.0)), seed=seed) is Status.PASSED
    assert status(weighted(lambda W: 1e-12 * np.cbrt(W), gradient(1.001)), seed=seed) is Status.FAILED


def test_a_right_layer_is_evaluated_less_than_once_for_each_parameter():
    calls = []
    assert status(weighted(np.tanh, times(lambda W: 1 - np.tanh(W) ** 2), calls)) is Status.PASSED
    assert D * C / 2 < len(calls) < D * C


class Standardized(Layer):
    """Over the minibatch: no example stands alone, so x is moved within the whole minibatch."""

    type = "standardized"
    examples_independent = False
    eps: float = 1e-5
    backward_eps: float = 1e-5

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        centered = x - x.sum(axis=0) / len(x)
        return centered / np.sqrt((centered**2).sum(axis=0) / len(x) + self.eps), (x,)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        scale = 1 / np.sqrt(x.var(axis=0) + self.backward_eps)
        xhat = (x - x.mean(axis=0)) * scale
        return scale * (dout - dout.mean(axis=0) - xhat * (dout * xhat).mean(axis=0)), {}


def test_x_of_dependent_examples_too():
    assert status(Standardized(), the_gradient_of_x_is_right, width=20) is Status.PASSED
    assert status(Standardized(backward_eps=0.0), the_gradient_of_x_is_right, width=20) is Status.FAILED


class Drawing(Layer):
    """Draws, keeps a running mean, and takes generators of its own from what it is given."""

    type = "drawing"
    stochastic = True
    spawns: bool = False
    seeds: bool = False

    def output_shape(self, input_shape):
        return (C,)

    def parameters(self, input_shape):
        return {"W": Parameter((D, C), Zeros())}

    def state(self, input_shape):
        return {"seen": Parameter((C,), Zeros())}

    def forward(self, x, params, ctx):
        rng = ctx.rng.spawn(1)[0] if self.spawns else ctx.rng
        if self.seeds:
            rng = np.random.default_rng(ctx.rng.bit_generator.seed_seq.entropy)
        mask = rng.random(params["W"].shape) < 0.5
        out = x @ (params["W"] * mask) + ctx.state["seen"]
        ctx.state["seen"] = 0.9 * ctx.state["seen"] + 0.1 * out.mean(axis=0)
        return out, (x, mask, params["W"])

    def backward(self, dout, cache, ctx):
        x, mask, W = cache
        return dout @ (W * mask).T, {"W": (x.T @ dout) * mask}


@pytest.mark.parametrize("seeds", [True, False])
def test_a_layer_that_draws_and_keeps_a_state_is_measured_from_the_same_start_each_time(seeds):
    assert status(Drawing(seeds=seeds)) is Status.PASSED


def test_each_context_begins_with_the_same_random_numbers_spawned_ones_included():
    fixture = LayerFixture(LayerCase(Drawing(spawns=True), (D,), N=4))
    drawn = [fixture.context().rng.normal() for _ in range(2)]
    spawned = [fixture.context().rng.spawn(2)[1].normal() for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert spawned[0] == spawned[1] != drawn[0]
    assert fixture.forward().out.tobytes() == fixture.forward().out.tobytes()
