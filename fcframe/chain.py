"""Layers in a row: their names, shapes, parameters, forward and backward. A network is one; containers hold one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod
from operator import index
from typing import Any

from fcframe.components import Domain, Layer, Parameter, Params, Reals, Shape
from fcframe.context import Array, Context
from fcframe.errors import ContractError, ShapeError


class Chain:
    """Layers in a row, each fed by the one before. An author of a container hands its layers over and delegates.

    Args:
        layers: The layers, first to last.
        field: The field that holds them in the spec, for the paths in error messages.

    Raises:
        ValueError: Two layers have one name.
    """

    def __init__(self, layers: Sequence[Layer], field: str = "layers") -> None:
        self.layers = tuple(layers)
        self.names = names(self.layers)
        self._dotted = tuple(_Dotted(f"{name}.") for name in self.names)
        self.field = field

    def shapes(self, input_shape: Shape) -> tuple[Shape, ...]:
        """The input shape of each layer, and at last the output shape of the chain.

        Raises:
            ShapeError: A layer cannot take the shape that reaches it; says which, why, and both shapes.
        """
        shapes = [tuple(input_shape)]
        for number, layer in enumerate(self.layers):
            place = (self.field, number)
            try:
                shape = layer.output_shape(shapes[-1])
            except ShapeError as error:  # of a layer inside a container
                raise ShapeError((*place, *error.path), error.reason) from error
            except ValueError as error:
                raise ShapeError(place, f"{layer.type} cannot take an input of shape {shapes[-1]}: {error}") from error
            sizes = as_shape(shape)
            if sizes is None:
                reason = f"{layer.type} makes {shape} of {shapes[-1]}; a shape is a tuple of positive integers"
                raise ShapeError(place, reason)
            if number:
                self._check_domain(place, layer, shapes[-1])
            shapes.append(sizes)
        return tuple(shapes)

    def _check_domain(self, place: tuple[str, int], layer: Layer, shape: Shape) -> None:
        domain = layer.input_domain(shape)
        if domain != Reals():
            raise ShapeError(
                place, f"{layer.type} takes {domain}, but the layer before it gives real numbers; put it first"
            )

    def input_domain(self, input_shape: Shape) -> Domain:
        """Which values the first layer takes."""
        return self.layers[0].input_domain(input_shape) if self.layers else Reals()

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one output example; raises as `shapes` does."""
        return self.shapes(input_shape)[-1]

    def inner(self, input_shape: Shape) -> tuple[tuple[str, Layer, Shape], ...]:
        """Name, layer and input shape of each layer."""
        return tuple(zip(self.names, self.layers, self.shapes(input_shape), strict=False))

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """The parameters of all layers, under `<layer's name>.<parameter's name>`.

        A layer's fields `trainable` and `regularizer` hold for its parameters, unless a layer inside it says otherwise.
        """
        return {
            f"{name}.{key}": parameter
            for name, layer, shape in self.inner(input_shape)
            for key, parameter in _with_fields_of(layer, shape)
        }

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """The running state of all layers, under `<layer's name>.<state's name>`."""
        return {
            f"{name}.{key}": parameter
            for name, layer, shape in self.inner(input_shape)
            for key, parameter in layer.state(shape).items()
        }

    def numbers_made(self, input_shape: Shape) -> list[int]:
        """How many numbers each layer, with all layers inside it, makes of one example."""
        return [_numbers_made(layer, shape) for _, layer, shape in self.inner(input_shape)]

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, tuple[Any, ...]]:
        """The last layer's output, and the caches of all."""
        caches: list[Any] = []
        contexts, arrays = ctx.inner(self.names), ctx.inner_params(self.names, params)
        try:
            for layer, own, inner in zip(self.layers, arrays, contexts, strict=True):
                x, cache = layer.forward(x, own, inner)
                caches.append(cache)
        except Exception as error:
            place = len(caches)
            error.add_note(f"in the forward of {self.names[place]} ({self.layers[place].type})")
            raise
        return x, tuple(caches)

    def backward(self, dout: Array, cache: tuple[Any, ...], ctx: Context) -> tuple[Array | None, dict[str, Array]]:
        """The gradient of the chain's input, and of all parameters under their dotted names.

        Raises:
            ContractError: A layer that was asked for dx gave none.
        """
        grads: dict[str, Array] = {}
        dx: Array | None = dout
        contexts = ctx.inner(self.names)
        for place in range(len(self.layers) - 1, -1, -1):
            if dx is None:
                raise ContractError(f"{self.layers[place + 1].type}: backward returned no dx, though it was needed")
            try:
                dx, own = self.layers[place].backward(dx, cache[place], contexts[place])
            except Exception as error:
                error.add_note(f"in the backward of {self.names[place]} ({self.layers[place].type})")
                raise
            dotted = self._dotted[place]
            for key in own:
                grads[dotted[key]] = own[key]
        return dx, grads


class _Dotted(dict[str, str]):
    """A parameter's name in its layer → its name in the chain; each is put together once, and not in every step."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def __missing__(self, key: str) -> str:
        name = self[key] = self._prefix + key
        return name


def as_shape(found: Any) -> Shape | None:
    """A shape as a tuple of Python integers; None if it is no tuple or list of positive integers.

    >>> import numpy as np
    >>> as_shape((np.int64(2), 3)), as_shape((2.0,)), as_shape((0,))
    ((2, 3), None, None)
    """
    if not isinstance(found, (tuple, list)):
        return None
    try:
        sizes = tuple(index(size) for size in found)
    except TypeError:
        return None
    return sizes if all(size > 0 for size in sizes) else None


def _with_fields_of(layer: Layer, shape: Shape) -> Iterator[tuple[str, Parameter]]:
    for key, parameter in layer.parameters(shape).items():
        trainable = parameter.trainable and layer.trainable
        regularizer = parameter.regularizer or layer.regularizer
        if trainable is not parameter.trainable or regularizer is not parameter.regularizer:
            yield key, replace(parameter, trainable=trainable, regularizer=regularizer)
        else:
            yield key, parameter


def _numbers_made(layer: Layer, input_shape: Shape) -> int:
    inside = sum(_numbers_made(inner, shape) for _, inner, shape in layer.inner(input_shape))
    return inside + prod(layer.output_shape(input_shape))


def names(layers: Sequence[Layer]) -> tuple[str, ...]:
    """Each layer's own name, else its type numbered from 1 among its siblings of that type.

    Raises:
        ValueError: Two layers have one name.
    """
    seen: Counter[str] = Counter()
    found = []
    for layer in layers:
        seen[layer.type] += 1
        found.append(layer.name or f"{layer.type}{seen[layer.type]}")
    doubled = [name for name, count in Counter(found).items() if count > 1]
    if doubled:
        first = found.index(doubled[0])
        second = found.index(doubled[0], first + 1)
        raise ValueError(f"layers [{first}] and [{second}] are both called {doubled[0]!r}; give one another name")
    return tuple(found)
