"""`fcframe describe TYPE`: a component in its own words."""

import inspect
import json
from typing import Any

import click

from fcframe.cli.common import json_option, print_json
from fcframe.cli.streams import Command
from fcframe.cli.tables import console, print_table, print_text
from fcframe.components import Component
from fcframe.errors import SpecError
from fcframe.plugins import Registry, registry
from fcframe.spec.schema import fields_schema


@click.command("describe", cls=Command)
@click.argument("name", metavar="TYPE")
@json_option
def command(name: str, as_json: bool) -> None:
    """Explain the component TYPE: what it does, its fields with their defaults, and the JSON to paste into a spec.

    Several kinds may have a component of one type; all of them are explained. Write distribution:type for the one of
    one distribution.
    """
    found = registry()
    try:
        components = found.named(name)
    except LookupError as error:
        raise SpecError([str(error.args[0])]) from None
    if as_json:
        print_json([facts(component, found) for component in components])
        return
    for component in components:
        _print(component, found)


def facts(component: type[Component], found: Registry) -> dict[str, Any]:
    """The description as JSON."""
    schema = fields_schema(component)
    required = schema.get("required", [])
    inherited = set(component.__base__.model_fields) if component.__base__ else set()  # type: ignore[attr-defined]
    properties = sorted(schema.get("properties", {}).items(), key=lambda item: item[0] in inherited)
    return {
        "kind": component.kind,
        "type": component.type,
        "plugin": found.origin(component).name,
        "distribution": found.origin(component).distribution,
        "version": found.origin(component).version,
        "description": inspect.getdoc(component) if component.__doc__ else "",
        "example": example(component, schema, found.name(component)),
        "fields": [
            {
                "name": name,
                "takes": takes(field),
                "required": name in required,
                "default": field.get("default"),
                "description": field.get("description", ""),
            }
            for name, field in properties
        ],
    }


def takes(field: dict[str, Any]) -> str:
    """What a field takes, in a few words, from its JSON Schema.

    >>> takes({"type": "integer", "exclusiveMinimum": 0})
    'integer > 0'
    """
    if "anyOf" in field:
        return " or ".join(takes(option) for option in field["anyOf"])
    if "$ref" in field:
        kind = field["$ref"].rpartition("/")[2]
        return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"
    if "enum" in field:
        return " or ".join(json.dumps(value) for value in field["enum"])
    if "const" in field:
        return json.dumps(field["const"])
    words = field.get("type", "anything")
    if words == "array":
        return f"list of {takes(field['items'])}" if isinstance(field.get("items"), dict) else "list"
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field]
    return " ".join([str(words), ", ".join(bounds)]).strip()


def example(component: type[Component], schema: dict[str, Any], called: str) -> dict[str, Any]:
    """The shortest JSON of a component: what a spec calls it, and the fields that have no default.

    Their values are those of the first of its examples, and without one such as the field takes by its schema.
    """
    required = [name for name, field in component.model_fields.items() if field.is_required()]
    for fields in ({}, *(shown.fields for shown in component.examples)):
        try:
            written = component(**{name: fields[name] for name in required}).model_dump(mode="json", by_alias=True)
            keys = [component.model_fields[name].alias or name for name in required]
            return {"type": called} | {key: written[key] for key in keys}
        except (KeyError, ValueError, TypeError):
            continue
    properties = schema.get("properties", {})
    return {"type": called} | {key: placeholder(key, properties[key]) for key in schema.get("required", ())}


def placeholder(name: str, field: dict[str, Any]) -> Any:
    """A value that a field takes, from its JSON Schema; of a text, the field's name in capitals.

    >>> placeholder("path", {"type": "string"}), placeholder("units", {"type": "integer", "exclusiveMinimum": 0})
    ('PATH', 1)
    """
    if "enum" in field or "const" in field:
        return field.get("const", field.get("enum", [None])[0])
    if "anyOf" in field:
        return placeholder(name, field["anyOf"][0])
    if field.get("type") in ("integer", "number"):
        return field.get("minimum", field.get("exclusiveMinimum", 0) + 1)
    if "$ref" in field:
        return {"type": "…"}
    plain: dict[str, Any] = {"string": name.upper(), "boolean": False, "array": [], "object": {}}
    return plain.get(field.get("type", ""))


def _print(component: type[Component], found: Registry) -> None:
    described = facts(component, found)
    out = console()
    print_text(out, f"{found.name(component)} ({component.kind}), from {found.origin(component)}\n", style="bold")
    print_text(out, f"{described['description']}\n")
    rest = "; other fields have their defaults" if len(described["fields"]) >= len(described["example"]) else ""
    print_text(out, f"In a spec{rest}:\n")
    print_text(out, f"{json.dumps(described['example'], ensure_ascii=False)}\n", indent=4)
    rows = []
    for field in described["fields"]:
        default = "required" if field["required"] else json.dumps(field["default"], ensure_ascii=False)
        rows.append((field["name"], field["takes"], default, field["description"]))
    if rows:
        print_table(out, ("field", "takes", "default", "what it is"), rows)
    out.print()
