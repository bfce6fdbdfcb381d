"""`fcframe describe TYPE`: a component in its own words."""

import inspect
import json
from typing import Any

import click

from fcframe.cli.common import json_option, print_json
from fcframe.cli.tables import console, table
from fcframe.components import Component
from fcframe.errors import SpecError
from fcframe.plugins import Registry, registry
from fcframe.spec.schema import fields_schema


@click.command("describe")
@click.argument("name", metavar="TYPE")
@json_option
def command(name: str, as_json: bool) -> None:
    """Explain the component TYPE, of whatever kind: what it does, its fields, and the plugin that brings it."""
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
    return {
        "kind": component.kind,
        "type": component.type,
        "plugin": found.origin(component).name,
        "distribution": found.origin(component).distribution,
        "version": found.origin(component).version,
        "description": inspect.getdoc(component) if component.__doc__ else "",
        "fields": [
            {
                "name": name,
                "takes": takes(field),
                "required": name in required,
                "default": field.get("default"),
                "description": field.get("description", ""),
            }
            for name, field in schema.get("properties", {}).items()
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
        return f"a {field['$ref'].rpartition('/')[2]}"
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


def _print(component: type[Component], found: Registry) -> None:
    described = facts(component, found)
    out = console()
    out.print(f"{component.type} ({component.kind}), from {found.origin(component)}\n", style="bold")
    out.print(described["description"] + "\n")
    rows = table("field", "takes", "default", "what it is")
    for field in described["fields"]:
        default = "required" if field["required"] else json.dumps(field["default"])
        rows.add_row(field["name"], field["takes"], default, field["description"])
    if described["fields"]:
        out.print(rows)
    out.print()
