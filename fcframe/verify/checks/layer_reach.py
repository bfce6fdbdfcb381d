"""For every layer, … : the harness reaches it. What has no case is not checked, and must not look as if it were."""

from collections.abc import Sequence
from dataclasses import dataclass

from fcframe.components import Layer
from fcframe.verify.cases import SHAPES, untouched
from fcframe.verify.report import CheckFailure, NotApplicable
from fcframe.verify.trial import Case


@dataclass(frozen=True)
class Reach:
    """A layer's configurations, and the cases that were made of them."""

    kind: type[Layer]
    layers: Sequence[Layer]
    cases: Sequence[Case]


def an_input_shape_is_found(reach: Reach) -> None:
    """No other check can run without one."""
    if reach.layers and not reach.cases:
        raise CheckFailure(
            f"it takes none of the {len(SHAPES)} input shapes that were tried, {SHAPES[0]}, {SHAPES[1]} and so on",
            "declare one that it takes: examples = (Example(input_shape=…),)",
        )


def every_field_is_varied(reach: Reach) -> None:
    """A term that is right at a field's default may be wrong everywhere else."""
    names = untouched(reach.kind, [case.layer for case in reach.cases])
    if names:
        raise NotApplicable(
            f"no value but the default was found for {', '.join(names)}: give one in `examples` to have it checked"
        )


CHECKS = (an_input_shape_is_found, every_field_is_varied)
