"""The JSON Schema of every spec that the installed plugins allow."""

from typing import Any

from fcframe.components import KINDS, Component
from fcframe.fields import SCHEMA_KEY
from fcframe.registry import Registry
from fcframe.spec.models import EXPERIMENT_KEYS, ExperimentSpec, NetworkSpec
from fcframe.strict import StrictModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(registry: Registry) -> dict[str, Any]:
    """One schema for both documents, with a branch for each registered component.

    Each branch carries the component's description and defaults, and names the plugin that brings it. JSON Schema
    takes 3.0 for an integer, which a spec does not; what shapes fit together it cannot say. Otherwise it accepts
    what `load_spec` accepts.
    """
    definitions: dict[str, Any] = {}
    for kind in KINDS:
        branches = [f"{kind.kind}.{name}" for name in registry.of(kind.kind)]
        definitions[kind.kind] = {
            "title": kind.__name__,
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"enum": list(registry.of(kind.kind))}},
            "oneOf": [{"$ref": _pointer(branch)} for branch in branches],
        }
        if not branches:
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
    schema = model.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
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
    if isinstance(schema, dict):
        if SCHEMA_KEY in schema:
            rest = {key: value for key, value in schema.items() if key != SCHEMA_KEY}
            return {"$ref": _pointer(schema[SCHEMA_KEY]), **rest}
        return {key: _linked(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    if isinstance(schema, list):
        return [_linked(item) for item in schema]
    return schema


def _pointer(name: str) -> str:
    return f"#/$defs/{name}"
