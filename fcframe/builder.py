"""Builds a network from a spec; all shapes and sizes are checked before any array is allocated."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from math import prod
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from fcframe.chain import Chain
from fcframe.components import Layer, Parameter, Shape
from fcframe.consistency import contradictions, numbers_out_of_range
from fcframe.errors import ContractError, ShapeError, SpecError, json_path
from fcframe.limits import human_bytes, max_bytes
from fcframe.network import Network
from fcframe.plugins import Registry
from fcframe.providers import KernelsChoice, choose
from fcframe.spec.models import ExperimentSpec, NetworkSpec, Spec


class Row(NamedTuple):
    """One layer of a network with its shapes and its number of parameters: a row of the table that `show` prints."""

    name: str
    """The dotted name: "residual1.affine1"."""
    depth: int
    """0 for a layer of the network, 1 for a layer inside such a layer, and so on."""
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: int
    """Number of learned values, including those of inner layers."""


@dataclass(frozen=True)
class Plan:
    """The shapes and sizes of a network, computed from its spec without allocating any array."""

    spec: NetworkSpec
    chain: Chain
    dtype: np.dtype[Any]

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The input shape of each layer, followed by the shape of the scores."""
        return self.chain.shapes(self.spec.input)

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """The declarations of all parameters, by dotted name."""
        return self.chain.parameters(self.spec.input)

    @cached_property
    def state(self) -> Mapping[str, Parameter]:
        """The declarations of all running statistics, by dotted name."""
        return self.chain.state(self.spec.input)

    @property
    def size(self) -> int:
        """Total number of learned values."""
        return sum(parameter.size for parameter in self.parameters.values())

    def rows(self) -> Iterator[Row]:
        """All layers from input to output; a container comes before the layers inside it."""
        return _rows(self.chain.inner(self.spec.input), "", 0)


def plan(spec: Spec, *, dtype: Any = None, batch_size: int | None = None) -> Plan:
    """Computes all shapes and sizes of a network, without allocating any array.

    Args:
        spec: A network spec, or an experiment spec.
        dtype: "float32" or "float64". Default: the dtype in the spec.
        batch_size: The largest number of examples in one pass. Default: the experiment's batch size, or 1.

    Raises:
        SpecError: The layers do not fit together, or need more memory than is allowed. The message has the JSON path.
    """
    if not isinstance(spec, (NetworkSpec, ExperimentSpec)):
        raise not_a_spec(spec)
    network = spec.network if isinstance(spec, ExperimentSpec) else spec
    path = ("network",) if isinstance(spec, ExperimentSpec) else ()
    try:
        planned = Plan(network, Chain(network.layers), _dtype(dtype or network.dtype))
        _check_names(planned)
        try:
            network.loss.check_scores(planned.shapes[-1])
        except ValueError as error:
            reason = f"the {network.loss.type} loss cannot take scores of shape {planned.shapes[-1]}: {error}"
            raise ShapeError(("loss",), reason) from error
    except ShapeError as error:
        raise SpecError([f"{json_path((*path, *error.path))}: {error.reason}"]) from error
    except ValueError as error:
        raise SpecError([f"{json_path((*path, 'layers'))}: {error}"]) from error
    problems = list(numbers_out_of_range(spec, planned.dtype))
    if isinstance(spec, ExperimentSpec):
        problems += contradictions(spec, planned.shapes[-1], list(planned.parameters.values()))
    if problems:
        raise SpecError([f"{json_path(where)}: {problem}" for where, problem in problems])
    if batch_size is None:
        batch_size = spec.training.batch_size if isinstance(spec, ExperimentSpec) else 1
    _check_sizes(planned, path, batch_size)
    return planned


def build(
    spec: Spec, *, seed: int = 0, dtype: Any = None, kernels: KernelsChoice = None, registry: Registry | None = None
) -> Network:
    """Builds the network that a spec describes, and initializes its parameters.

    Args:
        spec: A network spec, or an experiment spec.
        seed: Seed for the initialization, and for the stochastic layers in `Network.loss`.
        dtype: "float32" or "float64". Default: the dtype in the spec.
        kernels: The kernels that compute the training step: their name, their class or an instance. Default: the
            environment variable FCFRAME_KERNELS, otherwise the first provider that works on this machine.
        registry: Where kernels are looked up. Default: all installed plugins.

    Raises:
        SpecError: The layers do not fit together or need more memory than is allowed, or no kernels have that name.
        PluginError: The named kernels cannot be used.

    >>> import fcframe
    >>> spec = fcframe.load_spec({"input": [4], "layers": [{"type": "affine", "units": 3}], "loss": {"type": "mse"}})
    >>> build(spec).params
    {'affine1.W': (4, 3), 'affine1.b': (3,)}
    """
    planned = plan(spec, dtype=dtype)
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise SpecError([f"seed: expected an integer of at least 0, got {seed!r}"])
    chosen = choose(kernels, registry=registry)
    return Network(planned.spec, planned.chain, planned.parameters, planned.state, planned.dtype, seed, chosen)


def not_a_spec(value: Any) -> SpecError:
    """The error for an argument that is not a spec."""
    hint = "; load it first: fcframe.load_spec(…)" if isinstance(value, (str, PathLike, Mapping)) else ""
    return SpecError([f"expected a spec as load_spec returns it, got a value of type {type(value).__name__}{hint}"])


def _rows(layers: Any, prefix: str, depth: int) -> Iterator[Row]:
    for name, layer, shape in layers:
        size = sum(parameter.size for parameter in layer.parameters(shape).values())
        yield Row(prefix + name, depth, layer, shape, layer.output_shape(shape), size)
        yield from _rows(layer.inner(shape), f"{prefix}{name}.", depth + 1)


def _dtype(value: Any) -> np.dtype[Any]:
    with suppress(TypeError):
        dtype: np.dtype[Any] = np.dtype(value)
        if dtype in (np.float32, np.float64):
            return dtype
    raise SpecError([f"dtype: expected 'float32' or 'float64', got {value!r}"])


def _check_names(planned: Plan) -> None:
    """Refuses parameter names that would make dotted names ambiguous, such as "a.b"."""
    for name in (*planned.parameters, *planned.state):
        if not all(part.isidentifier() for part in name.split(".")):
            raise ContractError(f"a layer calls a parameter {name!r}; each part of the name must be an identifier")


def _check_sizes(planned: Plan, path: tuple[str, ...], batch_size: int) -> None:
    """Refuses a network whose arrays need more memory than is allowed.

    Parameters and state are checked first: layers that are too large usually have outputs that are too large as well.
    """
    size, allowed = planned.dtype.itemsize, max_bytes()
    limit = f"{human_bytes(allowed)} are allowed (FCFRAME_MAX_BYTES)"
    rows = [row for row in planned.rows() if row.depth == 0]
    stored = planned.size + sum(parameter.size for parameter in planned.state.values())
    if stored * size > allowed:
        row = max(rows, key=lambda row: row.parameters)
        if row.parameters * size > allowed:
            problem = (
                f"{json_path((*path, 'layers', rows.index(row)))}: {row.layer.type} needs "
                f"{human_bytes(row.parameters * size)} of parameters, for an input of shape {row.input_shape}; {limit}"
            )
        else:
            problem = (
                f"{json_path((*path, 'layers'))}: all layers together need {human_bytes(stored * size)} of parameters "
                f"and state, the largest ({row.name}) {human_bytes(row.parameters * size)}; {limit}"
            )
        raise SpecError([problem])
    sizes = [prod(planned.spec.input), *planned.chain.output_sizes(planned.spec.input)]
    index, largest = max(enumerate(sizes), key=lambda pair: pair[1])
    if batch_size * largest * size > allowed:
        where = ("layers", index - 1) if index else ("input",)
        problem = (
            f"{json_path((*path, *where))}: a minibatch of {batch_size:,}, "
            f"each example of shape {planned.shapes[index]}, "
            f"takes {human_bytes(batch_size * largest * size)}; {limit}"
        )
        raise SpecError([problem])
    if batch_size * sum(sizes) * size > allowed:
        total = human_bytes(batch_size * sum(sizes) * size)
        problem = f"{json_path((*path, 'layers'))}: a minibatch of {batch_size:,} takes {total} in all layers; {limit}"
        raise SpecError([problem])
