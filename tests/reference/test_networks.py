"""The two-layer and the three-layer network of the reference document, from spec to loss."""

import numpy as np
import pytest

import fcframe
from tests.reference.numerical import numerical_gradient, rel_error

N, D, H, C = 3, 5, 50, 7


def affine(units, scale):
    return {"type": "affine", "units": units, "initializer": {"type": "normal", "scale": scale}}


def spec(input_size, *hidden, classes, scale, reg):
    layers = [layer for units in hidden for layer in (affine(units, scale), {"type": "relu"})]
    document = {"input": [input_size], "layers": [*layers, affine(classes, scale)], "loss": {"type": "softmax"}}
    if reg:
        document["regularizer"] = {"type": "l2", "strength": reg}
    return fcframe.load_spec(document)


def two_layer_net(reg=0.0):
    net = fcframe.build(spec(D, H, classes=C, scale=1e-2, reg=reg), dtype="float64")
    net.params["affine1.W"] = np.linspace(-0.7, 0.3, num=D * H).reshape(D, H)
    net.params["affine1.b"] = np.linspace(-0.1, 0.9, num=H)
    net.params["affine2.W"] = np.linspace(-0.3, 0.4, num=H * C).reshape(H, C)
    net.params["affine2.b"] = np.linspace(-0.9, 0.1, num=C)
    return net


X = np.linspace(-5.5, 4.5, num=N * D).reshape(D, N).T
y = np.asarray([0, 5, 1])


def test_weights_start_with_the_declared_deviation_and_biases_at_zero():
    net = fcframe.build(spec(D, H, classes=C, scale=1e-2, reg=0), dtype="float64")
    for name in ("affine1", "affine2"):
        assert abs(net.params[f"{name}.W"].std() - 1e-2) < 1e-3
        assert not net.params[f"{name}.b"].any()


def test_the_two_layer_net_gives_the_reference_scores():
    correct = np.asarray(
        [
            [11.53165108, 12.2917344, 13.05181771, 13.81190102, 14.57198434, 15.33206765, 16.09215096],
            [12.05769098, 12.74614105, 13.43459113, 14.1230412, 14.81149128, 15.49994135, 16.18839143],
            [12.58373087, 13.20054771, 13.81736455, 14.43418138, 15.05099822, 15.66781506, 16.2846319],
        ]
    )
    assert np.abs(two_layer_net().scores(X) - correct).sum() < 1e-6


@pytest.mark.parametrize(("reg", "correct"), [(0.0, 3.4702243556), (1.0, 26.5948426952)])
def test_the_two_layer_net_gives_the_reference_loss(reg, correct):
    loss, _ = two_layer_net(reg).loss(X, y)
    assert abs(loss - correct) < 1e-10


@pytest.mark.parametrize("reg", [0.0, 0.7])
def test_the_two_layer_net_s_gradients_agree_with_numerical_ones(reg):
    net = two_layer_net(reg)
    _, grads = net.loss(X, y)
    assert sorted(grads) == sorted(net.params)
    for name in grads:
        assert rel_error(numerical_gradient(lambda: net.loss(X, y)[0], net.params[name]), grads[name]) < 1e-6


@pytest.mark.parametrize("reg", [0, 3.14])
def test_the_three_layer_net_s_gradients_agree_with_numerical_ones(reg):
    rng = np.random.default_rng(1)
    net = fcframe.build(spec(15, 20, 30, classes=10, scale=5e-2, reg=reg), seed=3, dtype="float64")
    inputs, labels = rng.normal(size=(2, 15)), rng.integers(10, size=2)
    loss, grads = net.loss(inputs, labels)
    assert loss == pytest.approx(2.3, abs=0.1) if reg == 0 else loss > 2.4
    for name in grads:
        numerical = numerical_gradient(lambda: net.loss(inputs, labels)[0], net.params[name])
        assert rel_error(numerical, grads[name]) < 1e-5
