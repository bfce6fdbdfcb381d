"""What all kinds of components share: a type, examples, and the road from JSON and back."""

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
from fcframe.strict import StrictModel, problem_at, shown

Shape: TypeAlias = tuple[int, ...]
Params: TypeAlias = Mapping[str, Array]


class Example:
    """One configuration of a component, and for a layer the shape of one input example.

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
    """A configuration that a component refuses, or of a layer an input shape, and words that the refusal must hold.

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
    """What all kinds share: a type, examples, and the road from JSON and back."""

    kind: ClassVar[str]
    """What the component is: "layer", "loss", …; set by the class of its kind."""
    plural: ClassVar[str]
    """The registry's attribute for this kind: "layers", "losses", …"""
    type: ClassVar[str]
    """The component's name in JSON."""
    examples: ClassVar[tuple[Example, ...]] = ()
    """Typical configurations; the harness checks each, and makes more of its own."""
    rejected: ClassVar[tuple[Rejected, ...]] = ()
    """Configurations, or input shapes, that the component refuses; the harness checks that it does, and its words."""
    also_called: ClassVar[tuple[str, ...]] = ()
    """Other names of the component in the field; somebody who writes one of them as a type is told this one."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Only the fields that are not at their defaults: "Affine(units=5)"."""
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
        """The fields, and the type; as `distribution:type` where the context's "registry" has several of that type."""
        registry = (info.context or {}).get("registry")
        return {"type": self.type if registry is None else registry.name(type(self)), **handler(self)}
