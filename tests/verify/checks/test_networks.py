"""Whole networks: loss and regularizer included, every parameter, and a message that names the element."""

import itertools
import time
from typing import ClassVar

import numpy as np
import pytest

import fcframe
from fcframe import Layer, NetworkSpec
from fcframe.verify import Status

GRADIENT = "the_gradient_of_each_parameter_is_right"


def network_spec(*layers, loss="softmax", **more):
    """Layers between two affine ones, 6 → 7 and → 4."""
    ends = {"type": "affine", "units": 7}, {"type": "affine", "units": 4}
    return NetworkSpec.model_validate(
        {"input": [2, 3], "layers": [ends[0], *layers, ends[1]], "loss": {"type": loss}, **more}
    )


@pytest.mark.parametrize("regularizer", [None, {"type": "l2", "strength": 0.3}], ids=["plain", "regularized"])
@pytest.mark.parametrize("loss", fcframe.registry().losses)
@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "relu"}],
        [{"type": "batchnorm"}, {"type": "relu"}],
        [{"type": "relu"}, {"type": "dropout", "rate": 0.4}],
        [{"type": "residual", "layers": [{"type": "affine", "units": 7}, {"type": "relu"}]}],
    ],
    ids=lambda layers: "-".join(layer["type"] for layer in layers),
)
def test_a_right_network_passes(layers, loss, regularizer):
    report = fcframe.gradcheck(network_spec(*layers, loss=loss, regularizer=regularizer))
    assert report.passed, str(report)


def test_a_built_network_is_checked_at_its_own_parameters_and_left_alone():
    network = fcframe.build(network_spec({"type": "batchnorm"}, {"type": "relu"}), seed=3)
    params, state = network.params.flat.copy(), network.state.flat.copy()
    assert fcframe.gradcheck(network).passed
    np.testing.assert_array_equal(network.params.flat, params)
    np.testing.assert_array_equal(network.state.flat, state)


def test_an_experiment_is_checked_by_its_network():
    experiment = fcframe.ExperimentSpec.model_validate(
        {
            "network": network_spec({"type": "relu"}).model_dump(mode="json"),
            "data": {"type": "digits"},
            "training": {"optimizer": {"type": "sgd"}, "epochs": 1},
        }
    )
    assert fcframe.gradcheck(experiment).passed


def test_a_network_of_1280_parameters_takes_no_longer_than_a_second_and_a_half():
    spec = NetworkSpec.model_validate(
        {
            "input": [15],
            "layers": [
                {"type": "affine", "units": 20},
                {"type": "relu"},
                {"type": "affine", "units": 30},
                {"type": "relu"},
                {"type": "affine", "units": 10},
            ],
            "loss": {"type": "softmax"},
        }
    )
    start = time.process_time()  # other programs on the machine take none of this one
    assert fcframe.gradcheck(spec).passed
    assert time.process_time() - start < 1.5


def large_spec(*layers):
    """600,000 parameters, as on CIFAR-10: to move each of them alone would take an hour."""
    return NetworkSpec.model_validate(
        {
            "input": [3000],
            "layers": [{"type": "affine", "units": 200}, *layers, {"type": "affine", "units": 10}],
            "loss": {"type": "softmax"},
        }
    )


def test_of_a_large_network_a_sample_of_each_parameter_is_measured():
    report = fcframe.gradcheck(large_spec({"type": "relu"}))
    assert report.passed, str(report)
    (gradient,) = [result for result in report if result.check == GRADIENT]
    assert gradient.case.startswith("x=5x3000, a sample of ")
    assert gradient.case.endswith(" of 602,210 derivatives")


def test_a_wrong_backward_in_a_large_network_is_found_in_the_sample():
    report = fcframe.gradcheck(large_spec(ForgetsHalf()))
    (failure,) = report.failures
    assert failure.check == GRADIENT
    assert "parameters are wrong: affine1.W, affine1.b" in failure.diagnosis
    assert "the gradient of affine1." in failure.message


class ForgetsHalf(Layer):
    """Its dx is half of what it must be, so that all before it is wrong, and nothing behind it."""

    type = "forgets_half"

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return x * x, (x,)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        return x * dout, {}


class OneElement(Layer):
    """One element of dW is off by a thousandth."""

    type = "one_element"

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        return {"scale": fcframe.Parameter(input_shape, fcframe.registry().initializers["ones"]())}

    def forward(self, x, params, ctx):
        return x * params["scale"], (x, params["scale"])

    def backward(self, dout, cache, ctx):
        x, scale = cache
        dscale = (x * dout).sum(axis=0)
        dscale[3] *= 1.001
        return dout * scale, {"scale": dscale}


class DrawsAnew(Layer):
    """The mask in backward is another one than in forward."""

    type = "draws_anew"
    stochastic = True

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        if not ctx.training:
            return x, ()
        return x * (ctx.rng.random(x.shape) < 0.5), ()

    def backward(self, dout, cache, ctx):
        return dout * (ctx.rng.random(dout.shape) < 0.5), {}


class ChangesX(Layer):
    type = "changes_x"

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        x *= 0.5
        return x.copy(), ()

    def backward(self, dout, cache, ctx):
        return 0.5 * dout, {}


class Drifts(Layer):
    """What it gives depends on how often it was asked."""

    type = "drifts"
    calls: ClassVar = itertools.count(1)

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return x * (1 + 1e-14 * next(self.calls)), ()

    def backward(self, dout, cache, ctx):
        return dout, {}


def failures(layer, **more):
    return {found.check: found for found in fcframe.gradcheck(network_spec(layer, **more)).failures}


def test_a_wrong_dx_is_found_in_the_parameters_before_it_and_the_message_leads_to_the_layer():
    found = failures(ForgetsHalf())
    assert found.keys() == {GRADIENT}
    assert "the gradient of affine1.b[" in found[GRADIENT].message
    assert "2 of 4 parameters are wrong: affine1.W, affine1.b" in found[GRADIENT].diagnosis
    assert "forgets_half1 (test_networks.py:" in found[GRADIENT].diagnosis


def test_one_wrong_element_is_named():
    found = failures(OneElement())
    assert found.keys() == {GRADIENT}
    assert found[GRADIENT].message.startswith("the gradient of one_element1.scale[3] is given as ")
    assert found[GRADIENT].message.endswith("1 of 7 elements are wrong")


def test_a_mask_that_is_drawn_anew_is_found():
    assert failures(DrawsAnew()).keys() == {GRADIENT}


def test_a_layer_that_changes_the_minibatch_is_found():
    spec = NetworkSpec.model_validate(
        {"input": [5], "layers": [ChangesX(), {"type": "affine", "units": 3}], "loss": {"type": "softmax"}}
    )
    found = {failure.check for failure in fcframe.gradcheck(spec).failures}
    assert "a_pass_leaves_everything_but_the_state_unchanged" in found


def test_a_layer_that_drifts_is_found():
    assert {"twice_gives_the_same_bytes", "an_evaluation_leaves_the_state_alone"} <= failures(Drifts()).keys()


def test_layers_that_do_not_fit_are_the_specs_fault():
    spec = NetworkSpec.model_validate(
        {"input": [2, 3], "layers": [{"type": "relu"}, {"type": "affine", "units": 3}], "loss": {"type": "softmax"}}
    )
    assert fcframe.gradcheck(spec).passed
    with pytest.raises(fcframe.SpecError, match="softmax"):
        fcframe.gradcheck(spec.model_copy(update={"layers": spec.layers[:1]}))


@pytest.mark.parametrize("seed", range(4))
def test_the_verdict_does_not_hang_on_the_seed(seed):
    report = fcframe.gradcheck(network_spec({"type": "batchnorm"}, {"type": "relu"}, loss="mse"), seed=seed)
    assert report.passed, str(report)
    assert not [found for found in report if found.status is Status.INCONCLUSIVE]
