"""A sequence of layers: names, shapes, parameters, forward and backward. Networks and containers are made of one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod
from operator import index as as_index
from typing import Any

from fcframe.components import Domain, Layer, Parameter, Params, Reals, Shape
from fcframe.context import Array, Context
from fcframe.errors import ContractError, ShapeError


class Chain:
    """A sequence of layers; the output of each is the input of the next.

    Args:
        layers: The layers from input to output.
        field: The name of the spec's field that holds the layers, for the paths in error messages.

    Raises:
        ValueError: Two layers have the same name.
    """

    def __init__(self, layers: Sequence[Layer], field: str = "layers") -> None:
        self.layers = tuple(layers)
        self.names = names(self.layers)
        self._dotted = tuple(_Dotted(f"{name}.") for name in self.names)
        self.field = field

    def shapes(self, input_shape: Shape) -> tuple[Shape, ...]:
        """The input shape of each layer, followed by the output shape of the chain.

        Raises:
            ShapeError: A layer cannot take its input shape. The message names the layer, the shape and the reason.
        """
        shapes = [tuple(input_shape)]
        for number, layer in enumerate(self.layers):
            path = (self.field, number)
            try:
                shape = layer.output_shape(shapes[-1])
            except ShapeError as error:  # of a layer inside a container
                raise ShapeError((*path, *error.path), error.reason) from error
            except ValueError as error:
                raise ShapeError(path, f"{layer.type} cannot take an input of shape {shapes[-1]}: {error}") from error
            sizes = as_shape(shape)
            if sizes is None:
                raise ShapeError(path, not_a_shape(layer, shape, shapes[-1]))
            if number:
                self._check_domain(path, layer, shapes[-1])
            shapes.append(sizes)
        return tuple(shapes)

    def _check_domain(self, path: tuple[str, int], layer: Layer, shape: Shape) -> None:
        domain = layer.input_domain(shape)
        if domain != Reals():
            raise ShapeError(
                path, f"{layer.type} takes {domain}, but the layer before it gives real numbers; put it first"
            )

    def input_domain(self, input_shape: Shape) -> Domain:
        """The values that the first layer takes as input."""
        return self.layers[0].input_domain(input_shape) if self.layers else Reals()

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one output example. Raises the errors of `shapes`."""
        return self.shapes(input_shape)[-1]

    def inner(self, input_shape: Shape) -> tuple[tuple[str, Layer, Shape], ...]:
        """Name, layer and input shape of each layer."""
        return tuple(zip(self.names, self.layers, self.shapes(input_shape), strict=False))

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """The parameters of all layers, under `<layer's name>.<parameter's name>`.

        A layer's fields `trainable` and `regularizer` apply to its parameters. A layer inside it can override the
        regularizer.
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

    def output_sizes(self, input_shape: Shape) -> list[int]:
        """For each layer: the number of output elements per example, including the outputs of the layers inside it."""
        return [_output_size(layer, shape) for _, layer, shape in self.inner(input_shape)]

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, tuple[Any, ...]]:
        """The output of the last layer, and the caches of all layers."""
        caches: list[Any] = []
        contexts, arrays = ctx.inner(self.names), ctx.inner_params(self.names, params)
        try:
            for layer, own, inner in zip(self.layers, arrays, contexts, strict=True):
                x, cache = layer.forward(x, own, inner)
                caches.append(cache)
        except Exception as error:
            index = len(caches)
            error.add_note(f"in the forward of {self.names[index]} ({self.layers[index].type})")
            raise
        return x, tuple(caches)

    def backward(self, dout: Array, cache: tuple[Any, ...], ctx: Context) -> tuple[Array | None, dict[str, Array]]:
        """The gradient of the chain's input, and of all parameters under their dotted names.

        Raises:
            ContractError: A layer returned no dx although it was needed.
        """
        grads: dict[str, Array] = {}
        dx: Array | None = dout
        contexts = ctx.inner(self.names)
        for index in range(len(self.layers) - 1, -1, -1):
            if dx is None:
                raise ContractError(f"{self.layers[index + 1].type}: backward returned no dx, though it was needed")
            try:
                dx, own = self.layers[index].backward(dx, cache[index], contexts[index])
            except Exception as error:
                error.add_note(f"in the backward of {self.names[index]} ({self.layers[index].type})")
                raise
            dotted = self._dotted[index]
            for key in own:
                grads[dotted[key]] = own[key]
        return dx, grads


class _Dotted(dict[str, str]):
    """Maps a parameter's name in its layer to its name in the chain; each name is built once, not in every step."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def __missing__(self, key: str) -> str:
        name = self[key] = self._prefix + key
        return name


def as_shape(value: Any) -> Shape | None:
    """The shape as a tuple of Python integers, or None if the value is not a tuple or list of positive integers.

    >>> import numpy as np
    >>> as_shape((np.int64(2), 3)), as_shape((2.0,)), as_shape((0,))
    ((2, 3), None, None)
    """
    if not isinstance(value, (tuple, list)):
        return None
    try:
        sizes = tuple(as_index(size) for size in value)
    except TypeError:
        return None
    return sizes if all(size > 0 for size in sizes) else None


def not_a_shape(layer: Layer, value: Any, input_shape: Shape) -> str:
    """The message for a value of `output_shape` that `as_shape` refuses."""
    return f"{layer.type} makes {value!r} of {input_shape}; a shape is a tuple of positive integers"


def _with_fields_of(layer: Layer, shape: Shape) -> Iterator[tuple[str, Parameter]]:
    for key, parameter in layer.parameters(shape).items():
        trainable = parameter.trainable and layer.trainable
        regularizer = parameter.regularizer or layer.regularizer
        if trainable is not parameter.trainable or regularizer is not parameter.regularizer:
            yield key, replace(parameter, trainable=trainable, regularizer=regularizer)
        else:
            yield key, parameter


def _output_size(layer: Layer, input_shape: Shape) -> int:
    inside = sum(_output_size(inner, shape) for _, inner, shape in layer.inner(input_shape))
    return inside + prod(layer.output_shape(input_shape))


def names(layers: Sequence[Layer]) -> tuple[str, ...]:
    """The name of each layer: the one in the spec, else its type and a number that counts layers of this type from 1.

    Raises:
        ValueError: Two layers have the same name.
    """
    seen: Counter[str] = Counter()
    result = []
    for layer in layers:
        seen[layer.type] += 1
        result.append(layer.name or f"{layer.type}{seen[layer.type]}")
    duplicates = [name for name, count in Counter(result).items() if count > 1]
    if duplicates:
        first = result.index(duplicates[0])
        second = result.index(duplicates[0], first + 1)
        raise ValueError(f"layers [{first}] and [{second}] are both called {duplicates[0]!r}; rename one of them")
    return tuple(result)
