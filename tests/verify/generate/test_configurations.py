"""Cases made from a class alone: every kind of field takes an unusual value, and every layer that can be run is."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Literal

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict, Field, NegativeFloat, PositiveInt, model_validator

import fcframe
from fcframe import AnyInitializer, Example, Layer, Layers, Parameter
from fcframe.verify import gradcheck
from fcframe.verify.derivatives.layer import numerical_gradient
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.generate.configurations import configurations, never_varied
from fcframe.verify.generate.input_values import values_of
from fcframe.verify.generate.layer_cases import INPUT_SHAPES, accepted_shapes, layer_cases
from fcframe_standard.initializers.zeros import Zeros
from tests.galleries.right import RIGHT

REGISTRY = fcframe.registry()


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Inner(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    depth: Annotated[int, Field(ge=1, le=9)] = 1
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5


def identity(name, annotations, shapes=None, **extra):
    """A layer that passes x on, with these fields; `shapes` are the only ones it takes."""

    def output_shape(self, input_shape):
        if shapes is not None and tuple(input_shape) not in shapes:
            raise ValueError("takes another shape")
        return input_shape

    def forward(self, x, params, ctx):
        return x.copy(), ()

    def backward(self, dout, cache, ctx):
        return dout.copy(), {}

    methods = {"output_shape": output_shape, "forward": forward, "backward": backward}
    return type(name, (Layer,), {"type": name, "__annotations__": annotations, **methods, **extra})


FIELDS = {
    "float": (float, 1.0),
    "bounded": (Annotated[float, Field(ge=0, lt=1)], 0.9),
    "narrow": (Annotated[float, Field(gt=0.2, lt=0.21)], 0.205),
    "above": (Annotated[float, Field(gt=1e6)], 2e6),
    "below": (Annotated[float, Field(le=-100)], -100.0),
    "negative": (NegativeFloat, -1.0),
    "int": (int, 1),
    "positive": (PositiveInt, 1),
    "large_int": (Annotated[int, Field(ge=1000)], 1000),
    "two_to_four": (Annotated[int, Field(ge=2, le=4)], 2),
    "exclusive": (Annotated[int, Field(gt=40, lt=43)], 41),
    "multiple": (Annotated[int, Field(multiple_of=7, gt=0)], 7),
    "multiple_float": (Annotated[float, Field(multiple_of=0.25)], 0.25),
    "literal": (Literal["a", "b"], "a"),
    "literal_int": (Literal[1, -1], 1),
    "enum": (Colour, Colour.RED),
    "bool": (bool, False),
    "true": (bool, True),
    "optional": (float | None, None),
    "optional_set": (Annotated[float, Field(gt=0)] | None, 1.0),
    "pair": (tuple[float, int], (1.0, 1)),
    "numbers": (tuple[float, ...], (1.0,)),
    "three": (Annotated[tuple[float, ...], Field(min_length=3, max_length=3)], (1.0, 1.0, 1.0)),
    "mixed": (tuple[Literal["a"], float], ("a", 1.0)),
    "nested": (Inner, Inner()),
    "optional_nested": (Inner | None, None),
    "union": (int | Literal["all"], "all"),
    "text": (str, ""),
    "name_like": (Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")], "x"),
    "long": (Annotated[str, Field(min_length=10)], "abcdefghijkl"),
    "mapping": (Mapping[str, float], {}),
    "initializer": (AnyInitializer, Zeros()),
    "optional_initializer": (AnyInitializer | None, None),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_each_kind_takes_an_unusual_value(name):
    kind, default = FIELDS[name]
    layer = identity(f"has_{name}", {"field": kind}, field=default)
    made = configurations(layer, REGISTRY)
    values = [getattr(one, "field") for one in made if getattr(one, "field") != default]  # noqa: B009
    assert values
    assert never_varied(layer, made) == []
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    assert not numbers or any(value not in (0, 1) for value in numbers)


def test_nested_fields_leave_their_defaults_too():
    made = configurations(identity("nests", {"field": Inner}, field=Inner()), REGISTRY)
    assert any(one.field.depth != 1 and one.field.share != 0.5 for one in made)


def test_all_fields_are_off_their_defaults_in_one_configuration():
    layer = identity(
        "many",
        {name: kind for name, (kind, _) in FIELDS.items()},
        **{name: default for name, (_, default) in FIELDS.items()},
    )
    made = configurations(layer, REGISTRY)
    assert any(all(getattr(one, name) != default for name, (_, default) in FIELDS.items()) for one in made)


def test_required_fields_that_depend_on_each_other():
    def ordered(self):
        if not self.low < self.high:
            raise ValueError("low must be less than high")
        return self

    check = model_validator(mode="after")(ordered)
    Ordered = identity("ordered", {"low": float, "high": float}, check=check)
    made = configurations(Ordered, REGISTRY)
    assert made
    assert all(one.low < one.high for one in made)


def test_fields_of_which_exactly_one_is_given_both_get_their_turn():
    either = next(layer for layer in RIGHT if layer.type == "dependent_fields")
    made = configurations(either, REGISTRY)
    assert never_varied(either, made) == []
    assert any(one.slope is not None for one in made)
    assert any(one.low not in (0, 1, -0.25) for one in made)


def test_layers_in_a_row_are_of_every_sort():
    layer = identity("holds", {"layers": Layers})
    held = {type(inner) for one in configurations(layer, REGISTRY) for inner in one.layers}
    assert {"affine", "batchnorm", "dropout"} <= {inner.type for inner in held}


def test_what_no_value_is_found_for_is_said():
    layer = identity("picky", {"code": Annotated[str, Field(pattern="^q{3}z{5}[0-9]{7}$")]}, code="qqqzzzzz1234567")
    assert never_varied(layer, configurations(layer, REGISTRY)) == ["code"]
    report = gradcheck(layer)
    assert report.passed
    (line,) = [result for result in report if result.check == "every_field_is_varied"]
    assert line.status.value == "not applicable"
    assert "code" in line.message


def test_a_layer_that_takes_no_shape_that_is_tried_does_not_pass():
    for subject in (identity("odd", {}, shapes=[(97,)]), identity("odd", {}, shapes=[(97,)])()):
        report = gradcheck(subject)
        assert not report.passed
        assert any("accepts none of the" in failure.message for failure in report.failures)


def test_a_class_of_which_no_configuration_can_be_made_does_not_pass():
    layer = identity("unmakeable", {"code": Annotated[str, Field(pattern="^q{3}z{5}[0-9]{7}$")]})
    report = gradcheck(layer)
    assert configurations(layer, REGISTRY) == []
    assert not report.passed
    assert report.failures


def test_an_example_shows_a_shape_that_no_rule_finds_to_all_configurations():
    layer = identity("shy", {"scale": float}, shapes=[(97,)], scale=1.0, examples=(Example(input_shape=(97,)),))
    made = configurations(layer, REGISTRY)
    cases = layer_cases(made, {0: [(97,)]}, 0)
    assert {case.layer.scale for case in cases} > {1.0}
    assert gradcheck(layer).passed


@pytest.mark.parametrize("shapes", [[(6,)], [(12,), (8,)], [(4, 4)], [(2, 4, 5)], [(2, 3, 1, 4)]])
def test_layers_of_few_shapes_still_get_cases(shapes):
    assert next(iter(accepted_shapes(identity("choosy", {}, shapes=shapes)()))) in shapes


@pytest.mark.parametrize("kind", [*RIGHT, *REGISTRY.layers.values()], ids=lambda kind: kind.type)
def test_the_cases_of_a_layer(kind):
    layers = configurations(kind, REGISTRY)
    shapes = {place: [one.input_shape for one in kind.examples if kind(**one.fields) == layer]
              for place, layer in enumerate(layers)}  # fmt: skip
    cases = layer_cases(layers, shapes, 0)
    assert never_varied(kind, [case.layer for case in cases]) == []
    assert {case.values for case in cases} == set(values_of(cases[0].layer.input_domain(cases[0].input_shape)))
    assert {case.training for case in cases} == {True, False}
    assert 1 in {case.N for case in cases}
    assert max(case.N for case in cases) > 2
    assert len({str(case) for case in cases}) == len(cases)
    own = [shape for found in shapes.values() for shape in found]
    for case in cases:
        if case.N > 1 and case.input_shape not in own:
            assert case.N not in case.input_shape + tuple(case.layer.output_shape(case.input_shape))
    if kind.type in ("relu", "affine", "batchnorm"):
        assert {len(case.input_shape) for case in cases} == {1, 2, 3}


def test_shapes_that_are_tried_first_have_axes_of_different_sizes():
    assert all(len(set(shape)) == len(shape) for shape in INPUT_SHAPES[:6])


def test_a_case_is_drawn_the_same_in_float32_and_float64():
    layer = REGISTRY.layers["affine"](units=3)
    case = layer_cases([layer], {}, 0)[0]
    wide, single = LayerFixture(case), LayerFixture(case, np.float32)
    assert np.array_equal(wide.x, single.x)
    assert all(np.array_equal(wide.params[name], single.params[name]) for name in wide.params)
    assert not np.array_equal(wide.douts[0], wide.douts[1])


def test_parameters_start_where_none_of_their_terms_is_hidden():
    class Biased(Layer):
        type = "biased"

        def output_shape(self, input_shape):
            return input_shape

        def parameters(self, input_shape):
            return {"b": Parameter(input_shape, Zeros())}

        def forward(self, x, params, ctx):
            return x + params["b"], ()

        def backward(self, dout, cache, ctx):
            return dout.copy(), {"b": dout.sum(axis=0)}

    fixture = LayerFixture(layer_cases([Biased()], {}, 0)[0])
    assert np.all(fixture.params["b"] != 0)


def test_a_layer_that_writes_into_its_parameter_at_some_points_alone_is_measured_at_the_right_ones():
    class Sometimes(Layer):
        type = "sometimes"
        examples = (Example(input_shape=(3,)),)

        def output_shape(self, input_shape):
            return (2,)

        def parameters(self, input_shape):
            return {"W": Parameter((*input_shape, 2), Zeros())}

        def forward(self, x, params, ctx):
            out = np.tanh(x @ params["W"])
            if params["W"][0, 0] > start:
                params["W"][...] = 9.0
            return out, (x, out)

        def backward(self, dout, cache, ctx):
            x, out = cache
            return dout, {"W": x.T @ (dout * (1 - out**2))}

    start = np.inf
    fixture = LayerFixture(layer_cases([Sometimes()], {}, 0)[0])
    start = fixture.params["W"][0, 0]
    expected = fixture.gradients(fixture.douts[0])["dW"]
    np.testing.assert_allclose(numerical_gradient(fixture, "dW", fixture.douts[0]), expected, rtol=1e-6)


@pytest.mark.parametrize("stranger", [5, None, object, object(), [], lambda x: x], ids=lambda one: type(one).__name__)
def test_what_is_no_component_is_refused_and_not_checked(stranger):
    with pytest.raises(
        fcframe.SpecError, match=r"^expected a component \(its class, an instance or its name\), a network"
    ):
        gradcheck(stranger)


@pytest.mark.parametrize("kind", [Layer, fcframe.Loss, fcframe.Dataset], ids=lambda kind: kind.__name__)
def test_a_class_without_a_type_is_asked_for_one(kind):
    with pytest.raises(fcframe.PluginError, match=rf"^{kind.__name__} has no type: set its name in JSON"):
        gradcheck(kind)
