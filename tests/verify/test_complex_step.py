"""The gradient checks of layers with many parameters, most of which are measured by a complex step first."""

import warnings

import numpy as np
import pytest

from fcframe import Layer, Parameter
from fcframe.verify.checks.layer_gradients import the_gradient_of_each_parameter_is_right, the_gradient_of_x_is_right
from fcframe.verify.report import Status
from fcframe.verify.run import run_check
from fcframe.verify.trial import Case, Trial
from fcframe_standard.initializers.zeros import Zeros

D, C = 8, 9


def weighted(weight, slope, count=None):
    """The layer x·w(W), whose backward says that w's derivative is `slope`; and how often its forward is called."""

    class Weighted(Layer):
        type = "weighted"

        def output_shape(self, input_shape):
            return (C,)

        def parameters(self, input_shape):
            return {"W": Parameter((D, C), Zeros())}

        def forward(self, x, params, ctx):
            if count is not None:
                count.append(params["W"].dtype)
            return x @ weight(params["W"]), (x, params["W"])

        def backward(self, dout, cache, ctx):
            x, W = cache
            return dout @ weight(W).T, {"W": (x.T @ dout) * slope(W)}

    return Weighted()


def status(layer, check=the_gradient_of_each_parameter_is_right, seed=0):
    case = Case(layer, (D,), N=4, seed=seed)
    return run_check("layer", check, "a case", [lambda: Trial(case)]).status


def loud(W):
    if np.iscomplexobj(W):
        warnings.warn("complex numbers", stacklevel=1)
    return W


def off_by_a_thousandth(W):
    slope = np.ones_like(W)
    slope[3, 4] = 1.001
    return slope


# What the complex step sees of each, and so confirms, is the wrong slope: a modulus, a real part and a conjugate have
# no complex derivative.
NOT_ANALYTIC = {
    "modulus": (lambda W: W * np.abs(W), lambda W: 2 * np.abs(W), np.abs),
    "norm": (lambda W: np.abs(W) + 3 * W, lambda W: np.sign(W) + 3, lambda W: 3.0),
    "real part": (lambda W: W.real + 0 * W, lambda W: 1.0, lambda W: 0.0),
    "half a real part": (lambda W: W + W.real, lambda W: 2.0, lambda W: 1.0),
    "conjugate": (lambda W: W * W.conj(), lambda W: 2 * W, lambda W: 0.0),
}
ANALYTIC = {
    "itself": (lambda W: W, lambda W: 1.0, lambda W: 1.0001),
    "tanh": (np.tanh, lambda W: 1 - np.tanh(W) ** 2, lambda W: 1 - np.tanh(W)),
    "rectified": (lambda W: np.maximum(W, 0), lambda W: W > 0, lambda W: W > -0.1),
    "one wrong element": (lambda W: W, lambda W: 1.0, off_by_a_thousandth),
    "another sign": (np.sin, np.cos, lambda W: -np.cos(W)),
}
REAL_ALONE = {
    "float": (lambda W: np.asarray(W, float), lambda W: 1.0, lambda W: 1.01),
    "written into real numbers": (lambda W: np.add(W, 1, out=np.empty(W.shape)), lambda W: 1.0, lambda W: 0.0),
    "floor": (lambda W: W - np.floor(W), lambda W: 1.0, lambda W: 0.0),
    "loud": (loud, lambda W: 1.0, lambda W: 2.0),
    "another number": (lambda W: W if np.isrealobj(W) else W + 1, lambda W: 1.0, lambda W: 2.0),
    "refuses": (lambda W: [][0] if np.iscomplexobj(W) else W, lambda W: 1.0, lambda W: 2.0),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("weight", "right", "wrong"), (t := NOT_ANALYTIC | ANALYTIC | REAL_ALONE).values(), ids=t)
def test_a_right_backward_passes_and_a_wrong_one_fails(weight, right, wrong, seed):
    assert status(weighted(weight, right), seed=seed) is Status.PASSED
    assert status(weighted(weight, wrong), seed=seed) is Status.FAILED


def test_each_parameter_is_moved_once_where_complex_numbers_pass_and_twice_where_they_do_not():
    once, twice = [], []
    assert status(weighted(np.tanh, ANALYTIC["tanh"][1], once)) is Status.PASSED
    assert status(weighted(lambda W: np.asarray(W, float), lambda W: 1.0, twice)) is Status.PASSED
    assert D * C < len(once) < 1.5 * D * C
    assert 2 * D * C < len(twice) < 2.5 * D * C
    assert once.count(np.dtype(np.complex128)) > D * C
    assert twice.count(np.dtype(np.complex128)) == 1


class Standardized(Layer):
    """Over the minibatch: no example stands alone, so x is moved element by element."""

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
    def found(layer):
        case = Case(layer, (20,), N=5)
        return run_check("layer", the_gradient_of_x_is_right, "a case", [lambda: Trial(case)]).status

    assert found(Standardized()) is Status.PASSED
    assert found(Standardized(backward_eps=0.0)) is Status.FAILED


class Drawing(Layer):
    """Draws, keeps a running mean, and takes generators of its own from what it is given."""

    type = "drawing"
    stochastic = True
    spawns: bool = False

    def output_shape(self, input_shape):
        return (C,)

    def parameters(self, input_shape):
        return {"W": Parameter((D, C), Zeros())}

    def state(self, input_shape):
        return {"seen": Parameter((C,), Zeros())}

    def forward(self, x, params, ctx):
        rng = ctx.rng.spawn(1)[0] if self.spawns else ctx.rng
        mask = rng.random(params["W"].shape) < 0.5
        out = x @ (params["W"] * mask) + ctx.state["seen"]
        ctx.state["seen"] = 0.9 * ctx.state["seen"] + 0.1 * out.mean(axis=0)
        return out, (x, mask, params["W"])

    def backward(self, dout, cache, ctx):
        x, mask, W = cache
        return dout @ (W * mask).T, {"W": (x.T @ dout) * mask}


def test_a_layer_that_draws_and_keeps_a_state_is_measured_from_the_same_start_each_time():
    assert status(Drawing()) is Status.PASSED


def test_the_generators_are_those_of_numpy_and_can_be_spawned_from():
    trial = Trial(Case(Drawing(spawns=True), (D,), N=4))
    first, second = trial.context().rng, trial.context().rng
    assert first.bit_generator.state == second.bit_generator.state
    assert first.spawn(2)[1].normal() == second.spawn(2)[1].normal()
    assert first.spawn(1)[0].normal() != trial.context().rng.spawn(1)[0].normal()
    assert trial.forward().out.tobytes() == trial.forward().out.tobytes()
