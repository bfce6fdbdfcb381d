"""Named arrays that are views of one flat buffer: parameters are one, gradients another, running state a third."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from fcframe import arrays
from fcframe.arrays import Array
from fcframe.components import Parameter, Shape
from fcframe.errors import ContractError


class Views(Mapping[str, Array]):
    """Named arrays in one flat buffer. Assigning an item copies the values into their place.

    Args:
        shapes: The shape of each array, in the order in which they lie in the buffer.
        dtype: The dtype of all of them.
        place: Another number for each buffer that is walked through beside this one; see `arrays`.

    >>> views = Views({"W": (2, 3), "b": (3,)}, np.float64)
    >>> views["b"] = 1.0
    >>> views.flat
    array([0., 0., 0., 0., 0., 0., 1., 1., 1.])
    """

    def __init__(self, shapes: Mapping[str, Shape], dtype: Any, place: int = 0) -> None:
        self.flat: Array = arrays.zeros((sum(prod(shape) for shape in shapes.values()),), dtype, place)
        self._views: dict[str, Array] = {}
        start = 0
        for name, shape in shapes.items():
            self._views[name] = self.flat[start : start + prod(shape)].reshape(shape)
            start += prod(shape)

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
    """The arrays of these parameters, each as its initializer starts it; drawn in the order of the mapping."""
    views = Views({name: parameter.shape for name, parameter in parameters.items()}, dtype)
    for name, parameter in parameters.items():
        drawn = parameter.initializer.sample(parameter.shape, rng)
        if np.shape(drawn) != parameter.shape:
            made = f"{parameter.initializer.type} made an array of shape {np.shape(drawn)}"
            raise ContractError(f"{made} for {name}, which has shape {parameter.shape}")
        views[name] = drawn
    return views
