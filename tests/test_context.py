"""ctx: a fresh one allocates, a reusing one hands out again, and no layer can tell them apart."""

from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fcframe
from fcframe import Chain, Context, Layer, Parameter
from fcframe.context import ReusingContext, split
from fcframe.network import TrainingPass

REGISTRY = fcframe.registry()
EXAMPLES = [(layer, example) for layer in REGISTRY.layers.values() for example in layer.examples]
Affine, BatchNorm, ReLU = (REGISTRY.layers[name] for name in ("affine", "batchnorm", "relu"))

names = st.sampled_from(["out", "dx", "mask"])
shapes = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)
dtypes = st.sampled_from([None, np.dtype(bool), np.dtype(np.float32)])
requests = st.lists(st.tuples(names, shapes, dtypes), min_size=1, max_size=12)
each_layer = pytest.mark.parametrize(
    ("layer", "example"), EXAMPLES, ids=[f"{layer.type}-{example}" for layer, example in EXAMPLES]
)


def started(parameters, rng):
    return {name: parameter.sample(rng) for name, parameter in parameters.items()}


# A fresh context.


@given(requests)
def test_a_fresh_context_gives_every_array_once(asked):
    ctx = Context(dtype=np.float32)
    found = [ctx.empty(*request) for request in asked]
    assert [array.shape for array in found] == [shape for _, shape, _ in asked]
    assert [array.dtype for array in found] == [dtype or np.dtype(np.float32) for *_, dtype in asked]
    assert len({id(array) for array in found}) == len(found)
    assert not any(np.shares_memory(a, b) for at, a in enumerate(found) for b in found[:at])


def test_a_fresh_context_gives_a_gradient_its_parameters_shape_and_dtype_and_not_its_memory():
    params = {"W": np.ones((2, 3), np.float32)}
    ctx = Context(params=params)
    first, second = ctx.grad("W"), ctx.grad("W")
    assert (first.shape, first.dtype) == ((2, 3), np.float32)
    assert not np.shares_memory(first, second)
    assert not np.shares_memory(first, params["W"])


def drawn(component, shape, N, rng):
    domain = component.input_domain(shape)
    if domain == fcframe.Reals():
        return rng.normal(size=(N, *shape))
    return rng.integers(domain.low, domain.high, size=(N, *shape))


@each_layer
@pytest.mark.parametrize("training", [True, False])
def test_what_a_layer_makes_in_a_fresh_context_is_not_overwritten_by_a_later_call(layer, example, training):
    component, shape, rng = layer(**example.fields), example.input_shape, np.random.default_rng(0)
    params, state = started(component.parameters(shape), rng), started(component.state(shape), rng)
    made = []
    for _ in range(2):
        ctx = Context(training=training, rng=np.random.default_rng(0), params=params, state=dict(state))
        out, cache = component.forward(drawn(component, shape, 2, rng), params, ctx)
        dx, grads = component.backward(rng.normal(size=out.shape), cache, ctx)
        made.append([array for array in (out, dx, *grads.values()) if array is not None])
    assert not any(np.shares_memory(a, b) for a in made[0] for b in made[1])


def test_a_penalty_that_a_layer_adds_is_seen_through_its_containers():
    ctx = Context()
    (inner,) = ctx.inner(["block"])
    inner.inner(["affine1"])[0].add_loss(np.float32(0.5))
    ctx.add_loss(1)
    assert ctx.added_losses == [0.5, 1.0]


# A reusing context.


@given(requests)
def test_a_reusing_context_gives_the_same_array_for_the_same_name_shape_and_dtype_and_for_nothing_else(asked):
    ctx, made = ReusingContext(dtype=np.float32), {}
    for request in asked:
        array = ctx.empty(*request)
        assert made.setdefault(request, array) is array
        assert (array.shape, array.dtype) == (request[1], request[2] or np.dtype(np.float32))
    found = list(made.values())
    assert not any(np.shares_memory(a, b) for at, a in enumerate(found) for b in found[:at])


def test_a_reusing_context_gives_the_gradients_places():
    views = {"W": np.zeros((2, 3)), "inner1.b": np.zeros(3)}
    ctx = ReusingContext(grads=views, params={name: np.ones_like(view) for name, view in views.items()})
    (inner,) = ctx.inner(("inner1",))
    assert ctx.grad("W") is views["W"]
    assert inner.grad("b") is views["inner1.b"]


def test_a_reusing_context_makes_inner_contexts_and_inner_params_once():
    params = {"relu1.a": np.zeros(2)}
    ctx = ReusingContext(params=params)
    assert ctx.inner(("relu1",)) is ctx.inner(("relu1",))
    assert ctx.inner_params(("relu1",), params) is ctx.inner_params(("relu1",), params)
    others = {"relu1.a": np.ones(2)}
    assert ctx.inner_params(("relu1",), others)[0]["a"] is others["relu1.a"]


@each_layer
def test_a_layer_computes_the_same_in_a_reusing_context_step_after_step(layer, example):
    component, shape, rng = layer(**example.fields), example.input_shape, np.random.default_rng(0)
    params, fresh_state = started(component.parameters(shape), rng), started(component.state(shape), rng)
    state = dict(fresh_state)
    grads = {name: np.zeros_like(array) for name, array in params.items()}
    reusing = ReusingContext(params=params, grads=grads, state=state, rng=np.random.default_rng(1))
    fresh = Context(params=params, state=fresh_state, rng=np.random.default_rng(1))
    for size in (3, 2, 3, 1, 3):
        x, results = drawn(component, shape, size, rng), []
        for ctx in (fresh, reusing):
            out, cache = component.forward(x, params, ctx)
            dx, found = component.backward(np.full_like(out, 0.5), cache, ctx)
            results.append({"out": out, "dx": dx} | dict(found))
        for name, array in results[0].items():
            np.testing.assert_array_equal(results[1][name], array, err_msg=name)
        for name, array in fresh_state.items():
            np.testing.assert_array_equal(state[name], array, err_msg=name)


class Branches(Layer):
    """Two rows of layers on the same input, added."""

    type = "branches"
    left: fcframe.Layers
    right: fcframe.Layers

    def chains(self):
        return Chain(self.left, "left"), Chain(self.right, "right")

    def output_shape(self, input_shape):
        return self.chains()[0].output_shape(input_shape)

    def parameters(self, input_shape):
        left, right = self.chains()
        return left.parameters(input_shape) | right.parameters(input_shape)

    def forward(self, x, params, ctx):
        (a, left), (b, right) = (chain.forward(x, params, ctx) for chain in self.chains())
        return a + b, (left, right)

    def backward(self, dout, cache, ctx):
        (da, left), (db, right) = (
            chain.backward(dout, own, ctx) for chain, own in zip(self.chains(), cache, strict=True)
        )
        return da + db if ctx.needs_input_grad else None, left | right


def test_two_chains_of_one_container_get_each_their_own_in_a_reusing_context():
    layers = Branches(left=(Affine(units=3, name="a"), ReLU()), right=(Affine(units=3, name="b"),))
    rng = np.random.default_rng(0)
    params = started(layers.parameters((4,)), rng)
    grads = {name: np.zeros_like(array) for name, array in params.items()}
    x, dout = rng.normal(size=(2, 4)), rng.normal(size=(2, 3))
    results = []
    for ctx in (Context(params=params), ReusingContext(params=params, grads=grads)):
        out, cache = layers.forward(x, params, ctx)
        results.append((out, *layers.backward(dout, cache, ctx)))
    (out, dx, found), (out_again, dx_again, found_again) = results
    np.testing.assert_array_equal(out, out_again)
    np.testing.assert_array_equal(dx, dx_again)
    for name, grad in found.items():
        np.testing.assert_array_equal(grad, found_again[name])


def test_the_training_step_gives_layers_the_flat_buffers_gradients_and_uses_its_arrays_again():
    class Watching(Layer):
        type = "watching"

        def output_shape(self, input_shape):
            return input_shape

        def parameters(self, input_shape):
            return {"b": Parameter(input_shape, 0.0)}

        def forward(self, x, params, ctx):
            seen.append((ctx.empty("out", x.shape), ctx.grad("b")))
            return x + params["b"], ()

        def backward(self, dout, cache, ctx):
            return dout.copy(), {"b": dout.sum(axis=0)}

    seen = []
    layers = (REGISTRY.layers["sequential"](layers=(Watching(),)),)
    network = fcframe.build(fcframe.NetworkSpec(input=(3,), layers=layers, loss=REGISTRY.losses["mse"]()))
    step = TrainingPass(network, np.random.default_rng(0), reuse=True)
    for _ in range(2):
        step(np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32))
    (first_out, first_grad), (second_out, second_grad) = seen
    assert first_out is second_out
    assert first_grad is second_grad is step.grads["sequential1.watching1.b"]
    assert np.shares_memory(first_grad, step.grads.flat)


# Inner contexts.

KINDS_OF_CONTEXT = pytest.mark.parametrize("kind", [Context, ReusingContext])


@KINDS_OF_CONTEXT
@given(needed=st.booleans(), count=st.integers(1, 5))
def test_only_the_first_inner_layer_may_do_without_dx_and_only_if_its_container_may(kind, needed, count):
    inner = kind(needs_input_grad=needed).inner([f"relu{number}" for number in range(count)])
    assert [ctx.needs_input_grad for ctx in inner] == [needed] + [True] * (count - 1)


@KINDS_OF_CONTEXT
def test_an_inner_layer_sees_the_containers_mode_randomness_and_dtype(kind):
    rng = np.random.default_rng(0)
    for training in (True, False):
        (inner,) = kind(training=training, rng=rng, dtype=np.float32).inner(["relu1"])
        assert inner.training is training
        assert inner.rng is rng
        assert inner.empty("out", (1,)).dtype == np.float32


@KINDS_OF_CONTEXT
def test_state_reads_and_writes_through_under_its_dotted_name(kind):
    state = {"block.norm.mean": np.zeros(2), "block.norm.var": np.ones(2), "block.normal.mean": np.full(2, 7.0)}
    ((norm, normal),) = (block.inner(["norm", "normal"]) for block in kind(state=state).inner(["block"]))
    assert norm.state["mean"] is state["block.norm.mean"]
    assert (list(norm.state), list(normal.state)) == (["mean", "var"], ["mean"])
    assert len(norm.state) == 2
    norm.state["mean"] = np.full(2, 3.0)
    assert state["block.norm.mean"].tolist() == [3, 3]
    assert state["block.normal.mean"].tolist() == [7, 7]
    with pytest.raises(TypeError, match="assigned, never deleted"):
        del norm.state["mean"]
    with pytest.raises(KeyError):
        _ = norm.state["median"]


@KINDS_OF_CONTEXT
def test_an_inner_layer_cannot_assign_state_where_its_container_cannot(kind):
    state = MappingProxyType({"block.norm.mean": np.zeros(2)})
    (block,) = kind(training=False, state=state).inner(["block"])
    (norm,) = block.inner(["norm"])
    with pytest.raises(TypeError):
        norm.state["mean"] = np.ones(2)
    assert norm.state["mean"].tolist() == [0, 0]


@pytest.mark.parametrize("nested", [False, True])
def test_a_layer_that_assigns_state_in_an_evaluation_fails_and_changes_nothing(nested):
    class Counting(Layer):
        type = "counting"

        def output_shape(self, input_shape):
            return input_shape

        def state(self, input_shape):
            return {"count": Parameter((1,), 0.0)}

        def forward(self, x, params, ctx):
            ctx.state["count"] = ctx.state["count"] + 1
            return x.copy(), ()

        def backward(self, dout, cache, ctx):
            return dout.copy(), {}

    layer = REGISTRY.layers["sequential"](layers=(Counting(),)) if nested else Counting()
    spec = fcframe.NetworkSpec(input=(3,), layers=(layer,), loss=REGISTRY.losses["mse"]())
    network = fcframe.build(spec)
    with pytest.raises(TypeError):
        network.scores(np.ones((2, 3)))
    assert network.state.flat.tolist() == [0]
    network.loss(np.ones((2, 3)), np.ones((2, 3)))
    assert network.state.flat.tolist() == [1]


words = st.text("abc", min_size=1, max_size=3)


@given(st.lists(words, unique=True, min_size=1), st.lists(words, unique=True))
def test_arrays_are_shared_out_by_the_first_part_of_their_names_and_none_is_lost(layers, keys):
    whole = {f"{layer}.{key}.W": np.zeros(1) for layer in layers for key in keys}
    parts = split(whole, layers)
    again = {f"{layer}.{key}": array for layer, part in zip(layers, parts, strict=True) for key, array in part.items()}
    assert {name: id(array) for name, array in again.items()} == {name: id(array) for name, array in whole.items()}


def test_names_in_a_list_that_changes_are_read_again():
    ctx = ReusingContext(params={"a.W": np.zeros(1), "b.W": np.ones(1)})
    asked, params = ["a"], {"a.W": np.zeros(1), "b.W": np.ones(1)}
    assert ctx.inner_params(asked, params)[0]["W"] == 0
    first = ctx.inner(asked)
    asked[0] = "b"
    assert ctx.inner_params(asked, params)[0]["W"] == 1
    assert ctx.inner(asked) is not first
