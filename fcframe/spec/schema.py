"""The JSON Schema of every spec that the installed plugins allow."""

from typing import Any

from pydantic import PydanticUserError

from fcframe.components import KINDS, SCHEMA_KEY, Component
from fcframe.errors import ContractError
from fcframe.registry import Registry
from fcframe.spec.models import EXPERIMENT_KEYS, ExperimentSpec, NetworkSpec
from fcframe.strict import StrictModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(registry: Registry) -> dict[str, Any]:
    """One schema for both documents, with a branch for each registered component.

    Each branch carries the component's description and defaults, and names the plugin that brings it. Only the branch
    of an object's type is looked into, so that a validator's work, and what an editor says, does not grow with each
    container around it.

    It accepts what `load_spec` accepts, but for what JSON Schema cannot say: it takes 3.0 for an integer; it knows
    nothing of how large or deep the whole text is, of repeated keys, and of characters and numbers that no string
    and no float can hold; and it does not know which layers fit together, which `load_spec` does not ask either.

    Raises:
        ContractError: A component has a field of a type that has no JSON Schema.
    """
    definitions: dict[str, Any] = {}
    for kind in KINDS:
        names = list(registry.of(kind.kind))
        definitions[kind.kind] = {
            "title": kind.__name__,
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"enum": names}},
            "allOf": [
                {
                    "if": {"required": ["type"], "properties": {"type": {"const": name}}},
                    "then": {"$ref": _pointer(f"{kind.kind}.{name}")},
                }
                for name in names
            ],
        }
        if not names:
            definitions[kind.kind] = {
                "title": kind.__name__,
                "not": {},
                "description": "no plugin provides one",
            }
    for component in registry:
        _define(f"{component.kind}.{component.type}", component, definitions)
        _complete(definitions[f"{component.kind}.{component.type}"], component, registry)
    _define("ExperimentSpec", ExperimentSpec, definitions)
    _define("NetworkSpec", NetworkSpec, definitions)
    return {
        "$schema": DIALECT,
        "title": "fcframe spec",
        "description": "A network spec, or an experiment spec: a network with its data and its training.",
        "type": "object",
        "if": {"anyOf": [{"required": [key]} for key in EXPERIMENT_KEYS]},
        "then": {"$ref": _pointer("ExperimentSpec")},
        "else": {"$ref": _pointer("NetworkSpec")},
        "$defs": definitions,
    }


def fields_schema(component: type[Component]) -> dict[str, Any]:
    """The schema of one component's fields: its own description of itself, for a person to read."""
    definitions: dict[str, Any] = {}
    _define("component", component, definitions)
    found: dict[str, Any] = definitions["component"]
    return found


def _define(name: str, model: type[StrictModel], definitions: dict[str, Any]) -> None:
    """Adds a model's schema, and beside it those of the models inside it."""
    try:
        schema = model.model_json_schema(ref_template=_pointer(f"{name}.{{model}}"))
    except PydanticUserError as error:
        raise ContractError(f"{name} has no JSON Schema: {str(error).splitlines()[0]}") from error
    for inner, inner_schema in schema.pop("$defs", {}).items():
        definitions[f"{name}.{inner}"] = _linked(inner_schema)
    definitions[name] = _linked(schema)


def _complete(schema: dict[str, Any], component: type[Component], registry: Registry) -> None:
    plugin = registry.origin(component)
    schema["properties"] = {"type": {"const": component.type}, **schema.get("properties", {})}
    schema["required"] = ["type", *schema.get("required", [])]
    schema["title"] = component.type
    schema["x-fcframe-plugin"] = plugin.name
    schema["x-fcframe-distribution"] = f"{plugin.distribution} {plugin.version}"


def _linked(schema: Any) -> Any:
    """The schema with each field that holds a component linked to that kind's branches."""
    if isinstance(schema, list):
        return [_linked(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if SCHEMA_KEY in schema:
        rest = {key: value for key, value in schema.items() if key != SCHEMA_KEY}
        return {"$ref": _pointer(schema[SCHEMA_KEY]), **_linked(rest)}
    found = {}
    for key, value in schema.items():
        if key == "properties":
            found[key] = {name: _linked(field) for name, field in value.items()}
        elif key in ("default", "const", "enum"):
            found[key] = value
        elif key != "title":  # pydantic's titles say the name once more
            found[key] = _linked(value)
    return found


def _pointer(name: str) -> str:
    return f"#/$defs/{name}"
