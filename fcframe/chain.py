"""Layers in a row: their names, shapes, parameters, forward and backward. A network is one; containers hold one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fcframe.components import Layer, Parameter, Params, Shape
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
        for index, layer in enumerate(self.layers):
            place = (self.field, index)
            try:
                shape = layer.output_shape(shapes[-1])
            except ShapeError as error:  # of a layer inside a container
                raise ShapeError((*place, *error.path), error.reason) from error
            except ValueError as error:
                raise ShapeError(place, f"{layer.type} cannot take an input of shape {shapes[-1]}: {error}") from error
            if not (isinstance(shape, (tuple, list)) and all(isinstance(size, int) and size > 0 for size in shape)):
                reason = f"{layer.type} makes {shape} of {shapes[-1]}; a shape is a tuple of positive integers"
                raise ShapeError(place, reason)
            shapes.append(tuple(shape))
        return tuple(shapes)

    def output_shape(self, input_shape: Shape) -> Shape:
        """The shape of one output example; raises as `shapes` does."""
        return self.shapes(input_shape)[-1]

    def inner(self, input_shape: Shape) -> tuple[tuple[str, Layer, Shape], ...]:
        """Name, layer and input shape of each layer."""
        return tuple(zip(self.names, self.layers, self.shapes(input_shape), strict=False))

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """What all layers learn, under `<layer's name>.<parameter's name>`."""
        return {
            f"{name}.{key}": parameter
            for name, layer, shape in self.inner(input_shape)
            for key, parameter in layer.parameters(shape).items()
        }

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """What all layers keep, under `<layer's name>.<state's name>`."""
        return {
            f"{name}.{key}": parameter
            for name, layer, shape in self.inner(input_shape)
            for key, parameter in layer.state(shape).items()
        }

    def forward(self, x: Array, params: Params, ctx: Context) -> tuple[Array, tuple[Any, ...]]:
        """The last layer's output, and the caches of all."""
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
            ContractError: A layer that was asked for dx gave none.
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
    """A parameter's name in its layer → its name in the chain; each is put together once, and not in every step."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def __missing__(self, key: str) -> str:
        name = self[key] = self._prefix + key
        return name


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
