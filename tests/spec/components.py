"""Components of a third party, with field types that the bundled ones do not use."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, PositiveInt

import fcframe
from fcframe.registry import Plugin, Registry


class Side(enum.Enum):
    LEFT = "left"
    RIGHT = "right"


class Order(enum.IntEnum):
    FIRST = 1
    SECOND = 2


class Window(BaseModel):
    """A model of pydantic's own kind: as it stands, it would take "4" for 4."""

    size: PositiveInt
    sides: tuple[Side, ...] = ()
    inside: "Window | None" = None


@dataclass(frozen=True)
class Point:
    x: int
    y: float = 0.0


class Odd(fcframe.Layer):
    """A layer that passes x on, and has fields of many types."""

    type = "odd"

    pair: tuple[int, str] = (1, "a")
    sizes: Annotated[tuple[PositiveInt, ...], Field(max_length=3)] = ()
    side: Side = Side.LEFT
    other_side: Side | None = None
    order: Order = Order.FIRST
    power: Literal[1, 2] = 1
    seeds: set[int] = set()
    words: frozenset[str] = frozenset({"a"})
    window: Window | None = None
    windows: list[Window] = []
    point: Point | None = None
    held: fcframe.AnyLayer | None = None
    many: list[fcframe.AnyLayer] = []
    named: dict[str, fcframe.AnyInitializer] = {}
    amounts: dict[str, float] = {}
    count: int | str = 0
    one_or_more: fcframe.AnyLayer | tuple[fcframe.AnyLayer, ...] | None = None
    path: Path | None = None

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return x.copy(), ()

    def backward(self, dout, cache, ctx):
        return dout.copy(), {}


def registry_with(*components):
    """What is installed, and these components beside it."""
    installed = fcframe.registry()
    strange = Plugin("strange", "strange_plugin", "strange-distribution", "2.0")
    found = [(installed.origin(component), component) for component in installed]
    return Registry([*found, *((strange, component) for component in components)])
