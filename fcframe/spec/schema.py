"""The JSON Schema of every spec that the installed plugins allow."""

from typing import Any

from pydantic import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from fcframe.components import KINDS, SCHEMA_KEY, Component
from fcframe.errors import ContractError
from fcframe.plugins import Registry
from fcframe.spec.models import EXPERIMENT_KEYS, ExperimentSpec, NetworkSpec
from fcframe.strict import StrictModel, unreadable

DIALECT = "https://json-schema.org/draft/2020-12/schema"


LEFT_OUT_KEY = "x-fcframe-left-out"
"""Lists the components that the schema does not describe, a line each, with the reason."""


def json_schema(registry: Registry) -> dict[str, Any]:
    """One schema for both documents, with a branch for each registered component.

    Each branch carries the component's description and defaults, and names the plugin that provides it. A type is
    written as the component's type, or as `distribution:type`. Only the branch of an object's type is looked into, so
    that a validator's work, and what an editor shows, does not grow with each container around it.

    It accepts what `load_spec` accepts, apart from what JSON Schema cannot express: it takes 3.0 for an integer; it
    knows nothing of the size and depth of the whole text, of repeated keys, or of characters and numbers that no string
    and no float can hold; and it does not know which layers fit together, which `load_spec` does not check either. It
    describes the newest format only.

    Components that cannot be used are left out; "x-fcframe-left-out" lists them with the reason.
    """
    definitions: dict[str, Any] = {kind.kind: {} for kind in KINDS}
    for kind in KINDS:
        branches = []
        for component in registry.of(kind.kind).values():
            names = _names(component, registry)
            if not names:
                continue
            place = f"{kind.kind}.{names[0]}"
            _define(place, component, definitions)
            _complete(definitions[place], component, names, registry)
            branches.append((place, names))
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
    """What a spec may call the component: its type, where no other one has it, and `distribution:type`."""
    found = []
    for name in (component.type, f"{registry.origin(component).distribution}:{component.type}"):
        try:
            if registry.find(component.kind, name) is component:
                found.append(name)
        except LookupError:  # ambiguous
            pass
    return found


def _choice(kind: type[Component], branches: list[tuple[str, list[str]]]) -> dict[str, Any]:
    """The schema of a component of one kind, from the places and the names of all that are registered."""
    if not branches:
        return {"title": kind.__name__, "not": {}, "description": "no plugin provides one"}
    return {
        "title": kind.__name__,
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": [name for _, names in branches for name in names]}},
        "allOf": [
            {
                "if": {"required": ["type"], "properties": {"type": _one_of(names)}},
                "then": {"$ref": _pointer(place)},
            }
            for place, names in branches
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
    found: dict[str, Any] = definitions["component"]
    return found


def _define(name: str, model: type[StrictModel], definitions: dict[str, Any]) -> None:
    """Adds a model's schema, and beside it those of the models inside it."""
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
    """Says of an object whose keys are integers, such as weights of classes, how a key is written."""

    def dict_schema(self, schema: core_schema.DictSchema) -> dict[str, Any]:
        json_schema = super().dict_schema(schema)
        keys: Any = schema.get("keys_schema", {})
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
