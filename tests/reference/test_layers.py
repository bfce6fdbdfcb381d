"""The layers' numbers in the reference document."""

import numpy as np
import pytest

import fcframe
from tests.reference.numerical import numerical_gradient, rel_error


def network(input_shape, *layers, loss="mse"):
    spec = {"input": list(input_shape), "layers": list(layers), "loss": {"type": loss}, "dtype": "float64"}
    return fcframe.build(fcframe.load_spec(spec))


def test_affine_forward_gives_the_reference_values():
    net = network((4, 5, 6), {"type": "affine", "units": 3})
    net.params["affine1.W"] = np.linspace(-0.2, 0.3, num=360).reshape(120, 3)
    net.params["affine1.b"] = np.linspace(-0.3, 0.1, num=3)
    x = np.linspace(-0.1, 0.5, num=240).reshape(2, 4, 5, 6)
    correct = np.array([[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]])
    assert rel_error(net.scores(x), correct) < 1e-9


def test_relu_forward_gives_the_reference_values():
    net = network((4,), {"type": "relu"})
    x = np.linspace(-0.5, 0.5, num=12).reshape(3, 4)
    correct = np.array([[0, 0, 0, 0], [0, 0, 0.04545455, 0.13636364], [0.22727273, 0.31818182, 0.40909091, 0.5]], float)
    assert rel_error(net.scores(x), correct) < 1e-7


CASES = {
    "affine": ((10, 2, 3), 5, [{"type": "affine", "units": 5}], 1e-8),
    "relu": ((10, 10), None, [{"type": "relu"}], 1e-10),
    "affine-relu": ((2, 3, 4), 10, [{"type": "affine", "units": 10}, {"type": "relu"}], 1e-8),
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_agree_with_numerical_ones_at_the_reference_s_order(case):
    shape, units, layers, order = CASES[case]
    rng = np.random.default_rng(7)
    net = network(shape[1:], *layers)
    params = {name: rng.normal(size=view.shape) for name, view in net.params.items()}
    x, dout = rng.normal(size=shape), rng.normal(size=(shape[0], units) if units else shape)

    def value():
        return net.chain.forward(x, params, fcframe.Context(params=params))[0]

    ctx = fcframe.Context(params=params)
    _, cache = net.chain.forward(x, params, ctx)
    dx, grads = net.chain.backward(dout, cache, ctx)
    assert rel_error(numerical_gradient(value, x, dout), dx) < order
    assert sorted(grads) == sorted(params)
    for name, array in params.items():
        assert rel_error(numerical_gradient(value, array, dout), grads[name]) < order


def test_the_softmax_loss_is_log_10_for_ten_even_scores_and_its_gradient_is_right():
    rng = np.random.default_rng(0)
    net = network((10,), {"type": "affine", "units": 10}, loss="softmax")
    net.params["affine1.W"], net.params["affine1.b"] = np.eye(10), 0.0
    scores, y = 0.001 * rng.normal(size=(50, 10)), rng.integers(10, size=50)
    assert net.loss(scores, y)[0] == pytest.approx(2.3, abs=0.01)
    value_and_grad = net.spec.loss.value_and_grad
    numerical = numerical_gradient(lambda: value_and_grad(scores, y, fcframe.Context())[0], scores)
    assert rel_error(numerical, value_and_grad(scores, y, fcframe.Context())[1]) < 1e-7
