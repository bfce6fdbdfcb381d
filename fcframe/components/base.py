"""The base class of all kinds of components: the type, the examples, and the conversion from and to JSON."""

from abc import ABC
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self, TypeAlias

from pydantic import (
    ModelWrapValidatorHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from fcframe.context import Array
from fcframe.refusals import problem_at
from fcframe.strict import StrictModel
from fcframe.wording import shown

Shape: TypeAlias = tuple[int, ...]
Params: TypeAlias = Mapping[str, Array]


class Example:
    """A configuration of a component; for a layer, with the shape of one input example.

    >>> Example(input_shape=(2, 3), units=5)
    Example(input_shape=(2, 3), units=5)
    """

    def __init__(self, input_shape: Shape | None = None, **fields: Any) -> None:
        self.input_shape = input_shape
        self.fields = fields

    def __repr__(self) -> str:
        shape = {} if self.input_shape is None else {"input_shape": self.input_shape}
        return f"Example({', '.join(f'{key}={value!r}' for key, value in (shape | self.fields).items())})"


class Rejected(Example):
    """A configuration or input shape that a component must refuse, and a text that the error message must contain.

    >>> Rejected("greater than 0", units=0)
    Rejected('greater than 0', units=0)
    """

    def __init__(self, message: str, input_shape: Shape | None = None, **fields: Any) -> None:
        super().__init__(input_shape, **fields)
        self.message = message

    def __repr__(self) -> str:
        rest = super().__repr__().removeprefix("Example(").removesuffix(")")
        return f"Rejected({', '.join(part for part in (repr(self.message), rest) if part)})"


class Component(StrictModel, ABC):
    """Base class of all kinds of components."""

    kind: ClassVar[str]
    """The kind of the component: "layer", "loss", …; set by the base class of the kind."""
    plural: ClassVar[str]
    """The registry's attribute for this kind: "layers", "losses", …"""
    type: ClassVar[str]
    """Name of the component in JSON."""
    examples: ClassVar[tuple[Example, ...]] = ()
    """Typical configurations. The harness checks each of them, and generates others."""
    rejected: ClassVar[tuple[Rejected, ...]] = ()
    """Configurations or input shapes that the component refuses. The harness checks the error messages."""
    also_called: ClassVar[tuple[str, ...]] = ()
    """Other common names of the component, such as "dense" for affine; the error for such a type suggests this one."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """The fields that differ from their defaults: "Affine(units=5)"."""
        for name, field in type(self).model_fields.items():
            value = getattr(self, name, None)
            if field.is_required() or value != field.get_default(call_default_factory=True):
                yield name, value

    @model_validator(mode="wrap")
    @classmethod
    def _read_type(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, Mapping) and "type" in value:
            if value["type"] != cls.type:
                raise problem_at(("type",), f"expected {shown(cls.type)}, got {shown(value['type'])}", value["type"])
            value = {key: item for key, item in value.items() if key != "type"}
        return handler(value)

    @model_serializer(mode="wrap")
    def _write_type(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        """The type and the fields. An ambiguous type in the context's "registry" is written as `distribution:type`."""
        registry = (info.context or {}).get("registry")
        return {"type": self.type if registry is None else registry.name(type(self)), **handler(self)}


class FigureWatcher(Component):
    """A component that may follow a figure of the evaluations during training: an observer or a schedule."""

    def watched(self) -> tuple[str, bool | None] | None:
        """The figure that the component watches, such as "val_loss", and whether higher is better (None: unspecified).

        A spec is refused if its training does not measure the figure, or if the direction is wrong. Default: None, no
        figure is watched.
        """
        return None
