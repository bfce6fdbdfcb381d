"""Generates the JSON Schema of specs, including the fields of all installed components."""

from typing import Any

from pydantic import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from fcframe.components import KINDS, SCHEMA_KEY, Component
from fcframe.errors import ContractError
from fcframe.plugins import Registry
from fcframe.spec.models import EXPERIMENT_KEYS, ExperimentSpec, NetworkSpec
from fcframe.strict import StrictModel, encoded_default, unreadable

DIALECT = "https://json-schema.org/draft/2020-12/schema"


LEFT_OUT_KEY = "x-fcframe-left-out"
"""Key of the list of components that the schema does not describe, with the reasons."""


def json_schema(registry: Registry) -> dict[str, Any]:
    """The JSON Schema of network specs and experiment specs, with a branch for each registered component.

    A branch has the component's description and defaults, and names its plugin. A type can be written as `type` or as
    `distribution:type`. `if` and `then` select one branch by the type of an object. With `oneOf`, validators and
    editors would have to try all branches at each level of nested containers.

    The schema accepts the same documents as `load_spec`, with exceptions that JSON Schema cannot express: it accepts
    3.0 as an integer, and it does not check the size and depth of the document, repeated keys, and characters or
    numbers that a string or a float cannot represent. It describes the current format only.

    Components that cannot be used are omitted; "x-fcframe-left-out" lists them with the reasons.
    """
    definitions: dict[str, Any] = {kind.kind: {} for kind in KINDS}
    for kind in KINDS:
        branches = []
        for component in registry.of(kind.kind).values():
            names = _names(component, registry)
            if not names:
                continue
            key = f"{kind.kind}.{names[0]}"
            _define(key, component, definitions)
            _complete(definitions[key], component, names, registry)
            branches.append((key, names))
        definitions[kind.kind] = _choice(kind, branches)
    _define("ExperimentSpec", ExperimentSpec, definitions)
    _define("NetworkSpec", NetworkSpec, definitions)
    schema = {
        "$schema": DIALECT,
        "title": "fcframe spec",
        "description": "A network spec, or an experiment spec: a network with its data and its training.",
        "type": "object",
        "if": {"anyOf": [{"required": [key]} for key in EXPERIMENT_KEYS]},
        "then": {"$ref": _pointer("ExperimentSpec")},
        "else": {"$ref": _pointer("NetworkSpec")},
        "$defs": definitions,
    }
    left_out = [str(fault) for fault in registry.quarantined if fault.component]
    return schema | {LEFT_OUT_KEY: left_out} if left_out else schema


def _names(component: type[Component], registry: Registry) -> list[str]:
    """The names of a component in specs: `distribution:type`, and its type if that is unambiguous."""
    names = []
    for name in (component.type, f"{registry.origin(component).distribution}:{component.type}"):
        try:
            if registry.find(component.kind, name) is component:
                names.append(name)
        except LookupError:  # ambiguous
            pass
    return names


def _choice(kind: type[Component], branches: list[tuple[str, list[str]]]) -> dict[str, Any]:
    """The schema of any component of one kind, from the definition key and the names of each component."""
    if not branches:
        return {"title": kind.__name__, "not": {}, "description": "no plugin provides one"}
    return {
        "title": kind.__name__,
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": list(dict.fromkeys(name for _, names in branches for name in names))}},
        "allOf": [
            {
                "if": {"required": ["type"], "properties": {"type": _one_of(names)}},
                "then": {"$ref": _pointer(key)},
            }
            for key, names in branches
        ],
    }


def _one_of(names: list[str]) -> dict[str, Any]:
    return {"const": names[0]} if len(names) == 1 else {"enum": names}


def fields_schema(component: type[Component]) -> dict[str, Any]:
    """The schema of one component's fields, with their descriptions and defaults.

    Raises:
        ContractError: A field has no JSON Schema.
    """
    definitions: dict[str, Any] = {}
    _define("component", component, definitions)
    schema: dict[str, Any] = definitions["component"]
    return schema


def _define(name: str, model: type[StrictModel], definitions: dict[str, Any]) -> None:
    """Adds the schema of a model and of the models inside it to the definitions."""
    try:
        schema = model.model_json_schema(
            ref_template=_pointer(f"{name}.{{model}}"), schema_generator=_SchemaWithIntegerKeys
        )
    except (PydanticUserError, NameError) as error:  # NameError: a type that is imported under TYPE_CHECKING
        raise ContractError(f"{name} has no JSON Schema: {unreadable(model, error)}") from error
    for inner, inner_schema in schema.pop("$defs", {}).items():
        definitions[f"{name}.{inner}"] = _linked(inner_schema)
    definitions[name] = _linked(schema)


class _SchemaWithIntegerKeys(GenerateJsonSchema):
    """Adds the pattern of the keys to objects whose keys are integers, such as class weights, and sorts sets."""

    def encode_default(self, dft: Any) -> Any:
        return encoded_default(dft, super().encode_default(dft))

    def dict_schema(self, schema: core_schema.DictSchema) -> dict[str, Any]:
        json_schema = super().dict_schema(schema)
        keys: Any = schema.get("keys_schema", {})
        while "schema" in keys:  # unwrap the validators around the schema of the key
            keys = keys["schema"]
        if keys.get("type") == "int":
            sign = "" if keys.get("ge", keys.get("gt", -1)) >= 0 else "-?"
            json_schema["propertyNames"] = {"pattern": f"^{sign}(0|[1-9][0-9]*)$"}
        return json_schema


def _complete(schema: dict[str, Any], component: type[Component], names: list[str], registry: Registry) -> None:
    plugin = registry.origin(component)
    schema["properties"] = {"type": _one_of(names), **schema.get("properties", {})}
    schema["required"] = ["type", *schema.get("required", [])]
    schema["title"] = component.type
    schema["x-fcframe-plugin"] = plugin.name
    schema["x-fcframe-distribution"] = f"{plugin.distribution} {plugin.version}"


def _linked(schema: Any) -> Any:
    """The schema in which each field for a component refers to the definition of its kind."""
    if isinstance(schema, list):
        return [_linked(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if SCHEMA_KEY in schema:
        rest = {key: value for key, value in schema.items() if key != SCHEMA_KEY}
        return {"$ref": _pointer(schema[SCHEMA_KEY]), **_linked(rest)}
    linked = {}
    for key, value in schema.items():
        if key == "properties":
            linked[key] = {name: _linked(field) for name, field in value.items()}
        elif key in ("default", "const", "enum"):
            linked[key] = value
        elif key != "title":  # pydantic's titles only repeat the field's name
            linked[key] = _linked(value)
    return linked


def _pointer(name: str) -> str:
    return f"#/$defs/{name}"
