"""Generates the cases of a layer: configurations, input shapes, minibatch sizes, modes and values of x.

The axes of a case have different sizes where possible, because code that confuses two axes is right on a square.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from fcframe.chain import as_shape, not_a_shape
from fcframe.components import Layer, Shape
from fcframe.kernels import NUMPY, Kernels
from fcframe.verify.generate.input_values import ORDINARY, values_of
from fcframe.verify.generate.names import changed_fields
from fcframe.verify.report import CheckFailure, look_at

INPUT_SHAPES: Sequence[Shape] = (
    (5,), (4, 5), (2, 4, 5), (6,), (4, 6), (2, 4, 6), (12,), (7,), (8,), (9,), (10,), (14,), (15,), (16,),
    (21,), (30,), (60,), (1,), (2,), (3,), (4,), (3, 12), (4, 9), (4, 4), (8, 8), (2, 2), (1, 4, 4), (3, 8, 8),
    (2, 1, 1), (2, 3, 1, 4),
)  # fmt: skip
"""Input shapes that are tried; the first that the layer accepts is used for each rank up to 3."""

BATCH_SIZES = (3, 4, 6, 7, 8, 9, 10, 11)
"""Minibatch sizes; the first that differs from the sizes of all other axes is used."""


@dataclass(frozen=True)
class LayerCase:
    """A layer with an input shape, a minibatch size, a mode and values of x, for one run of the checks."""

    layer: Layer
    input_shape: Shape
    N: int = 3
    training: bool = True
    values: str = ORDINARY
    """The kind of values in x: a key of VALUES or of INTEGER_VALUES."""
    seed: int = 0
    kernels: Kernels = NUMPY

    def __str__(self) -> str:
        return self.name

    @cached_property
    def name(self) -> str:
        """The case's name in reports and for pytest's -k, for example "beta=2.3,x=3x5,evaluation"."""
        shape = "x".join(str(size) for size in self.input_shape)
        parts = [*changed_fields(self.layer), f"x={self.N}x{shape}"]
        parts += [] if self.values == ORDINARY else [self.values]
        parts += [] if self.training else ["evaluation"]
        return ",".join(parts)


def layer_cases(layers: Sequence[Layer], shapes: Mapping[int, Sequence[Shape | None]], seed: int) -> list[LayerCase]:
    """The cases of a layer.

    The first two configurations get cases for every rank, kind of values, mode and minibatch size. Each other
    configuration gets one case, or one for each input shape of its examples.

    Args:
        layers: The configurations of the layer.
        shapes: The input shapes of the examples of a configuration, by its index in `layers`.
        seed: The seed of all random numbers of the cases.
    """
    cases: list[LayerCase] = []
    known = [shape for of_examples in shapes.values() for shape in of_examples]
    thorough = 0
    for index, layer in enumerate(layers):
        own = [shape for shape in shapes.get(index, ()) if shape is not None]
        fitting = list(accepted_shapes(layer, own, known))
        if not fitting:
            continue
        # One case for each accepted shape, with a minibatch size that differs from all other axes.
        standard = [LayerCase(layer, shape, N=distinct_batch_size(layer, shape), seed=seed) for shape in fitting]
        if thorough == 2:
            chosen = own or [fitting[index % len(fitting)]]
            cases += [case for case in standard if case.input_shape in chosen]
            continue
        thorough += 1
        first = standard[0]
        kinds = values_of(layer.input_domain(first.input_shape))
        cases += standard
        cases += [replace(first, values=values) for values in kinds if values != ORDINARY]
        cases += [replace(case, training=False) for case in standard[:2]]
        cases += [replace(first, N=1), replace(first, N=13), replace(first, N=1, training=False)]
    return [case for index, case in enumerate(cases) if case not in cases[:index]]  # a field may not be hashable


def distinct_batch_size(layer: Layer, shape: Shape) -> int:
    """A minibatch size that no other axis has, so that code that confuses two axes fails."""
    sizes = {*shape, *layer.output_shape(shape)}
    sizes |= {size for parameter in layer.parameters(shape).values() for size in parameter.shape}
    return next((N for N in BATCH_SIZES if N not in sizes), BATCH_SIZES[-1] + 2)


def redrawn(case: LayerCase, turn: int) -> LayerCase:
    """The same case with other random numbers; for turn 0, the case itself."""
    return replace(case, seed=case.seed + 1000 * turn) if turn else case


def accepted_shapes(layer: Layer, own: Sequence[Shape] = (), known: Sequence[Shape | None] = ()) -> Iterator[Shape]:
    """The input shapes that a layer accepts.

    Args:
        layer: The layer.
        own: Input shapes of the configuration's own examples; all that the layer accepts are returned.
        known: Input shapes of other configurations. Of these and of INPUT_SHAPES, the first accepted one is returned
            for each rank that no earlier shape has; ranks above 3 are tried only if no other shape is accepted.
    """
    ranks: set[int] = set()
    for shape in (*own, *known, *INPUT_SHAPES):
        if shape is None or (shape not in own and (len(shape) in ranks or (ranks and len(shape) > 3))):
            continue
        try:
            if not _is_filled(layer, layer.output_shape(shape), shape):
                continue
            layer.parameters(shape)
        except ValueError:
            continue
        ranks.add(len(shape))
        yield shape


def _is_filled(layer: Layer, out: Any, input_shape: Shape) -> bool:
    """Whether an output shape has no axis of size 0 or less; a network with such an output is refused.

    Raises:
        CheckFailure: It is not a shape at all.
    """
    if as_shape(out) is not None:
        return True
    if isinstance(out, (tuple, list)) and all(isinstance(size, (int, np.integer)) for size in out):
        return False
    raise CheckFailure(not_a_shape(layer, out, input_shape), look_at(layer, "output_shape"))
