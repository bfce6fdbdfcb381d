"""Named arrays that are views of one flat array. Parameters, gradients and running state are stored in this way."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fcframe import arrays
from fcframe.arrays import Array
from fcframe.components import Parameter, Shape
from fcframe.errors import ContractError


class Views(Mapping[str, Array]):
    """Named arrays that are views of one flat array, `flat`. Assigning an item copies the values.

    A copy by `copy.deepcopy` or pickle has its own flat array, and its named arrays are views of that one.

    Args:
        shapes: The shape of each array by name. Iteration follows this order.
        dtype: The dtype of all arrays.
        offset: A different number for each set of views that an update reads or writes together; see `arrays.zeros`.
        order: The names in the order in which the arrays are stored. Default: the order of `shapes`.

    >>> views = Views({"W": (2, 3), "b": (3,)}, np.float64)
    >>> views["b"] = 1.0
    >>> views.flat
    array([0., 0., 0., 0., 0., 0., 1., 1., 1.])
    """

    def __init__(
        self, shapes: Mapping[str, Shape], dtype: Any, offset: int = 0, order: Sequence[str] | None = None
    ) -> None:
        self.flat: Array = arrays.zeros((sum(prod(shape) for shape in shapes.values()),), dtype, offset)
        self.order = tuple(shapes if order is None else order)
        self._layout = dict(shapes), offset
        self._views: dict[str, Array] = dict.fromkeys(shapes, self.flat)
        start = 0
        for name in self.order:
            size = prod(shapes[name])
            self._views[name] = self.flat[start : start + size].reshape(shapes[name])
            start += size

    def __getstate__(self) -> Any:
        return self.flat, self._layout, self.order

    def __setstate__(self, state: Any) -> None:
        flat, (shapes, offset), order = state
        self.__init__(shapes, flat.dtype, offset, order)  # type: ignore[misc]
        self.flat[...] = flat

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __setitem__(self, name: str, values: Any) -> None:
        view = self._views[name]
        if np.ndim(values) and np.shape(values) != view.shape:
            raise ValueError(f"{name} has shape {view.shape}, but the values have shape {np.shape(values)}")
        view[...] = values

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name!r}: {view.shape}' for name, view in self.items())}}}"


def initialized(parameters: Mapping[str, Parameter], dtype: Any, rng: "np.random.Generator") -> Views:
    """The arrays of these parameters with their initial values, which are drawn in the order of the mapping.

    In the flat array, trainable parameters come first. Those with the same weight decay and learning-rate factor are
    adjacent, so that an optimizer can update each group as one array.
    """
    shapes = {name: parameter.shape for name, parameter in parameters.items()}
    views = Views(shapes, dtype, order=sorted(parameters, key=lambda name: _group(parameters[name])))
    for name, parameter in parameters.items():
        values = parameter.sample(rng)
        if np.shape(values) != parameter.shape:
            initializer = getattr(parameter.initializer, "type", "initializer")
            raise ContractError(
                f"{initializer} made an array of shape {np.shape(values)} for {name}, which has shape {parameter.shape}"
            )
        views[name] = values
    return views


class Group(NamedTuple):
    """Adjacent trainable parameters with the same weight decay and learning-rate factor."""

    start: int
    """Index of the first value in the flat array."""
    stop: int
    """Index after the last value."""
    decay: bool
    """Whether weight decay applies."""
    learning_rate: float
    """Factor on the optimizer's learning rate."""


def groups(parameters: Mapping[str, Parameter], *, by_decay: bool = True) -> list[Group]:
    """The groups in the flat array that `initialized` makes, in order.

    Args:
        parameters: All parameters. Frozen ones belong to no group.
        by_decay: Whether parameters with and without weight decay are in different groups.
    """
    result: list[Group] = []
    start = 0
    for name in sorted(parameters, key=lambda name: _group(parameters[name])):
        parameter = parameters[name]
        if not parameter.trainable:
            break
        group = Group(start, start + parameter.size, parameter.decay, float(parameter.learning_rate))
        start = group.stop
        last = result[-1] if result else None
        same_rate = last is not None and last.learning_rate == group.learning_rate
        if last is not None and same_rate and (last.decay == group.decay or not by_decay):
            result[-1] = last._replace(stop=group.stop)
        else:
            result.append(group)
    return result


def _group(parameter: Parameter) -> tuple[bool, float, bool]:
    return not parameter.trainable, float(parameter.learning_rate), not parameter.decay
