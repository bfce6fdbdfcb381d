"""Spec → network: shapes are inferred and sizes checked before anything is allocated."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fcframe.chain import Chain
from fcframe.components import Layer, Parameter, Shape
from fcframe.consistency import contradictions, vanishing_numbers
from fcframe.errors import ContractError, ShapeError, SpecError, json_path
from fcframe.limits import human_bytes, max_bytes
from fcframe.network import Network
from fcframe.plugins import Registry
from fcframe.providers import Wanted, choose
from fcframe.spec.models import ExperimentSpec, NetworkSpec, Spec


class Row(NamedTuple):
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
    if not isinstance(spec, (NetworkSpec, ExperimentSpec)):
        raise SpecError([f"expected a spec as load_spec returns it, got a value of type {type(spec).__name__}"])
    network = spec.network if isinstance(spec, ExperimentSpec) else spec
    place = ("network",) if isinstance(spec, ExperimentSpec) else ()
    try:
        found = Plan(network, Chain(network.layers), _dtype(dtype or network.dtype))
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
    problems = list(vanishing_numbers(spec, found.dtype))
    if isinstance(spec, ExperimentSpec):
        problems += contradictions(spec, found.shapes[-1], list(found.parameters.values()))
    if problems:
        raise SpecError([f"{json_path(where)}: {problem}" for where, problem in problems])
    if batch_size is None:
        batch_size = spec.training.batch_size if isinstance(spec, ExperimentSpec) else 1
    _check_sizes(found, place, batch_size)
    return found


def build(
    spec: Spec, *, seed: int = 0, dtype: Any = None, kernels: Wanted = None, registry: Registry | None = None
) -> Network:
    """Makes the network that a spec describes, with its parameters started.

    Args:
        spec: A network spec, or an experiment spec, whose network it then is.
        seed: Draws the parameters' start, and what layers leave to chance in `Network.loss`.
        dtype: Instead of the spec's: "float32" or "float64".
        kernels: The name of a provider, its class or an instance; by default what FCFRAME_KERNELS
            says, or the best here.
        registry: Where kernels are looked up; what is installed, by default.

    Raises:
        SpecError: The layers do not fit together, need more memory than is allowed, or there are no such kernels.
        PluginError: The kernels that were named cannot be used.

    >>> import fcframe
    >>> spec = fcframe.load_spec({"input": [4], "layers": [{"type": "affine", "units": 3}], "loss": {"type": "mse"}})
    >>> build(spec).params
    {'affine1.W': (4, 3), 'affine1.b': (3,)}
    """
    found = plan(spec, dtype=dtype)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise SpecError([f"seed: expected an integer of at least 0, got {seed!r}"])
    return Network(
        found.spec, found.chain, found.parameters, found.state, found.dtype, seed, choose(kernels, registry=registry)
    )


def _rows(layers: Any, prefix: str, depth: int) -> Iterator[Row]:
    for name, layer, shape in layers:
        size = sum(parameter.size for parameter in layer.parameters(shape).values())
        yield Row(prefix + name, depth, layer, shape, layer.output_shape(shape), size)
        yield from _rows(layer.inner(shape), f"{prefix}{name}.", depth + 1)


def _dtype(wanted: Any) -> np.dtype[Any]:
    with suppress(TypeError):
        found: np.dtype[Any] = np.dtype(wanted)
        if found in (np.float32, np.float64):
            return found
    raise SpecError([f"dtype: expected 'float32' or 'float64', got {wanted!r}"])


def _check_names(found: Plan) -> None:
    """A parameter's dotted name leads to one array, whatever layers call theirs."""
    for name in (*found.parameters, *found.state):
        if not all(part.isidentifier() for part in name.split(".")):
            raise ContractError(f"a layer calls a parameter {name!r}; each part of the name must be an identifier")


def _check_sizes(found: Plan, place: tuple[str, ...], batch_size: int) -> None:
    """Parameters and state first, then what a minibatch makes: the one mostly follows from the other."""
    size, allowed = found.dtype.itemsize, max_bytes()
    limit = f"{human_bytes(allowed)} are allowed (FCFRAME_MAX_BYTES)"
    rows = [row for row in found.rows() if row.depth == 0]
    held = found.size + sum(parameter.size for parameter in found.state.values())
    if held * size > allowed:
        row = max(rows, key=lambda row: row.parameters)
        problem = (
            f"{json_path((*place, 'layers', rows.index(row)))}: {row.layer.type} needs "
            f"{human_bytes(row.parameters * size)} of parameters, for an input of shape {row.input_shape}; {limit}"
        )
        raise SpecError([problem])
    makes = [prod(found.spec.input), *found.chain.numbers_made(found.spec.input)]
    index, most = max(enumerate(makes), key=lambda pair: pair[1])
    if batch_size * most * size > allowed:
        where = ("layers", index - 1) if index else ("input",)
        problem = (
            f"{json_path((*place, *where))}: a minibatch of {batch_size:,}, "
            f"each example of shape {found.shapes[index]}, "
            f"takes {human_bytes(batch_size * most * size)}; {limit}"
        )
        raise SpecError([problem])
    if batch_size * sum(makes) * size > allowed:
        total = human_bytes(batch_size * sum(makes) * size)
        problem = f"{json_path((*place, 'layers'))}: a minibatch of {batch_size:,} takes {total} in all layers; {limit}"
        raise SpecError([problem])
