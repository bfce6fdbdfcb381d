"""The cases of a layer: which configuration, input shape, minibatch size, mode and values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from fcframe.components import Layer, Shape
from fcframe.kernels import NUMPY, Kernels
from fcframe.verify.generate.input_values import ORDINARY, values_of
from fcframe.verify.generate.names import changed_fields

INPUT_SHAPES: Sequence[Shape] = (
    (5,), (4, 5), (2, 4, 5), (6,), (4, 6), (2, 4, 6), (12,), (7,), (8,), (9,), (10,), (14,), (15,), (16,),
    (21,), (30,), (60,), (1,), (2,), (3,), (4,), (3, 12), (4, 9), (4, 4), (8, 8), (2, 2), (1, 4, 4), (3, 8, 8),
    (2, 1, 1), (2, 3, 1, 4),
)  # fmt: skip
"""Input shapes that are tried; of each rank up to 3 the first that the layer takes."""

BATCH_SIZES = (3, 4, 6, 7, 8, 9, 10, 11)
"""Sizes of minibatches; the first that is the size of no other axis."""


@dataclass(frozen=True)
class LayerCase:
    """One situation in which a layer is checked."""

    layer: Layer
    input_shape: Shape
    N: int = 3
    training: bool = True
    values: str = ORDINARY
    """The kind of numbers in x: a name of VALUES, or of INTEGER_VALUES."""
    seed: int = 0
    kernels: Kernels = NUMPY

    def __str__(self) -> str:
        return self.name

    @cached_property
    def name(self) -> str:
        """What tells the case from others, for people and for pytest's -k."""
        shape = "x".join(str(size) for size in self.input_shape)
        parts = [*changed_fields(self.layer), f"x={self.N}x{shape}"]
        parts += [] if self.values == ORDINARY else [self.values]
        parts += [] if self.training else ["evaluation"]
        return ",".join(parts)


def layer_cases(layers: Sequence[Layer], shapes: Mapping[int, Sequence[Shape | None]], seed: int) -> list[LayerCase]:
    """The first two configurations thoroughly: at each rank, with all values, modes and batch sizes; the others once.

    Args:
        layers: The configurations.
        shapes: By a configuration's index, the input shapes of its examples.
        seed: Draws the numbers.
    """
    cases: list[LayerCase] = []
    known = [shape for found in shapes.values() for shape in found]
    thorough = 0
    for index, layer in enumerate(layers):
        own = [shape for shape in shapes.get(index, ()) if shape is not None]
        taken = list(accepted(layer, own, known))
        if not taken:
            continue
        if thorough == 2:
            chosen = own or [taken[index % len(taken)]]
            cases += [LayerCase(layer, shape, N=batch(layer, shape), seed=seed) for shape in chosen if shape in taken]
            continue
        thorough += 1
        cases += [LayerCase(layer, shape, N=batch(layer, shape), seed=seed) for shape in taken]
        first, N = taken[0], batch(layer, taken[0])
        others = [values for values in values_of(layer.input_domain(first)) if values != ORDINARY]
        cases += [LayerCase(layer, first, N=N, values=values, seed=seed) for values in others]
        cases += [LayerCase(layer, shape, N=batch(layer, shape), training=False, seed=seed) for shape in taken[:2]]
        cases += [LayerCase(layer, first, N=1, seed=seed), LayerCase(layer, first, N=13, seed=seed)]
        cases.append(LayerCase(layer, first, N=1, training=False, seed=seed))
    return [case for place, case in enumerate(cases) if case not in cases[:place]]  # a field may not be hashable


def batch(layer: Layer, shape: Shape) -> int:
    """A size of the minibatch that no other axis has: what mistakes one axis for another shows."""
    sizes = {*shape, *layer.output_shape(shape)}
    sizes |= {size for parameter in layer.parameters(shape).values() for size in parameter.shape}
    return next((N for N in BATCH_SIZES if N not in sizes), BATCH_SIZES[-1] + 2)


def redrawn(case: LayerCase, turn: int) -> LayerCase:
    """The same case with other numbers; turn 0 is the case itself."""
    return replace(case, seed=case.seed + 1000 * turn) if turn else case


def accepted(layer: Layer, own: Sequence[Shape] = (), known: Sequence[Shape | None] = ()) -> Iterator[Shape]:
    """Of its own shapes all that the layer takes; of the known ones and INPUT_SHAPES the first of each other rank."""
    ranks: set[int] = set()
    for shape in (*own, *known, *INPUT_SHAPES):
        if shape is None or (shape not in own and (len(shape) in ranks or (ranks and len(shape) > 3))):
            continue
        try:
            layer.output_shape(shape)
            layer.parameters(shape)
        except ValueError:
            continue
        ranks.add(len(shape))
        yield shape
