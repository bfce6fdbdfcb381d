"""Checks that the harness can test a layer: input shapes and field values are found."""

from fcframe.components import Layer, Shape
from fcframe.errors import in_a_line
from fcframe.verify.fixtures.coverage import CoverageFixture
from fcframe.verify.generate.configurations import never_varied
from fcframe.verify.generate.layer_cases import INPUT_SHAPES
from fcframe.verify.report import CheckFailure, NotApplicable, look_at


def an_input_shape_is_found(fixture: CoverageFixture) -> None:
    """The layer accepts at least one of the input shapes; all other checks need one."""
    if fixture.layers and not fixture.cases:
        method, refusal = refusal_of(fixture.layers[0], INPUT_SHAPES[0])
        raise CheckFailure(
            f"it accepts none of the {len(INPUT_SHAPES)} input shapes that were tried, {INPUT_SHAPES[0]}, "
            f"{INPUT_SHAPES[1]} and so on; for {INPUT_SHAPES[0]} {method} raised: {refusal}",
            f"declare one that it accepts: examples = (Example(input_shape=…),); or {look_at(fixture.kind, method)}",
        )


def refusal_of(layer: Layer, shape: Shape) -> tuple[str, str]:
    """The method that refuses a shape, and its error message."""
    try:
        layer.output_shape(shape)
    except ValueError as error:
        return "output_shape", in_a_line(error)
    try:
        layer.parameters(shape)
    except ValueError as error:
        return "parameters", in_a_line(error)
    return "output_shape", "nothing"


def every_field_is_varied(fixture: CoverageFixture) -> None:
    """Each field has values other than its default, at which a wrong term may not show."""
    names = never_varied(fixture.kind, [case.layer for case in fixture.cases])
    if names:
        raise NotApplicable(f"no value other than the default was found for {', '.join(names)}: add one to `examples`")


CHECKS = (an_input_shape_is_found, every_field_is_varied)
