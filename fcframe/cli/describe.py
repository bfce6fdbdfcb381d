"""`fcframe describe TYPE`: shows the documentation of a component."""

import inspect
import json
import re
from typing import Any

import click
from rich.console import Console

from fcframe.cli.common import json_option, print_json
from fcframe.cli.streams import Command
from fcframe.cli.tables import console, print_table, print_text
from fcframe.components import KINDS, Component
from fcframe.errors import SpecError
from fcframe.plugins import Registry
from fcframe.plugins import registry as installed
from fcframe.spec.schema import fields_schema


@click.command("describe", cls=Command)
@click.argument("name", metavar="TYPE")
@json_option
def command(name: str, as_json: bool) -> None:
    """Explain the component TYPE: what it does, its fields with their defaults, and the JSON for a spec.

    If several kinds have a component of this type, all of them are explained. Write distribution:type to select the
    component of one distribution.
    """
    registry = installed()
    try:
        components = registry.named(name)
    except LookupError as error:
        if name in {kind.kind for kind in KINDS}:
            raise SpecError(
                [f"{name!r} is a kind of component; `fcframe list --kind {name}` lists its types"]
            ) from None
        raise SpecError([str(error.args[0])]) from None
    if as_json:
        print_json([facts(component, registry) for component in components])
        return
    for component in components:
        _print(component, registry)


def facts(component: type[Component], registry: Registry) -> dict[str, Any]:
    """The description as JSON."""
    schema = fields_schema(component)
    required = schema.get("required", [])
    inherited = set(component.__base__.model_fields) if component.__base__ else set()  # type: ignore[attr-defined]
    properties = sorted(schema.get("properties", {}).items(), key=lambda item: item[0] in inherited)
    return {
        "kind": component.kind,
        "type": component.type,
        "plugin": registry.origin(component).name,
        "distribution": registry.origin(component).distribution,
        "version": registry.origin(component).version,
        "description": inspect.getdoc(component) if component.__doc__ else "",
        "example": example(component, schema, registry.name(component)),
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
    """A short description of the values that a field takes, from its JSON Schema.

    >>> takes({"type": "integer", "exclusiveMinimum": 0})
    'integer > 0'
    >>> takes({"type": "array", "items": {"$ref": "#/$defs/loss"}})
    'list of losses'
    """
    if "anyOf" in field:
        return " or ".join(takes(option) for option in field["anyOf"])
    if "$ref" in field:
        kind = _kind(field)
        return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"
    if "enum" in field:
        return " or ".join(json.dumps(value) for value in field["enum"])
    if "const" in field:
        return json.dumps(field["const"])
    words = field.get("type", "anything")
    if words == "array":
        return f"list of {_several(field['items'])}" if isinstance(field.get("items"), dict) else "list"
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field]
    return " ".join([str(words), ", ".join(bounds)]).strip()


def _several(items: dict[str, Any]) -> str:
    """What the elements of a list are, in the plural: "integers > 0"."""
    if "$ref" in items:
        kind = _kind(items)
        return f"{kind}es" if kind.endswith("s") else f"{kind}s"
    one = takes(items)
    if {"anyOf", "enum", "const"} & items.keys():
        return f"({one})"  # without brackets, "list of integer or null" might be a list or null
    if isinstance(items.get("type"), str):
        noun, space, bounds = one.partition(" ")
        return f"{noun}s{space}{bounds}"
    return "any values"


def _kind(reference: dict[str, Any]) -> str:
    """The kind of component that a reference of the schema stands for; "object" for a model that is no component."""
    name = str(reference["$ref"]).rpartition("/")[2]
    return name if name in {kind.kind for kind in KINDS} else "object"


def example(component: type[Component], schema: dict[str, Any], called: str) -> dict[str, Any]:
    """A minimal JSON object that the component accepts, with its type and its required fields.

    The values are taken from the first of the component's examples that has them. If the required fields are not
    enough, because one of several fields must be given, all fields of an example are shown. Without such an example,
    the values are derived from the schema.
    """
    required = [name for name, field in component.model_fields.items() if field.is_required()]
    examples = [{}, *(example.fields for example in component.examples)]
    tries = [(fields, required) for fields in examples] + [(fields, list(fields)) for fields in examples]
    for fields, names in tries:
        try:
            chosen = component(**{name: fields[name] for name in names})
            written = chosen.model_dump(mode="json", by_alias=True)
            short = chosen.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            keys = [component.model_fields[name].alias or name for name in names]
            return {"type": called} | {key: short.get(key, written[key]) for key in keys}
        except (KeyError, ValueError, TypeError):
            continue
    properties = schema.get("properties", {})
    return {"type": called} | {key: placeholder(key, properties[key]) for key in schema.get("required", ())}


def placeholder(name: str, field: dict[str, Any]) -> Any:
    """A value for a field, from its JSON Schema; for a string, the field's name in capitals.

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


def _print(component: type[Component], registry: Registry) -> None:
    described = facts(component, registry)
    out = console()
    print_text(out, f"{registry.name(component)} ({component.kind}), from {registry.origin(component)}", style="bold")
    rest = "; other fields have their defaults" if len(described["fields"]) >= len(described["example"]) else ""
    for paragraph in (*paragraphs(described["description"], out.width), f"In a spec{rest}:"):
        out.print()
        print_text(out, paragraph)
    out.print()
    print_text(out, json.dumps(described["example"], ensure_ascii=False), indent=4)
    out.print()
    _print_fields(described["fields"], out)


def _print_fields(fields: list[dict[str, Any]], out: Console) -> None:
    rows = []
    for field in fields:
        default = "required" if field["required"] else json.dumps(field["default"], ensure_ascii=False)
        rows.append((field["name"], field["takes"], default, " ".join(field["description"].split())))
    if rows:
        print_table(out, ("field", "takes", "default", "what it is"), rows)
        out.print()


def paragraphs(text: str, width: int) -> list[str]:
    r"""The paragraphs of a docstring. If a line is wider than the output, prose becomes one line, to be wrapped once.

    Examples, lists and indented text keep their lines.

    >>> paragraphs("Two lines\nof prose.\n\n>>> 1 + 1\n2", width=8)
    ['Two lines of prose.', '>>> 1 + 1\n2']
    """
    found = re.split(r"\n\s*\n", text.strip()) if text.strip() else []
    return [
        " ".join(paragraph.split("\n"))
        if max(map(len, paragraph.split("\n"))) > width and not _KEEPS_ITS_LINES.search(paragraph)
        else paragraph
        for paragraph in found
    ]


_KEEPS_ITS_LINES = re.compile(r"^(\s|>>>|[-*•] |\d+\. )", re.MULTILINE)
"""A line that begins like an example, an element of a list, or indented text."""
