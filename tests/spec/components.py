"""Components of a third party, with field types that the bundled ones do not use."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, PositiveInt

import fcframe
from fcframe.plugins import Plugin, Registry


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


class Label(BaseModel):
    size: str


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
    seeds: set[int] = Field(default=set())
    words: frozenset[str] = frozenset({"a"})
    window: Window | None = None
    windows: list[Window] = Field(default=[])
    point: Point | None = None
    held: fcframe.AnyLayer | None = None
    many: list[fcframe.AnyLayer] = Field(default=[])
    named: dict[str, fcframe.AnyInitializer] = Field(default={})
    amounts: dict[str, float] = Field(default={})
    count: int | str = 0
    one_or_more: fcframe.AnyLayer | tuple[fcframe.AnyLayer, ...] | None = None
    label: Window | Label | None = None
    path: Path | None = None

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return x.copy(), ()

    def backward(self, dout, cache, ctx):
        return dout.copy(), {}


def fcframe_alone():
    """What the distribution fcframe brings, whatever else is installed."""
    return Registry(_own())


def registry_with(*components):
    """What the distribution fcframe brings, and these components beside it."""
    strange = Plugin("strange", "strange_plugin", "strange-distribution", "2.0")
    return Registry([*_own(), *((strange, component) for component in components)])


def _own():
    installed = fcframe.registry()
    found = [(installed.origin(component), component) for component in installed]
    return [(plugin, component) for plugin, component in found if plugin.distribution == "fcframe"]
