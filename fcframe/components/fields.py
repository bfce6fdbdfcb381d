"""Fields whose value is another component.

In Python, such a field takes a component. In JSON, it takes an object whose "type" names a registered component. Each
kind defines its field type below its class: `AnyLayer` in `layer.py`, `AnyInitializer` in `initializer.py`.
"""

import sys
from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, PydanticUserError, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from fcframe.components.base import Component
from fcframe.errors import ContractError
from fcframe.refusals import enclosed, problem_at, unexpected, unknown_type
from fcframe.strict import unreadable
from fcframe.wording import shown

SCHEMA_KEY = "x-fcframe-any"
"""Key in the JSON Schema of such a field; its value is the kind. `spec.schema` replaces it by the components."""


class Lookup(Protocol):
    """The part of the registry's interface that reading a field needs."""

    def find(self, kind: str, name: str) -> type[Component]:
        """The component of that kind and type; raises a LookupError with a complete message if there is none."""

    def of(self, kind: str) -> Mapping[str, type[Any]]:
        """The components of that kind by type."""


class AnyOf:
    """Annotation of a field that takes any registered component of a kind.

    The type is looked up in the "registry" of the validation context, else in the registry of installed plugins.

    Raises:
        ContractError: The component has a field of a type that pydantic cannot read.
    """

    def __init__(self, kind: Any) -> None:
        self.kind: type[Component] = kind
        self._one = f"an {kind.kind}" if kind.kind[0] in "aeiou" else f"a {kind.kind}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {SCHEMA_KEY: self.kind.kind}

    def read(self, value: Any, info: ValidationInfo) -> Component:
        """Returns a component as it is, and creates one from an object with a "type"."""
        if isinstance(value, self.kind):
            return value
        if not isinstance(value, Mapping):
            raise unexpected(f'an object like {{"type": …}} for {self._one}', value)
        context = info.context or {}
        component = self._component(value, context)
        fields = {key: item for key, item in value.items() if key != "type"}
        try:
            return component.model_validate(fields, context=context)
        except ValidationError as error:
            raise (enclosed(error, value) if context.get("enclose") else error) from None
        except PydanticUserError as error:  # the class of the component is wrong, not its JSON
            name = f"{component.__qualname__} of {component.__module__}"
            raise ContractError(f"{name}: {unreadable(component, error)}") from error

    def _component(self, value: Mapping[str, Any], context: Mapping[str, Any]) -> type[Component]:
        lookup, kind = context.get("registry") or _installed(), self.kind.kind
        if "type" not in value:
            raise problem_at(("type",), f"required, but missing: it names {self._one}", value)
        name = value["type"]
        if not isinstance(name, str):
            raise problem_at(("type",), f"expected the name of {self._one}, got {shown(name)}", value)
        try:
            component: type[Component] = lookup.of(kind)[name] if context.get("enclose") else lookup.find(kind, name)
        except LookupError as error:
            if context.get("enclose"):
                raise unknown_type(kind, name, value) from None
            raise problem_at(("type",), str(error.args[0]), value) from None
        return component


def _installed() -> Lookup:
    # `fcframe.plugins` imports this module. Importing it here would be circular, so it is taken from the package.
    registry: Lookup = sys.modules["fcframe"].registry()
    return registry
