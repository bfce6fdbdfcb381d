"""The contract's second edition through public names: what a layer, a loss and a parameter may be."""

import copy
import pickle

import numpy as np
import pytest

import fcframe

RNG = np.random.default_rng(0)


def network_of(*layers, loss="mse", shape=(4,), seed=0, **fields):
    spec = fcframe.load_spec({"input": list(shape), "layers": [{"type": "relu"}], "loss": {"type": loss}} | fields)
    return fcframe.build(spec.model_copy(update={"layers": tuple(layers)}), seed=seed, dtype="float64")


def affine(units, **fields):
    return fcframe.registry().layers["affine"](units=units, **fields)


# Caches, and arguments that are returned.


class Cached(fcframe.Layer):
    """Multiplies by a weight, with whatever cache it is told to make."""

    type = "cached"
    form: str = "array"

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        return {"w": fcframe.Parameter(input_shape, 1.5)}

    def forward(self, x, params, ctx):
        forms = {"array": x, "list": [x], "dict": {"x": x}, "none": None, "tuple": (x,)}
        return (x if self.form == "none" else x * params["w"]), forms[self.form]

    def backward(self, dout, cache, ctx):
        if cache is None:
            return dout, {"w": np.zeros(dout.shape[1:])}
        x = cache if self.form == "array" else cache["x"] if self.form == "dict" else cache[0]
        return dout * 1.5, {"w": (dout * x).sum(axis=0)}


@pytest.mark.parametrize("form", ["array", "list", "dict", "none", "tuple"])
def test_a_cache_is_whatever_the_author_likes(form):
    network = network_of(affine(4), Cached(form=form), affine(4))
    X, y = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
    loss, grads = network.loss(X, y)
    assert np.isfinite(loss)
    assert grads.keys() == network.params.keys()


def test_scores_never_share_memory_with_the_examples():
    class Same(Cached):
        type = "same"

        def forward(self, x, params, ctx):
            return x, None

    network = network_of(Same())
    X = RNG.normal(size=(3, 4))
    scores = network.scores(X)
    assert (scores == X).all()
    assert not np.shares_memory(scores, X)


def test_no_empty_minibatch_reaches_a_layer():
    class Fussy(Cached):
        type = "fussy"

        def forward(self, x, params, ctx):
            return x.reshape(x.shape[0], -1) / len(x), x

    network = network_of(Fussy())
    assert network.scores(np.zeros((0, 4))).shape == (0, 4)
    assert network.loss(np.zeros((0, 4)), np.zeros((0, 4)))[0] == 0.0


# Integers.


def embedding_spec(**training):
    return fcframe.load_spec({
        "network": {
            "input": [3],
            "layers": [{"type": "embedding", "size": 6, "units": 4}, {"type": "affine", "units": 2}],
            "loss": {"type": "softmax"},
        },
        "training": {"optimizer": {"type": "adam", "learning_rate": 0.05}, "epochs": 40, "batch_size": 20} | training,
    })  # fmt: skip


def test_a_network_of_integers_learns():
    X = RNG.integers(0, 6, size=(200, 3))
    run = fcframe.train(embedding_spec(), data=(X, (X.sum(axis=1) > 7).astype(int)))
    assert run.history.series("train_acc")[-1] > 0.95
    assert run.network.scores(X[:5].astype(float)).tobytes() == run.network.scores(X[:5]).tobytes()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[0, 1, 6]], r"X\[0, 2\] is 6, expected integers from 0 to 5"),
        ([[0, 1, 2], [0, -1, 2]], r"X\[1, 1\] is -1, expected integers from 0 to 5"),
        ([[0.0, 1.5, 2.0]], r"X\[0, 1\] is 1\.5, expected integers"),
        ([[0.0, np.nan, 2.0]], r"X\[0, 1\] is nan, expected integers"),
        ([["a", "b", "c"]], r"X is <U1, expected integers"),
    ],
)
def test_integers_outside_of_the_domain_are_refused_with_row_and_value(X, message):
    X = np.array(X)
    with pytest.raises(fcframe.DataError, match=message):
        fcframe.build(embedding_spec()).scores(X)
    with pytest.raises(fcframe.DataError, match=r"data: .*X_train.*expected integers"):
        fcframe.train(embedding_spec(), data=(X, np.zeros(len(X), int)))


# Parameters that are trained otherwise, or not at all.


def test_a_frozen_layer_keeps_its_parameters_and_has_no_gradients():
    network = network_of(affine(5, trainable=False), affine(2))
    _, grads = network.loss(RNG.normal(size=(3, 4)), RNG.normal(size=(3, 2)))
    assert list(grads) == ["affine2.W", "affine2.b"]
    assert list(network.params) == ["affine1.W", "affine1.b", "affine2.W", "affine2.b"]


def experiment(**network):
    return fcframe.load_spec({
        "network": {
            "input": [4],
            "layers": [{"type": "affine", "units": 5}, {"type": "relu"}, {"type": "affine", "units": 3}],
            "loss": {"type": "softmax"},
        } | network,
        "training": {"optimizer": {"type": "adam"}, "epochs": 2, "batch_size": 10},
    })  # fmt: skip


DATA = RNG.normal(size=(40, 4)), RNG.integers(3, size=40)


def test_a_frozen_layer_is_not_moved_by_training():
    layers = [{"type": "affine", "units": 5, "trainable": False}, {"type": "relu"}, {"type": "affine", "units": 3}]
    spec = experiment(layers=layers, regularizer={"type": "l2", "strength": 0.1})
    run, start = fcframe.train(spec, data=DATA), fcframe.build(spec)
    assert (run.network.params["affine1.W"] == start.params["affine1.W"]).all()
    assert (run.network.params["affine2.W"] != start.params["affine2.W"]).all()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{"type": "affine", "units": 3, "trainable": False}], r"nothing to train: every layer is frozen"),
        ([{"type": "relu"}], r"nothing to train: no layer has parameters"),
    ],
)
def test_a_network_without_anything_to_train_is_refused(layers, message):
    spec = experiment(layers=layers, input=[4] if "affine" in str(layers) else [3])
    with pytest.raises(fcframe.SpecError, match=rf"network\.layers: there is {message}"):
        fcframe.train(spec, data=DATA)


def test_a_layers_own_regularizer_acts_instead_of_the_networks():
    strong = {"type": "l2", "strength": 0.5}
    layers = [{"type": "affine", "units": 5, "regularizer": strong}, {"type": "affine", "units": 3}]
    weak = {"type": "l2", "strength": 0.01}
    network = fcframe.build(experiment(layers=layers, regularizer=weak), dtype="float64")
    plain = fcframe.build(experiment(layers=[{**layer, "regularizer": None} for layer in layers]), dtype="float64")
    (loss, grads), (bare, own) = (each.loss(*DATA) for each in (network, plain))
    W1, W2 = network.params["affine1.W"], network.params["affine2.W"]
    assert loss - bare == pytest.approx(0.25 * (W1**2).sum() + 0.005 * (W2**2).sum())
    np.testing.assert_allclose(grads["affine1.W"] - own["affine1.W"], 0.5 * W1, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(grads["affine2.W"] - own["affine2.W"], 0.01 * W2, rtol=1e-9, atol=1e-14)


class Filters(fcframe.Layer):
    """A one-dimensional convolution without padding, to see how its filters start."""

    type = "filters"
    count: int = 200
    width: int = 5
    initializer: fcframe.AnyInitializer = fcframe.registry().initializers["he"]()

    def output_shape(self, input_shape):
        _, length = input_shape
        return self.count, length - self.width + 1

    def parameters(self, input_shape):
        fan_in = input_shape[0] * self.width
        return {"W": fcframe.Parameter((self.count, input_shape[0], self.width), self.initializer, fan_in=fan_in)}

    def forward(self, x, params, ctx):
        windows = np.lib.stride_tricks.sliding_window_view(x, self.width, axis=2)
        return np.einsum("nclw,fcw->nfl", windows, params["W"]), (windows, params["W"], x.shape)

    def backward(self, dout, cache, ctx):
        windows, W, shape = cache
        dx = np.zeros(shape)
        for place in range(dout.shape[2]):
            dx[:, :, place : place + self.width] += np.einsum("nf,fcw->ncw", dout[:, :, place], W)
        return dx, {"W": np.einsum("nclw,nfl->fcw", windows, dout)}


def test_a_convolution_starts_as_wide_as_its_number_of_inputs_asks():
    network = network_of(Filters(), shape=(3, 9))
    W = network.params["filters1.W"]
    assert W.std() == pytest.approx(np.sqrt(2 / (3 * 5)), rel=0.05)


# A penalty of the layer's own.


class Active(fcframe.Layer):
    """Passes x on, and adds strength · mean of x² to the loss: an activity regularizer."""

    type = "active"
    strength: float = 0.3

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        if ctx.training:
            ctx.add_loss(self.strength * float((x * x).mean()))
        return x, x

    def backward(self, dout, cache, ctx):
        x = cache
        return dout + (2 * self.strength / x.size * x if ctx.training else 0), {}


def test_a_penalty_of_a_layers_own_is_part_of_the_loss_and_of_its_gradients():
    layers = affine(5), fcframe.registry().layers["sequential"](layers=(Active(), affine(2)))
    network, plain = network_of(*layers), network_of(affine(5), affine(2))
    plain.params.flat[...] = network.params.flat
    X, y = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 2))
    hidden = X @ network.params["affine1.W"] + network.params["affine1.b"]
    loss, grads = network.loss(X, y)
    assert loss - plain.loss(X, y)[0] == pytest.approx(0.3 * (hidden**2).mean())
    W = network.params["affine1.W"]
    W[1, 2] += 1e-6
    above = network.loss(X, y)[0]
    W[1, 2] -= 2e-6
    below = network.loss(X, y)[0]
    assert grads["affine1.W"][1, 2] == pytest.approx((above - below) / 2e-6, rel=1e-5)


# Weights of classes and of examples.


def test_class_weights_are_those_of_a_weighted_mean():
    softmax = fcframe.registry().losses["softmax"]
    scores, y = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 1, 0, 1])
    weights = np.array([0.5, 2.0, 1.0])
    single = [softmax().value_and_grad(scores[n : n + 1], y[n : n + 1], fcframe.Context())[0] for n in range(6)]
    expected = np.dot(weights[y], single) / weights[y].sum()
    for given in ((0.5, 2.0, 1.0), {0: 0.5, 1: 2.0}):
        assert softmax(class_weights=given).value_and_grad(scores, y, fcframe.Context())[0] == pytest.approx(expected)


@pytest.mark.parametrize("loss", ["softmax", "mse"])
def test_an_example_of_weight_two_counts_as_two_examples(loss):
    network = network_of(affine(3), loss=loss)
    X = RNG.normal(size=(4, 4))
    y = RNG.integers(3, size=4) if loss == "softmax" else RNG.normal(size=(4, 3))
    rows = [0, 1, 1, 2, 3]
    weighted, repeated = network.loss(X, y, weights=[1, 2, 1, 1]), network.loss(X[rows], y[rows])
    assert weighted[0] == pytest.approx(repeated[0])
    for name, grad in repeated[1].items():
        np.testing.assert_allclose(weighted[1][name], grad, rtol=1e-10, atol=1e-14)
    left_out, fewer = network.loss(X, y, weights=[1, 0, 1, 1]), network.loss(X[[0, 2, 3]], y[[0, 2, 3]])
    assert left_out[0] == pytest.approx(fewer[0])


@pytest.mark.parametrize(
    ("class_weights", "message"),
    [
        ([1.0, 2.0], r"network\.loss: .*class_weights has 2 numbers, but there are 3 scores"),
        ({"3": 1.0}, r"network\.loss: .*class_weights names class 3, but there are 3 scores: classes 0 to 2"),
    ],
)
def test_class_weights_of_another_number_of_classes_are_refused(class_weights, message):
    spec = experiment(loss={"type": "softmax", "class_weights": class_weights})
    with pytest.raises(fcframe.SpecError, match=message):
        fcframe.train(spec, data=DATA)


class Plain(fcframe.Loss):
    """A loss that takes no weights."""

    type, targets = "plain", fcframe.Numbers()

    def value_and_grad(self, scores, y, ctx):
        return float(((scores - y) ** 2).sum() / len(y)), 2 * (scores - y) / len(y)


def test_weights_for_a_loss_that_takes_none_are_refused():
    X, y = RNG.normal(size=(4, 4)), RNG.normal(size=(4, 3))
    network = network_of(affine(3))
    network.spec = network.spec.model_copy(update={"loss": Plain()})
    with pytest.raises(fcframe.DataError, match="weights: the plain loss takes none"):
        network.loss(X, y, weights=[1, 1, 1, 1])


# Targets.


@pytest.mark.parametrize(
    ("targets", "wrong", "shape", "message"),
    [
        (fcframe.Classes(), [0, 3], (3,), r"target 3 in row 1 is wrong: expected an integer from 0 to 2"),
        (fcframe.Classes(), [0.0, 1.0], (3,), r"targets are integers of shape \(N,\), got float64"),
        (fcframe.Numbers(), [[1.0], [np.inf]], (1,), r"target inf in row 1 is wrong: expected a finite number"),
        (
            fcframe.Numbers(),
            [[1.0, 2.0]],
            (3,),
            r"targets are numbers of shape \(N, 3\), got float64 of shape \(N, 2\)",
        ),
        (fcframe.Binary(), [[0.5]], (1,), r"expected 0 or 1"),
        (fcframe.Signs(), [[0.0]], (1,), r"expected -1 or 1"),
        (fcframe.Positive(), [[0.0]], (1,), r"a number greater than 0"),
        (fcframe.Counts(), [[1.5]], (1,), r"a whole number of at least 0"),
        (fcframe.Shares(), [[0.5, 0.6]], (2,), r"a probability, with a sum of 1"),
    ],
)
def test_wrong_targets_are_refused_with_row_and_value(targets, wrong, shape, message):
    with pytest.raises(ValueError, match=message):
        targets.check(np.array(wrong), shape)
    targets.check(targets.draw(RNG, 7, shape), shape)


@pytest.mark.parametrize("seed", [-1, "0", 1.5, True, None])
def test_a_seed_is_an_integer_of_at_least_0(seed):
    with pytest.raises(fcframe.SpecError, match="seed: expected an integer of at least 0, got"):
        fcframe.build(experiment(), seed=seed)


# Copies.


@pytest.mark.parametrize("again", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_copy_of_a_network_has_parameters_of_its_own_in_one_buffer(again):
    network = fcframe.build(experiment(), seed=3)
    found = again(network)
    assert found.params.flat.tobytes() == network.params.flat.tobytes()
    found.params.flat[...] = 0
    assert not any(view.any() for view in found.params.values())
    assert network.params.flat.any()
    assert found.scores(DATA[0]).tobytes() == np.zeros((40, 3), np.float32).tobytes()
    assert (found.params.order, found.kernels.name) == (network.params.order, network.kernels.name)


def test_a_network_shows_its_layers_in_a_line():
    assert repr(fcframe.build(experiment())) == "Network(4 → affine1 → relu1 → affine2; 43 parameters, float32)"


# Numbers that vanish, and settings that are probably mistakes.


@pytest.mark.parametrize("place", ["optimizer", "layer"])
def test_a_number_that_is_zero_in_the_networks_dtype_is_refused(place):
    eps = {"layer": {}, "optimizer": {}} | {place: {"eps": 1e-50}}
    spec = {
        "network": {
            "input": [4],
            "layers": [{"type": "affine", "units": 3}, {"type": "batchnorm", **eps["layer"]}],
            "loss": {"type": "softmax"},
        },
        "training": {"optimizer": {"type": "adam", **eps["optimizer"]}, "epochs": 1},
    }  # fmt: skip
    where = r"network\.layers\[1\]\.eps" if place == "layer" else r"training\.optimizer\.eps"
    with pytest.raises(fcframe.SpecError, match=rf"{where}: 1e-50 is 0 in float32"):
        fcframe.train(fcframe.load_spec(spec), data=DATA)
    spec["network"]["dtype"] = "float64"
    fcframe.train(fcframe.load_spec(spec), data=DATA)


@pytest.mark.parametrize(
    "change", ["training.optimizer.learning_rate=1e39", 'network.regularizer={"type": "l2", "strength": 1e60}']
)
def test_a_number_that_is_infinite_in_the_networks_dtype_is_refused(change):
    spec = {
        "network": {"input": [4], "layers": [{"type": "affine", "units": 3}], "loss": {"type": "softmax"}},
        "training": {"optimizer": {"type": "adam"}, "epochs": 1},
    }
    where, number = (r"network\.regularizer\.strength", "60") if "l2" in change else (r"optimizer\.learning_rate", "39")
    message = rf"{where}: 1e\+{number} is infinite in float32, whose largest number is 3\.4e\+38"
    with pytest.raises(fcframe.SpecError, match=message):
        fcframe.train(fcframe.load_spec(spec, overrides=[change]), data=DATA)
    fcframe.build(fcframe.load_spec(spec, overrides=[change, 'network.dtype="float64"']))


@pytest.mark.parametrize(
    ("training", "note"),
    [
        ({"batch_size": 1}, "batchnorm learns nothing from a minibatch of 1; it needs at least 2 examples"),
        ({"batch_size": 13}, "batchnorm learns nothing from the last minibatch of each epoch, which has 1 of 40"),
        ({"batch_size": 100}, "training.batch_size: 100 is more than the 40 training examples"),
        ({"schedule": {"type": "cosine", "warmup": 8}}, "the warm-up takes 8 updates, but the training has only 8"),
    ],
)
def test_settings_that_are_probably_mistakes_are_told_in_a_line(training, note):
    spec = fcframe.load_spec({
        "network": {
            "input": [4],
            "layers": [{"type": "affine", "units": 3}, {"type": "batchnorm"}],
            "loss": {"type": "softmax"},
        },
        "training": {"optimizer": {"type": "adam"}, "epochs": 2, "batch_size": 10} | training,
    })  # fmt: skip
    run = fcframe.train(spec, data=DATA)
    assert any(note in line for line in run.notes)


def test_floating_point_errors_are_the_trainings_own_affair():
    with np.errstate(all="raise"):
        strict = fcframe.train(experiment(), data=DATA)
    assert strict.network.params.flat.tobytes() == fcframe.train(experiment(), data=DATA).network.params.flat.tobytes()


# Data in memory.


def test_arrays_train_and_a_data_object_brings_validation_and_test():
    X, y = DATA
    run = fcframe.train(experiment(), data=(X, y))
    assert "val_loss" not in run.best.results
    run = fcframe.train(experiment(), data=fcframe.Data(X[:20], y[:20], X[20:30], y[20:30], X[30:], y[30:]))
    assert {"val_acc", "train_acc"} <= set(run.best.results)
    assert set(run.test) == {"test_loss", "test_acc"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (5, r"data: expected \(X, y\) or a fcframe\.Data"),
        ((np.zeros((3, 4)), np.zeros(2, int)), r"data: X_train has 3 rows and y_train has 2"),
        ((np.zeros((3, 5)), np.zeros(3, int)), r"network\.input: the network takes examples of shape \(4,\)"),
        ((np.zeros(3), np.zeros(3, int)), r"data: expected X of shape \(N, …\)"),
        ((np.full((3, 4), "a"), np.zeros(3, int)), r"data: X_train is <U1, expected numbers"),
        (([["a"]], None), r"data: "),
    ],
)
def test_data_that_cannot_be_used_is_refused(data, message):
    with pytest.raises(fcframe.DataError, match=message):
        fcframe.train(experiment(), data=data)


def test_a_spec_without_data_needs_it_handed_in():
    with pytest.raises(fcframe.SpecError, match="data: required, but missing"):
        fcframe.train(experiment())
