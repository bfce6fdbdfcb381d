import re

import numpy as np
import pytest

import fcframe
import fcframe.builder
from tests.training import toys

NESTED = {
    "input": [4],
    "layers": [
        {"type": "affine", "units": 5},
        {"type": "residual", "name": "block", "layers": [{"type": "batchnorm"}, {"type": "affine", "units": 5}]},
        {"type": "dropout", "rate": 0.3},
        {"type": "sequential", "layers": [{"type": "relu"}, {"type": "affine", "units": 3, "name": "last"}]},
    ],
    "loss": {"type": "softmax"},
    "regularizer": {"type": "l2", "strength": 0.1},
    "dtype": "float64",
}


def network(seed=0, **changes):
    return fcframe.build(fcframe.load_spec(NESTED | changes), seed=seed)


def minibatch(N=6):
    rng = np.random.default_rng(5)
    return rng.normal(size=(N, 4)), rng.integers(3, size=N)


def test_parameters_are_named_by_the_path_through_the_layers():
    net = network()
    assert list(net.params) == [
        "affine1.W", "affine1.b", "block.batchnorm1.gamma", "block.batchnorm1.beta",
        "block.affine1.W", "block.affine1.b", "sequential1.last.W", "sequential1.last.b",
    ]  # fmt: skip
    assert list(net.state) == ["block.batchnorm1.mean", "block.batchnorm1.var"]


def test_all_parameters_are_views_of_one_flat_buffer():
    net = network()
    assert sum(view.size for view in net.params.values()) == net.params.flat.size
    assert all(np.shares_memory(view, net.params.flat) for view in net.params.values())
    net.params["affine1.b"] = np.arange(5.0)
    assert net.params["affine1.b"].tolist() == [0, 1, 2, 3, 4]
    assert all(number in net.params.flat for number in range(5))


def test_assigning_a_parameter_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"affine1\.W has shape \(4, 5\), but the values have shape \(5, 4\)"):
        network().params["affine1.W"] = np.zeros((5, 4))
    with pytest.raises(KeyError):
        network().params["affine9.W"] = 0.0


def test_the_gradients_of_a_nested_network_agree_with_numerical_ones():
    net, (X, y) = network(), minibatch()

    def loss():
        return net.loss(X, y, rng=np.random.default_rng(3))

    _, grads = loss()
    for name, w in net.params.items():
        for index in np.ndindex(w.shape):
            kept = w[index]
            w[index] = kept + 1e-5
            above = loss()[0]
            w[index] = kept - 1e-5
            below = loss()[0]
            w[index] = kept
            assert grads[name][index] == pytest.approx((above - below) / 2e-5, rel=1e-5, abs=1e-7), name


def test_the_gradients_belong_to_the_caller():
    net, (X, y) = network(), minibatch()
    _, first = net.loss(X, y)
    kept = {name: grad.copy() for name, grad in first.items()}
    net.loss(X + 1, y)
    assert all((first[name] == kept[name]).all() for name in kept)
    assert not any(np.shares_memory(grad, net.params.flat) for grad in first.values())


def test_an_evaluation_is_free_of_chance_and_changes_no_state():
    net, (X, _) = network(), minibatch()
    before = net.state.flat.copy()
    assert net.scores(X).tobytes() == net.scores(X).tobytes()
    assert (net.state.flat == before).all()


class Careless(fcframe.Layer):
    """Writes into its running state whenever it is called."""

    type = "careless"

    def output_shape(self, input_shape):
        return input_shape

    def state(self, input_shape):
        return {"count": fcframe.Parameter((1,), 1.0)}

    def forward(self, x, params, ctx):
        ctx.state["count"][...] += 1
        return x + 0, ()

    def backward(self, dout, cache, ctx):
        return dout + 0, {}


def test_a_layer_that_writes_into_its_state_in_an_evaluation_is_stopped():
    net = fcframe.build(fcframe.NetworkSpec(input=[4], layers=[Careless()], loss={"type": "mse"}))
    with pytest.raises(ValueError, match="read-only"):
        net.scores(np.zeros((1, 4)))


def test_no_dx_is_computed_for_the_first_layer():
    asked = []

    class Asked(Careless):
        type = "asked"

        def forward(self, x, params, ctx):
            return x + 0, ()

        def backward(self, dout, cache, ctx):
            asked.append(ctx.needs_input_grad)
            return dout + 0, {}

    layers = [Asked(), Asked(), {"type": "sequential", "layers": [Asked(), Asked()]}]
    net = fcframe.build(fcframe.NetworkSpec(input=[4], layers=layers, loss={"type": "mse"}))
    net.loss(np.zeros((2, 4)), np.zeros((2, 4)))
    assert asked[::-1] == [False, True, True, True]


def test_a_training_pass_moves_the_running_state():
    net, (X, y) = network(), minibatch()
    before = net.state.flat.copy()
    net.loss(X, y)
    assert (net.state.flat != before).any()


def test_a_regularizer_acts_on_weights_alone():
    net, plain, (X, y) = network(), network(regularizer=None), minibatch()
    (loss, grads), (plain_loss, plain_grads) = (
        found.loss(X, y, rng=np.random.default_rng(0)) for found in (net, plain)
    )
    weights = [name for name in net.params if name.endswith(".W")]
    assert loss - plain_loss == pytest.approx(0.05 * sum((net.params[name] ** 2).sum() for name in weights))
    for name in net.params:
        expected = plain_grads[name] + (0.1 * net.params[name] if name in weights else 0)
        np.testing.assert_allclose(grads[name], expected, rtol=1e-12, atol=1e-15)


def test_the_same_seed_starts_the_same_parameters_and_another_seed_others():
    assert network(seed=1).params.flat.tobytes() == network(seed=1).params.flat.tobytes()
    assert network(seed=1).params.flat.tobytes() != network(seed=2).params.flat.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_is_computed_in_the_spec_s_dtype(dtype):
    net, (X, y) = network(dtype=dtype), minibatch()
    assert net.scores(X).dtype == net.params.flat.dtype == net.loss(X, y)[1]["affine1.W"].dtype == dtype
    assert fcframe.build(net.spec, dtype="float64").dtype == "float64"


def test_an_empty_minibatch_has_scores_and_no_loss():
    net, (X, y) = network(), minibatch(0)
    assert net.scores(X).shape == (0, 3)
    loss, grads = net.loss(X, y)
    weights = {name: view for name, view in net.params.items() if name.endswith(".W")}
    assert loss == pytest.approx(0.05 * sum((view**2).sum() for view in weights.values()))
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, 0.1 * weights[name] if name in weights else 0 * grad)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((2, 5)), [0, 1], r"examples of shape \(4,\), got X of shape \(2, 5\)"),
        (np.zeros((2, 4)), [0], r"X has 2 rows and y has 1"),
        (
            np.zeros((2, 4)),
            [0, 3],
            r"y: target 3 in row 1 is wrong: expected an integer from 0 to 2, for 3 scores an example",
        ),
        (np.zeros((2, 4)), [0, -1], r"target -1 in row 1"),
        ([["a"] * 4] * 2, [0, 1], r"X cannot be read as float64: could not convert string to float"),
        (np.zeros((2, 4)), 0, r"y holds one value, expected one target for each example"),
        (np.zeros((2, 4)), [0.0, 1.0], r"targets are integers of shape \(N,\), got float64"),
    ],
)
def test_data_that_does_not_fit_is_refused(X, y, message):
    with pytest.raises(fcframe.DataError, match=message):
        network().loss(X, np.array(y))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint64"])
def test_labels_are_integers_of_any_kind(dtype):
    X, y = minibatch()
    assert network().loss(X, y.astype(dtype))[0] == network().loss(X, y)[0]


@pytest.mark.parametrize("dtype", ["float16", "int32", "flot"])
def test_a_network_computes_in_two_dtypes_and_no_other(dtype):
    with pytest.raises(fcframe.SpecError, match=rf"dtype: expected 'float32' or 'float64', got '{dtype}'"):
        fcframe.build(fcframe.load_spec(NESTED), dtype=dtype)


@pytest.mark.parametrize("spec", [NESTED, "specs/digits.json", None])
def test_what_is_built_is_a_spec(spec):
    with pytest.raises(fcframe.SpecError, match=r"expected a spec as load_spec returns it, got a"):
        fcframe.build(spec)


class Broken(fcframe.Layer):
    """Forgets, adds or misshapes gradients, as its field says."""

    type = "broken"
    fault: str = ""

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        return {"w": fcframe.Parameter(input_shape, 1.0)}

    def forward(self, x, params, ctx):
        return x * params["w"], (x, params["w"])

    def backward(self, dout, cache, ctx):
        x, w = cache
        dw = (dout * x).sum(axis=0)
        grads = {"missing": {}, "unknown": {"w": dw, "v": dw}, "shape": {"w": dout * x}}
        return None if self.fault == "dx" else dout * w, grads.get(self.fault, {"w": dw})


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("missing", r"broken1\.w: backward returned no gradient"),
        ("unknown", r"gradients of names that are no parameters: broken1\.v"),
        ("shape", r"broken1\.w: backward returned a gradient of shape \(6, 4\), but the parameter has shape \(4,\)"),
        ("dx", r"broken: backward returned no dx, though it was needed"),
    ],
)
def test_a_layer_that_breaks_the_contract_is_named(fault, message):
    layers = [{"type": "relu"}, Broken(fault=fault), {"type": "affine", "units": 3}]
    net = fcframe.build(fcframe.NetworkSpec(input=[4], layers=layers, loss={"type": "softmax"}))
    with pytest.raises(fcframe.ContractError, match=message):
        net.loss(*minibatch())


def test_what_containers_make_of_a_minibatch_is_counted_too():
    inside = [{"type": "affine", "units": 1_000_000}, {"type": "affine", "units": 2}]
    document = {"input": [4], "layers": [{"type": "sequential", "layers": inside}], "loss": {"type": "mse"}}
    spec = fcframe.load_spec(document)
    with pytest.raises(fcframe.SpecError, match=r"^layers\[0\]: a minibatch of 10,000, .* takes 37\.3 GB"):
        fcframe.builder.plan(spec, batch_size=10_000)


def test_an_optimizer_that_returns_what_it_should_change_is_refused():
    from fcframe.parameters import Views
    from fcframe.training.updates import Updates

    class Returns(fcframe.Optimizer):
        type = "returns"

        def update(self, w, dw, slots, step):
            return w - step.learning_rate * dw

    params, grads = (Views({"w": (3,)}, np.float64) for _ in range(2))
    with pytest.raises(fcframe.ContractError, match="in place"):
        Updates(Returns(), {"w": fcframe.Parameter((3,), 0.0)}, params, grads)(1, 0.1)


def test_an_initializer_of_another_shape_is_refused():
    class Scalar(fcframe.Initializer):
        type = "scalar"

        def moments(self, shape, fan_in, fan_out):
            return 0.5, 0.0

        def sample(self, shape, fan_in, fan_out, rng):
            return np.float64(0.5)

    layers = [{"type": "affine", "units": 2, "initializer": Scalar()}]
    with pytest.raises(fcframe.ContractError, match=r"scalar made an array of shape \(\) for affine1\.W"):
        fcframe.build(fcframe.NetworkSpec(input=[4], layers=layers, loss={"type": "mse"}))


# Arguments of a wrong type


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fcframe.load_spec("{}", overrides=3), "overrides: expected a list of assignments, got 3"),
        (lambda: fcframe.load_spec("{}", registry=3), "registry: expected a fcframe.Registry, got 3"),
        (lambda: fcframe.train("s.json"), "got a value of type str; load it first: fcframe.load_spec(…)"),
        (lambda: fcframe.train(None), "expected a spec as load_spec returns it, got a value of type NoneType"),
        (lambda: fcframe.train(toys.experiment(), progress="yes"), 'progress: expected True, .*, got "yes"'),
        (lambda: fcframe.train(toys.experiment(), registry=3), "registry: expected a fcframe.Registry, got 3"),
        (lambda: fcframe.train(toys.experiment(), data=(1, 2, 3)), "data: expected (X, y) .*, got a tuple of 3 items"),
        (lambda: fcframe.registry().find("nokind", "relu"), "no kind called 'nokind'. Kinds: layer, "),
        (lambda: fcframe.registry().find("layer", "relo"), "no layer called 'relo'. Did you mean 'relu'?"),
    ],
)
def test_an_argument_of_a_wrong_type_is_an_error_of_fcframe(call, message):
    with pytest.raises(fcframe.FcframeError, match=re.escape(message).replace(r"\.\*", ".*")):
        call()
