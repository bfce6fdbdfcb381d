"""Layers in a row: what they are called, which shapes pass through them, forward and backward."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fcframe
from fcframe import Chain, Context, Layer, Parameter

LAYERS = fcframe.registry().layers
Affine, Embedding, ReLU = LAYERS["affine"], LAYERS["embedding"], LAYERS["relu"]
BatchNorm, Residual, Sequential = LAYERS["batchnorm"], LAYERS["residual"], LAYERS["sequential"]
RNG = np.random.default_rng(0)


class Probe(Layer):
    """Makes the output shape that it is told to make, and gives no dx."""

    type = "probe"
    makes: Any = (3,)

    def output_shape(self, input_shape):
        return self.makes

    def forward(self, x, params, ctx):
        return x, ()

    def backward(self, dout, cache, ctx):
        return None, {}


def arrays(parameters):
    return {name: RNG.normal(size=parameter.shape) for name, parameter in parameters.items()}


# Names.

own_names = st.sampled_from(["affine1", "affine2", "relu1", "first", "second"])
rows = st.lists(st.tuples(st.sampled_from(["affine", "relu"]), st.none() | own_names), min_size=1, max_size=8)


def made(row):
    return [LAYERS[name](name=own, **({"units": 3} if name == "affine" else {})) for name, own in row]


@given(rows)
def test_a_layer_has_its_own_name_or_else_its_type_numbered_among_all_siblings_of_that_type(row):
    wanted = [own or f"{name}{[other for other, _ in row[: at + 1]].count(name)}" for at, (name, own) in enumerate(row)]
    doubled = [name for name in wanted if wanted.count(name) > 1]
    if not doubled:
        assert Chain(made(row)).names == tuple(wanted)
        return
    first, second = (at for at, name in enumerate(wanted) if name == doubled[0] and wanted[:at].count(name) < 2)
    with pytest.raises(ValueError, match=rf"layers \[{first}\] and \[{second}\] are both called '{doubled[0]}'"):
        Chain(made(row))


def test_a_named_layer_counts_among_its_siblings():
    chain = Chain([Affine(units=3), Affine(units=3, name="middle"), ReLU(), Affine(units=3)])
    assert chain.names == ("affine1", "middle", "relu1", "affine3")


def test_the_names_of_parameters_lead_through_containers():
    inside = Residual(layers=(Affine(units=4), ReLU(), Affine(units=4, name="last")))
    chain = Chain([BatchNorm(), Sequential(layers=(inside, BatchNorm()), name="block")])
    assert list(chain.parameters((4,))) == [
        "batchnorm1.gamma",
        "batchnorm1.beta",
        "block.residual1.affine1.W",
        "block.residual1.affine1.b",
        "block.residual1.last.W",
        "block.residual1.last.b",
        "block.batchnorm1.gamma",
        "block.batchnorm1.beta",
    ]
    assert list(chain.state((4,))) == [
        "batchnorm1.mean",
        "batchnorm1.var",
        "block.batchnorm1.mean",
        "block.batchnorm1.var",
    ]


# Shapes.


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_each_layer_is_given_the_shape_that_the_one_before_makes(units, input_shape):
    chain = Chain([Affine(units=size) for size in units])
    shapes = chain.shapes(tuple(input_shape))
    assert shapes == (tuple(input_shape), *((size,) for size in units))
    assert chain.output_shape(tuple(input_shape)) == (units[-1],)
    assert [shape for _, _, shape in chain.inner(tuple(input_shape))] == list(shapes[:-1])


def test_a_shape_that_a_layer_cannot_take_is_refused_with_the_path_through_the_containers():
    wrong = Residual(layers=(Affine(units=5),))
    chain = Chain([ReLU(), Sequential(layers=(wrong, ReLU()))])
    with pytest.raises(fcframe.ShapeError) as caught:
        chain.shapes((4,))
    assert caught.value.path == ("layers", 1, "layers", 0)
    assert str(caught.value).startswith("layers[1].layers[0]: residual cannot take an input of shape (4,): its layers")
    assert "(5,)" in caught.value.reason


def test_the_path_is_that_of_the_spec():
    wrong = {"type": "residual", "layers": [{"type": "affine", "units": 5}]}
    layers = [{"type": "relu"}, {"type": "sequential", "layers": [wrong]}]
    spec = fcframe.load_spec({"input": [4], "layers": layers, "loss": {"type": "mse"}})
    with pytest.raises(fcframe.SpecError, match=r"^layers\[1\]\.layers\[0\]: residual cannot take an input of shape"):
        fcframe.build(spec)


def test_the_path_names_the_field_that_holds_the_layers():
    with pytest.raises(fcframe.ShapeError, match=r"^branch\[0\]: residual"):
        Chain([Residual(layers=(Affine(units=5),))], field="branch").shapes((4,))


@pytest.mark.parametrize("shape", [(0,), (3, -1), (2.0,), ("3",), 3, None, "3"])
def test_a_layer_that_makes_an_impossible_shape_is_named(shape):
    with pytest.raises(
        fcframe.ShapeError, match=r"^layers\[1\]: probe makes .* of \(4,\); a shape is a tuple of positive"
    ):
        Chain([ReLU(), Probe(makes=shape)]).shapes((4,))


# Forward and backward.


def test_a_chain_is_its_layers_one_after_the_other():
    layers = [Affine(units=5), ReLU(), Affine(units=2)]
    chain = Chain(layers)
    params = arrays(chain.parameters((4,)))
    x, dout = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 2))
    out, caches = chain.forward(x, params, Context(params=params))
    dx, grads = chain.backward(dout, caches, Context(params=params))

    own = [{key: params[f"{name}.{key}"] for key in ("W", "b") if f"{name}.{key}" in params} for name in chain.names]
    contexts = [Context(params=arrays_) for arrays_ in own]
    kept = []
    for layer, arrays_, ctx in zip(layers, own, contexts, strict=True):
        x, cache = layer.forward(x, arrays_, ctx)
        kept.append(cache)
    wanted = {}
    for name, layer, cache, ctx in reversed(list(zip(chain.names, layers, kept, contexts, strict=True))):
        dout, found = layer.backward(dout, cache, ctx)
        wanted |= {f"{name}.{key}": grad for key, grad in found.items()}
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(dx, dout)
    assert grads.keys() == wanted.keys() == params.keys()
    for name, grad in wanted.items():
        np.testing.assert_array_equal(grads[name], grad)


def test_a_chain_that_needs_no_dx_makes_none():
    chain = Chain([Affine(units=5), Affine(units=2)])
    params = arrays(chain.parameters((4,)))
    ctx = Context(params=params, needs_input_grad=False)
    _, caches = chain.forward(RNG.normal(size=(3, 4)), params, ctx)
    dx, grads = chain.backward(RNG.normal(size=(3, 2)), caches, ctx)
    assert dx is None
    assert grads.keys() == params.keys()


def test_a_layer_that_gives_no_dx_where_the_one_before_it_needs_it_is_named():
    chain = Chain([ReLU(), Probe()])
    _, caches = chain.forward(RNG.normal(size=(2, 3)), {}, Context())
    with pytest.raises(fcframe.ContractError, match="probe: backward returned no dx, though it was needed"):
        chain.backward(RNG.normal(size=(2, 3)), caches, Context(needs_input_grad=False))


@pytest.mark.parametrize("forward", [lambda x: x, lambda x: x[:, :2] @ x])
def test_an_exception_in_a_layer_says_which_layer_it_is(forward):
    class Faulty(Probe):
        def forward(self, x, params, ctx):
            return forward(x)

    chain = Chain([Sequential(layers=(ReLU(), Faulty(name="mine")))])
    with pytest.raises(ValueError, match=r"unpack|matmul") as caught:
        chain.forward(RNG.normal(size=(5, 3)), {}, Context())
    assert caught.value.__notes__ == ["in the forward of mine (probe)", "in the forward of sequential1 (sequential)"]


def test_an_exception_in_a_backward_says_which_layer_it_is():
    class Faulty(Probe):
        def backward(self, dout, cache, ctx):
            raise KeyError("W")

    chain = Chain([ReLU(), Faulty()])
    _, caches = chain.forward(RNG.normal(size=(5, 3)), {}, Context())
    with pytest.raises(KeyError) as caught:
        chain.backward(RNG.normal(size=(5, 3)), caches, Context())
    assert caught.value.__notes__ == ["in the backward of probe1 (probe)"]


@pytest.mark.parametrize("initializer", ["zeros", Probe, float("nan"), None])
def test_a_parameter_starts_by_an_initializer_or_a_number(initializer):
    with pytest.raises(ValueError, match=r"a parameter's initializer is an Initializer or a number, got"):
        Parameter((3,), initializer)
    assert Parameter((3,), 0.5).sample(RNG).tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shape": (2.5,)}, "positive integers"),
        ({"shape": (3, 0)}, "positive integers"),
        ({"learning_rate": -1.0}, "learning_rate is a number of at least 0"),
        ({"fan_in": 0}, "fan_in is a positive integer"),
        ({"fan_out": 2.0}, "fan_out is a positive integer"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Parameter(**{"shape": (3,), "initializer": 0.0} | fields)


def test_integers_of_numpy_are_sizes():
    assert Parameter((np.int64(3), 2), 0.0).shape == (3, 2)
    assert Chain([ReLU(), Probe(makes=(np.prod((2, 3)),))]).output_shape((4,)) == (6,)


def test_a_layer_of_integers_can_only_be_the_first():
    embedding = Embedding(size=5, units=2)
    assert Chain([embedding, ReLU()]).input_domain((3,)) == fcframe.Integers(0, 5)
    with pytest.raises(fcframe.ShapeError, match=r"^layers\[1\]: embedding takes integers from 0 to 4, but the layer"):
        Chain([ReLU(), embedding]).shapes((3,))


def test_a_layers_fields_hold_for_its_parameters_unless_a_layer_inside_says_otherwise():
    l2 = fcframe.registry().regularizers["l2"]
    inside = (Affine(units=4, regularizer=l2(strength=0.5)), Affine(units=4))
    chain = Chain([Sequential(layers=inside, trainable=False, regularizer=l2(strength=0.1)), Affine(units=2)])
    found = chain.parameters((4,))
    assert [name for name, parameter in found.items() if parameter.trainable] == ["affine1.W", "affine1.b"]
    strengths = {name: parameter.regularizer and parameter.regularizer.strength for name, parameter in found.items()}
    assert strengths["sequential1.affine1.W"] == 0.5
    assert strengths["sequential1.affine2.W"] == 0.1
    assert strengths["affine1.W"] is None


def test_gradients_that_are_no_mapping_are_not_taken_for_none():
    class Nothing(Layer):
        type = "nothing"

        def output_shape(self, input_shape):
            return input_shape

        def forward(self, x, params, ctx):
            return x, ()

        def backward(self, dout, cache, ctx):
            return dout, None

    with pytest.raises(TypeError):
        Chain([Nothing()]).backward(np.ones((1, 2)), ((),), Context())
