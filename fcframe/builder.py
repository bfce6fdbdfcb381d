"""Spec → network: shapes are inferred and sizes checked before anything is allocated."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from fcframe.chain import Chain
from fcframe.components import Layer, Parameter, Shape
from fcframe.errors import ContractError, ShapeError, SpecError, json_path
from fcframe.network import Network
from fcframe.spec.models import ExperimentSpec, NetworkSpec, Spec

MAX_BYTES = 4 * 2**30
"""The most that parameters, or one minibatch's outputs, may take, unless FCFRAME_MAX_BYTES says otherwise."""


@dataclass(frozen=True)
class Row:
    """One line of the table of a network: a layer, and the shapes and sizes that follow from the spec."""

    name: str
    """The dotted name."""
    depth: int
    """0 for a layer of the network, 1 for one inside it, and so on."""
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: int
    """How many numbers are learned, those of inner layers included."""


@dataclass(frozen=True)
class Plan:
    """What a network will be, known from its spec alone."""

    spec: NetworkSpec
    chain: Chain
    dtype: np.dtype[Any]

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The input shape of each layer, and at last the scores' shape."""
        return self.chain.shapes(self.spec.input)

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Everything that is learned."""
        return self.chain.parameters(self.spec.input)

    @cached_property
    def state(self) -> Mapping[str, Parameter]:
        """Everything that is kept from step to step without being learned."""
        return self.chain.state(self.spec.input)

    @property
    def size(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.size for parameter in self.parameters.values())

    def rows(self) -> Iterator[Row]:
        """The table, containers above what they hold."""
        return _rows(self.chain.inner(self.spec.input), "", 0)


def plan(spec: Spec, *, dtype: Any = None, batch_size: int | None = None) -> Plan:
    """Infers all shapes and sizes, and allocates nothing.

    Args:
        spec: A network spec, or an experiment spec.
        dtype: Instead of the spec's.
        batch_size: How many examples a pass will see at most; by default the experiment's, or 1.

    Raises:
        SpecError: The layers do not fit together, or need more memory than is allowed; with the JSON path.
    """
    network = spec.network if isinstance(spec, ExperimentSpec) else spec
    place = ("network",) if isinstance(spec, ExperimentSpec) else ()
    try:
        found = Plan(network, Chain(network.layers), np.dtype(dtype or network.dtype))
        _check_names(found)
        try:
            network.loss.check_scores(found.shapes[-1])
        except ValueError as error:
            reason = f"the {network.loss.type} loss cannot take scores of shape {found.shapes[-1]}: {error}"
            raise ShapeError(("loss",), reason) from error
    except ShapeError as error:
        raise SpecError([f"{json_path((*place, *error.path))}: {error.reason}"]) from error
    except ValueError as error:
        raise SpecError([f"{json_path((*place, 'layers'))}: {error}"]) from error
    if batch_size is None:
        batch_size = spec.training.batch_size if isinstance(spec, ExperimentSpec) else 1
    _check_sizes(found, place, batch_size)
    return found


def build(spec: Spec, *, seed: int = 0, dtype: Any = None) -> Network:
    """Makes the network that a spec describes, with its parameters started.

    Args:
        spec: A network spec, or an experiment spec, whose network it then is.
        seed: Draws the parameters' start, and what layers leave to chance in `Network.loss`.
        dtype: Instead of the spec's: "float32" or "float64".

    Raises:
        SpecError: The layers do not fit together, or need more memory than is allowed.

    >>> import fcframe
    >>> spec = fcframe.load_spec({"input": [4], "layers": [{"type": "affine", "units": 3}], "loss": {"type": "mse"}})
    >>> build(spec).params
    {'affine1.W': (4, 3), 'affine1.b': (3,)}
    """
    found = plan(spec, dtype=dtype)
    return Network(found.spec, found.chain, found.parameters, found.state, found.dtype, seed)


def _rows(layers: Any, prefix: str, depth: int) -> Iterator[Row]:
    for name, layer, shape in layers:
        size = sum(parameter.size for parameter in layer.parameters(shape).values())
        yield Row(prefix + name, depth, layer, shape, layer.output_shape(shape), size)
        yield from _rows(layer.inner(shape), f"{prefix}{name}.", depth + 1)


def _check_names(found: Plan) -> None:
    """A parameter's dotted name leads to one array, whatever layers call theirs."""
    for name in (*found.parameters, *found.state):
        if not all(part.isidentifier() for part in name.split(".")):
            raise ContractError(f"a layer calls a parameter {name!r}; each part of the name must be an identifier")


def _check_sizes(found: Plan, place: tuple[str, ...], batch_size: int) -> None:
    allowed = max_bytes()
    problems = []
    size = found.dtype.itemsize
    if found.size * size > allowed:
        rows = [row for row in found.rows() if row.depth == 0]
        largest = max(range(len(rows)), key=lambda index: rows[index].parameters)
        problems.append(
            f"{json_path((*place, 'layers', largest))}: {rows[largest].layer.type} needs "
            f"{human_bytes(rows[largest].parameters * size)} of parameters, for an input of shape "
            f"{rows[largest].input_shape}; the whole network may take {human_bytes(allowed)} (FCFRAME_MAX_BYTES)"
        )
    widest = max(range(len(found.shapes)), key=lambda index: prod(found.shapes[index]))
    if batch_size * prod(found.shapes[widest]) * size > allowed:
        where = ("input",) if widest == 0 else ("layers", widest - 1)
        problems.append(
            f"{json_path((*place, *where))}: {batch_size:,} examples of shape {found.shapes[widest]} take "
            f"{human_bytes(batch_size * prod(found.shapes[widest]) * size)}; one minibatch may take "
            f"{human_bytes(allowed)} (FCFRAME_MAX_BYTES)"
        )
    if problems:
        raise SpecError(problems)


def max_bytes() -> int:
    """What FCFRAME_MAX_BYTES says, else MAX_BYTES."""
    text = os.environ.get("FCFRAME_MAX_BYTES", "")
    return int(text) if text.isdecimal() else MAX_BYTES


def human_bytes(count: int) -> str:
    """A number of bytes for a person.

    >>> human_bytes(2_458_440)
    '2.3 MB'
    """
    if count < 1024:
        return f"{count} bytes"
    for power, unit in enumerate(("kB", "MB", "GB", "TB", "PB"), start=1):
        if count < 1000 * 1024**power:
            return f"{count / 1024**power:.1f} {unit}"
    return "more than 999 PB"
