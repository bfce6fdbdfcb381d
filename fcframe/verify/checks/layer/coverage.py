"""For every layer, … : the harness reaches it. What has no case is not checked, and must not look as if it were."""

from fcframe.components import Layer, Shape
from fcframe.errors import in_a_line
from fcframe.verify.fixtures.coverage import CoverageFixture
from fcframe.verify.generate.configurations import never_varied
from fcframe.verify.generate.layer_cases import INPUT_SHAPES
from fcframe.verify.report import CheckFailure, NotApplicable, look_at


def an_input_shape_is_found(fixture: CoverageFixture) -> None:
    """No other check can run without one."""
    if fixture.layers and not fixture.cases:
        method, refusal = refusal_of(fixture.layers[0], INPUT_SHAPES[0])
        raise CheckFailure(
            f"it takes none of the {len(INPUT_SHAPES)} input shapes that were tried, {INPUT_SHAPES[0]}, "
            f"{INPUT_SHAPES[1]} and so on; for {INPUT_SHAPES[0]} {method} says: {refusal}",
            f"declare one that it takes: examples = (Example(input_shape=…),); or {look_at(fixture.kind, method)}",
        )


def refusal_of(layer: Layer, shape: Shape) -> tuple[str, str]:
    """The method that refuses a shape, and what it says."""
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
    """A term that is right at a field's default may be wrong everywhere else."""
    names = never_varied(fixture.kind, [case.layer for case in fixture.cases])
    if names:
        raise NotApplicable(
            f"no value but the default was found for {', '.join(names)}: give one in `examples` to have it checked"
        )


CHECKS = (an_input_shape_is_found, every_field_is_varied)
