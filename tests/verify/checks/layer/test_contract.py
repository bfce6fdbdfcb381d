"""What the contract of a layer asks for: textbook code passes, and what breaks the contract is found and named."""

import types
import warnings
from typing import ClassVar

import numpy as np
import pytest
from pydantic import Field

import fcframe
from fcframe import Example, Integers, Layer, Parameter
from fcframe.chain import Chain
from fcframe.verify import Status
from tests.verify.checks.judging import assert_right, failed


def layer(name, forward, backward, **members):
    """A layer of the two functions, whose output has x's shape."""
    methods = {"forward": forward, "backward": backward, "output_shape": lambda self, input_shape: input_shape}
    return type(name.title().replace("_", ""), (Layer,), {"type": name, "__doc__": "A layer.", **methods, **members})


# Textbook code.


def flatten_forward(self, x, params, ctx):
    return x.reshape(x.shape[0], -1), x.shape


def flatten_backward(self, dout, cache, ctx):
    return dout.reshape(cache), {}


Flatten = layer(
    "flatten", flatten_forward, flatten_backward, output_shape=lambda self, shape: (int(np.prod(shape)),)
)  # fmt: skip
ReLU = layer(
    "course_relu",
    lambda self, x, params, ctx: (np.maximum(0, x), x),
    lambda self, dout, cache, ctx: (dout * (cache > 0), {}),
)
Sigmoid = layer(
    "course_sigmoid",
    lambda self, x, params, ctx: ((out := 1 / (1 + np.exp(-x))), {"out": out}),
    lambda self, dout, cache, ctx: (dout * cache["out"] * (1 - cache["out"]), types.MappingProxyType({})),
)
Identity = layer(
    "identity", lambda self, x, params, ctx: (x, None), lambda self, dout, cache, ctx: (dout, {})
)  # fmt: skip


@pytest.mark.parametrize("textbook", [Flatten, ReLU, Identity], ids=lambda found: found.type)
def test_textbook_code_passes(textbook):
    report = fcframe.gradcheck(textbook)
    assert (report.passed, report.verdict) == (True, "right"), str(report)


def test_a_sigmoid_that_overflows_with_a_warning_passes_and_the_warning_is_noted():
    report = fcframe.gradcheck(Sigmoid)
    assert (report.passed, report.verdict) == (True, "right"), str(report)
    (note,) = report.notes
    assert (note.check, note.status) == ("it_gives_no_warning", Status.NOTED)
    assert "overflow encountered in exp" in note.message
    assert "overflow encountered in exp" in str(report)


def test_a_layer_that_warns_once_is_not_said_to_be_wrong_anywhere():
    def forward(self, x, params, ctx):
        if not warned:
            warned.append(True)
            warnings.warn("old", stacklevel=1)
        return 2 * x, ()

    warned = []
    report = fcframe.gradcheck(layer("warner", forward, lambda self, dout, cache, ctx: (2 * dout, {})))
    assert report.passed
    assert "over all cases" not in str(report)


def test_a_list_and_a_set_as_fields_are_checked_and_shown_in_one_order():
    class Scaled(Layer):
        type = "scaled"
        sizes: list[float] = Field([1.0])
        names: frozenset[str] = frozenset({"b", "a", "c"})
        table: dict[str, float] = Field({})

        def output_shape(self, input_shape):
            return input_shape

        def forward(self, x, params, ctx):
            return sum(self.sizes) * x, None

        def backward(self, dout, cache, ctx):
            return sum(self.sizes) * dout, {}

    report = fcframe.gradcheck(Scaled)
    assert report.passed, str(report)
    assert any("sizes=" in result.case for result in report)
    shown = [part for result in report for part in result.case.split(",") if part.startswith("names=")]
    assert shown
    assert all(names == sorted(names) for names in (part.removeprefix("names=").split("+") for part in shown))


# Domains, frozen parameters, penalties, references.


class Lookup(Layer):
    type = "lookup"
    examples = (Example(input_shape=(4,)),)
    wrong: ClassVar[bool] = False

    def input_domain(self, input_shape):
        return Integers(2, 6)

    def output_shape(self, input_shape):
        return (*input_shape, 3)

    def parameters(self, input_shape):
        return {"W": Parameter((4, 3), 0.0)}

    def forward(self, x, params, ctx):
        assert x.dtype == np.intp
        assert 2 <= x.min() <= x.max() < 6
        return params["W"][x - 2], x

    def backward(self, dout, cache, ctx):
        dW = np.zeros((4, 3), dout.dtype)
        if self.wrong:
            dW[cache - 2] = dout  # a row that is looked up twice gets one gradient alone
        else:
            np.add.at(dW, cache - 2, dout)
        return None, {"W": dW}


def test_a_layer_of_integers_is_drawn_integers_and_needs_no_dx():
    report = fcframe.gradcheck(Lookup)
    assert (report.passed, report.verdict) == (True, "right"), str(report)


def test_a_wrong_gradient_of_a_layer_of_integers_is_found():
    class Wrong(Lookup):
        type = "wrong_lookup"
        wrong: ClassVar[bool] = True

    assert "the_gradient_of_each_parameter_is_right" in failed(Wrong)


def test_a_frozen_parameter_needs_no_gradient():
    class Frozen(Layer):
        type = "frozen"

        def output_shape(self, input_shape):
            return input_shape

        def parameters(self, input_shape):
            return {"a": Parameter(input_shape, 2.0), "b": Parameter(input_shape, 1.0, trainable=False)}

        def forward(self, x, params, ctx):
            return x * params["a"] + params["b"], (x, params["a"])

        def backward(self, dout, cache, ctx):
            x, a = cache
            return dout * a, {"a": (dout * x).sum(axis=0)}

    assert_right(Frozen)


class Activity(Layer):
    """It passes x on, and adds 0.1 · mean over the minibatch of Σ x² to the loss."""

    type = "activity"
    share: ClassVar[float] = 1.0

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        if ctx.training:
            ctx.add_loss(0.1 * float((x * x).sum()) / len(x))
        return x, x

    def backward(self, dout, cache, ctx):
        x = cache
        return (dout + self.share * 0.2 * x / len(x) if ctx.training else dout), {}


def test_a_penalty_of_the_layers_own_is_part_of_what_is_differentiated():
    report = fcframe.gradcheck(Activity)
    assert (report.passed, report.verdict) == (True, "right"), str(report)


@pytest.mark.parametrize("share", [0.0, 2.0], ids=["forgotten", "twice"])
def test_a_wrong_gradient_of_a_penalty_is_found(share):
    class Wrong(Activity):
        type = "wrong_activity"

    Wrong.share = share
    assert {"the_gradient_of_x_is_right", "a_zero_dout_gives_zero_gradients"} <= failed(Wrong)


class Cubed(Layer):
    type = "cubed"
    factor: ClassVar[float] = 1.0

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return self.factor * x * x * x, x

    def backward(self, dout, cache, ctx):
        return self.factor * 3 * cache * cache * dout, {}

    def reference(self, x, params, ctx):
        return x**3


def test_forward_is_held_against_its_reference():
    class Wrong(Cubed):
        type = "wrong_cubed"
        factor: ClassVar[float] = 1.001

    assert_right(Cubed)
    report = fcframe.gradcheck(Wrong)
    assert {found.check for found in report.failures} == {"forward_gives_what_its_reference_gives"}
    assert report.verdict == "right"
    assert "reference gives" in report.failures[0].message


def test_a_cache_on_an_object_of_the_authors_own_must_stay_as_it_is():
    def forward(self, x, params, ctx):
        return np.tanh(x), types.SimpleNamespace(out=np.tanh(x))

    def backward(self, dout, cache, ctx):
        cache.out *= cache.out
        return dout * (1 - cache.out), {}

    assert "backward_leaves_its_arguments_unchanged" in failed(layer("spoils", forward, backward))


# What is said of shapes.


class Affine(Layer):
    type = "small_affine"
    examples = (Example(input_shape=(4,)),)

    def output_shape(self, input_shape):
        return (3,)

    def parameters(self, input_shape):
        return {"W": Parameter((4, 3), 0.0), "b": Parameter((3,), 0.0, decay=False)}

    def forward(self, x, params, ctx):
        return x @ params["W"] + params["b"], (x, params["W"])

    def backward(self, dout, cache, ctx):
        x, W = cache
        return self.returned(dout @ W.T, x.T @ dout, dout.sum(axis=0))


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda dx, dW, db: (dx, {"W": dW.T, "b": db}), "it is transposed: dW is (3, 4) where W is (4, 3)"),
        (lambda dx, dW, db: (dW, {"W": dx, "b": db}), "it is the gradient of W: return dx first"),
        (lambda dx, dW, db: ({"W": dW, "b": db}, dx), "they are in the wrong order; return dx, grads"),
        (lambda dx, dW, db: (dW, dx, db), "backward returned a tuple of 3"),
    ],
    ids=["transposed", "exchanged", "order", "three"],
)
def test_a_wrong_shape_says_which_is_whose_and_nothing_of_squares(returned, said):
    class Wrong(Affine):
        type = "wrong_affine"

        def returned(self, dx, dW, db):
            return returned(dx, dW, db)

    report = fcframe.gradcheck(Wrong)
    assert said in str(report.failures[0])
    assert "right where all sizes are equal" not in str(report)


def test_what_parameters_says_of_a_shape_is_shown_where_none_is_taken():
    class Picky(Affine):
        type = "picky"
        examples = ()

        def parameters(self, input_shape):
            raise ValueError("the groups do not divide the channels")

    failure = fcframe.gradcheck(Picky, checks=["an_input_shape_is_found"]).failures[0]
    assert "parameters raised: ValueError: the groups do not divide the channels" in failure.message
    assert "look at parameters in test_contract.py" in failure.diagnosis


# The report.


def test_some_checks_alone_can_be_asked_for_by_name_or_pattern():
    report = fcframe.gradcheck("relu", checks=["the_gradient_*", "the_dtype_is_kept"])
    assert {result.check for result in report} == {
        "the_gradient_of_x_is_right", "the_gradient_of_each_parameter_is_right", "the_dtype_is_kept",
    }  # fmt: skip
    assert repr(report).startswith("Report(gradients right; ")
    assert len(repr(report)) < 100


def test_a_check_that_does_not_exist_is_refused_with_a_suggestion():
    with pytest.raises(fcframe.SpecError, match=r"no check is called 'the_dtype_is_keptt'\. Did you mean"):
        fcframe.gradcheck("relu", checks="the_dtype_is_keptt")


@pytest.mark.parametrize("seed", ["x", -1, 1.5, True])
def test_a_seed_that_is_none_is_refused_and_nobody_blamed(seed):
    with pytest.raises(fcframe.SpecError, match="seed: expected an integer of at least 0"):
        fcframe.gradcheck("relu", seed=seed)


def test_a_name_is_looked_up_in_the_registry_that_is_handed_in():
    from fcframe.plugins import Registry

    with pytest.raises(fcframe.SpecError, match="'relu'"):
        fcframe.gradcheck("relu", registry=Registry([]))


def test_a_wrong_gradient_and_a_broken_rule_are_told_apart():
    wrong = layer("wrong", lambda self, x, params, ctx: (x * x, x), lambda self, dout, cache, ctx: (cache * dout, {}))
    rude = layer("rude", lambda self, x, params, ctx: (2 * x, None), lambda self, dout, cache, ctx: (
        np.multiply(dout, 2, out=dout), {}))  # fmt: skip
    assert fcframe.gradcheck(wrong).verdict == "wrong"
    report = fcframe.gradcheck(rude)
    assert (report.verdict, report.passed) == ("right", False)


NO_SHAPES = {
    "an array": lambda shape: np.array([np.prod(shape)]),
    "a float": lambda shape: 3.0,
    "an integer": lambda shape: 3,
    "a tuple of floats": lambda shape: (3.0,),
    "nothing": lambda shape: None,
    "a set": lambda shape: {3},
}


@pytest.mark.parametrize("output_shape", NO_SHAPES.values(), ids=NO_SHAPES)
def test_what_is_no_shape_is_refused_in_the_words_of_a_network(output_shape):
    class Shapeless(Layer):
        type = "shapeless"

        def output_shape(self, input_shape):
            return output_shape(input_shape)

        def forward(self, x, params, ctx):
            return x.copy(), None

        def backward(self, dout, cache, ctx):
            return dout.copy(), {}

    with pytest.raises(fcframe.ShapeError) as refused:
        Chain([Shapeless()]).shapes((5,))
    (failure,) = (found for found in fcframe.gradcheck(Shapeless).failures if found.check == "its_cases_can_be_made")
    assert failure.message == refused.value.reason
    assert "test_contract.py:" in failure.diagnosis


def test_an_input_shape_of_which_nothing_is_left_is_not_a_case():
    class Shorter(Layer):
        """Leaves the last five numbers out."""

        type = "shorter"

        def output_shape(self, input_shape):
            if len(input_shape) != 1:
                raise ValueError("expected one axis")
            return [input_shape[0] - 5]

        def forward(self, x, params, ctx):
            return x[:, :-5].copy(), None

        def backward(self, dout, cache, ctx):
            return np.pad(dout, ((0, 0), (0, 5))), {}

    report = fcframe.gradcheck(Shorter)
    assert report.passed, str(report)


def test_gradients_that_backward_does_not_return_are_not_right():
    scale = layer(
        "scale",
        lambda self, x, params, ctx: (x * params["w"], (x, params["w"])),
        lambda self, dout, cache, ctx: (dout * cache[1], {}),
        parameters=lambda self, shape: {"w": Parameter(shape, 1.0)},
    )
    report = fcframe.gradcheck(scale)
    assert (report.verdict, report.passed) == ("undecided", False)
    assert "backward returned gradients of [], the parameters are ['w']" in report.failures[0].message
