"""Named arrays that are views of one flat buffer: parameters are one, gradients another, running state a third."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fcframe import arrays
from fcframe.arrays import Array
from fcframe.components import Parameter, Shape
from fcframe.errors import ContractError


class Views(Mapping[str, Array]):
    """Named arrays in one flat buffer. Assigning an item copies the values into their place.

    A copy, by `copy.deepcopy` or by pickle, has a buffer of its own, and its arrays are views of that one.

    Args:
        shapes: The shape of each array, in the order in which they are listed.
        dtype: The dtype of all of them.
        place: A different number for each buffer that is walked through beside this one; see `arrays`.
        order: The names in the order in which the arrays lie in the buffer; as they are listed, by default.

    >>> views = Views({"W": (2, 3), "b": (3,)}, np.float64)
    >>> views["b"] = 1.0
    >>> views.flat
    array([0., 0., 0., 0., 0., 0., 1., 1., 1.])
    """

    def __init__(
        self, shapes: Mapping[str, Shape], dtype: Any, place: int = 0, order: Sequence[str] | None = None
    ) -> None:
        self.flat: Array = arrays.zeros((sum(prod(shape) for shape in shapes.values()),), dtype, place)
        self.order = tuple(shapes if order is None else order)
        self._layout = dict(shapes), place
        self._views: dict[str, Array] = dict.fromkeys(shapes, self.flat)
        start = 0
        for name in self.order:
            size = prod(shapes[name])
            self._views[name] = self.flat[start : start + size].reshape(shapes[name])
            start += size

    def __getstate__(self) -> Any:
        return self.flat, self._layout, self.order

    def __setstate__(self, state: Any) -> None:
        flat, (shapes, place), order = state
        self.__init__(shapes, flat.dtype, place, order)  # type: ignore[misc]
        self.flat[...] = flat

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __setitem__(self, name: str, values: Any) -> None:
        view = self._views[name]
        if np.ndim(values) and np.shape(values) != view.shape:
            raise ValueError(f"{name} has shape {view.shape}, got values of shape {np.shape(values)}")
        view[...] = values

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name!r}: {view.shape}' for name, view in self.items())}}}"


def started(parameters: Mapping[str, Parameter], dtype: Any, rng: "np.random.Generator") -> Views:
    """The arrays of these parameters, each as its initializer starts it; drawn in the order of the mapping.

    In the buffer, trainable parameters come first, and among them those of equal weight decay and learning-rate factor
    lie side by side, so that an optimizer can update each group as one array.
    """
    shapes = {name: parameter.shape for name, parameter in parameters.items()}
    views = Views(shapes, dtype, order=sorted(parameters, key=lambda name: _group(parameters[name])))
    for name, parameter in parameters.items():
        drawn = parameter.sample(rng)
        if np.shape(drawn) != parameter.shape:
            made = f"{getattr(parameter.initializer, 'type', 'initializer')} made an array of shape {np.shape(drawn)}"
            raise ContractError(f"{made} for {name}, which has shape {parameter.shape}")
        views[name] = drawn
    return views


class Group(NamedTuple):
    """Trainable parameters that lie side by side in the buffer and are updated alike."""

    start: int
    stop: int
    decay: bool
    learning_rate: float
    """The factor of the optimizer's learning rate."""


def groups(parameters: Mapping[str, Parameter], *, by_decay: bool = True) -> list[Group]:
    """The groups of `started`'s buffer, first to last.

    Args:
        parameters: The parameters, frozen ones included, which belong to no group.
        by_decay: Whether parameters with and without weight decay are kept apart.
    """
    found: list[Group] = []
    start = 0
    for name in sorted(parameters, key=lambda name: _group(parameters[name])):
        parameter = parameters[name]
        if not parameter.trainable:
            break
        group = Group(start, start + parameter.size, parameter.decay, float(parameter.learning_rate))
        start = group.stop
        last = found[-1] if found else None
        alike = last is not None and last.learning_rate == group.learning_rate
        if last is not None and alike and (last.decay == group.decay or not by_decay):
            found[-1] = last._replace(stop=group.stop)
        else:
            found.append(group)
    return found


def _group(parameter: Parameter) -> tuple[bool, float, bool]:
    return not parameter.trainable, float(parameter.learning_rate), not parameter.decay
