"""Generates a few values that a field's JSON Schema accepts."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from fcframe.components import SCHEMA_KEY

ComponentValues: TypeAlias = Callable[[str], list[Any]]
"""A function from a kind of component, for example "layer", to a few configurations of that kind, as JSON."""
NUMBERS: Sequence[float] = (0.37, 2.3, -1.7, 0.83, 0.061, 17.0, 5e-3)
INTEGERS: Sequence[int] = (3, 2, 7, 5, 4, 12, 30, -3)
"""The preferred values of number and integer fields; none of them is 0 or 1."""
STRINGS = (
    "text", "a", "Ab_1", "x1", "7", "1.5", "2024-05-06", "a@b.cc", "#a0b1c2", "a.b", "a-b", "A", "ij,jk->ik", "/a/b",
)  # fmt: skip
"""Candidates for string fields; those that match the field's pattern are used."""
FORMATS: Mapping[str, Sequence[str]] = {
    "date": ("2024-05-06", "1999-12-31", "2100-02-28"),
    "date-time": ("2024-05-06T07:08:09", "2024-05-06T07:08:09Z", "1999-12-31T23:59:00Z", "2100-02-28T01:00:00"),
    "time": ("07:08:09", "23:59:00"),
    "duration": ("P3DT4H", "PT17M"),
    "uuid": ("0b8a1c3e-5d2f-4a6b-8c7d-9e0f1a2b3c4d", "7d444840-9dc0-11d1-b245-5ffdce74fad2"),
    "uuid1": ("7d444840-9dc0-11d1-b245-5ffdce74fad2",),
    "uuid4": ("0b8a1c3e-5d2f-4a6b-8c7d-9e0f1a2b3c4d",),
    "ipv4": ("192.0.2.7", "198.51.100.3"),
    "ipv6": ("2001:db8::7", "2001:db8::3"),
    "ipv4network": ("192.0.2.0/24", "198.51.100.0/24"),
    "ipv6network": ("2001:db8::/32", "2001:db8:1::/48"),
    "ipv4interface": ("192.0.2.7/24", "198.51.100.3/24"),
    "ipv6interface": ("2001:db8::7/32", "2001:db8::3/48"),
    "ipvanyaddress": ("192.0.2.7", "2001:db8::7"),
    "ipvanynetwork": ("192.0.2.0/24", "2001:db8::/32"),
    "ipvanyinterface": ("192.0.2.7/24", "2001:db8::7/32"),
    "uri": ("https://example.org/a", "http://example.org/b", "ftp://example.org/c", "file:///a/b"),
    "email": ("a@example.org", "b.c@example.org"),
    "name-email": ("A B <a@example.org>",),
    "regex": ("a+b", "[0-9]{2}"),
    "path": ("a/b.txt", "/a/b"),
    "binary": ("text", "a"),
    "base64": ("dGV4dA==", "YQ=="),
    "base64url": ("dGV4dA==", "YQ=="),
    "password": ("text", "a"),
}
"""Candidates for string fields with a "format". No values are known for other formats."""


def json_values(field: Any, definitions: Mapping[str, Any], component_values: ComponentValues) -> list[Any]:
    """A few values that a JSON Schema accepts; an empty list if none is known.

    Args:
        field: The JSON Schema of the field.
        definitions: The "$defs" of the schema, to which "$ref" refers.
        component_values: Gives values for fields that hold a component.
    """
    if "$ref" in field:
        return json_values(definitions.get(field["$ref"].rpartition("/")[2], {}), definitions, component_values)
    if SCHEMA_KEY in field:
        return component_values(field[SCHEMA_KEY])
    if "const" in field:
        return [field["const"]]
    if "enum" in field:
        return list(field["enum"])
    for key in ("anyOf", "oneOf"):
        if key in field:
            return [value for option in field[key] for value in json_values(option, definitions, component_values)]
    if "allOf" in field:
        return json_values(field["allOf"][0], definitions, component_values)
    kind = field.get("type")
    if kind == "boolean":
        return [True, False]
    if kind == "integer":
        return _numbers_within_bounds(field, INTEGERS, 1)
    if kind == "number":
        return _numbers_within_bounds(field, NUMBERS, 1e-3)
    if kind == "string":
        return _strings(field)
    if kind == "null":
        return [None]
    if kind == "array":
        return _lists(field, definitions, component_values)
    if kind == "object":
        return _objects(field, definitions, component_values)
    return []


def _numbers_within_bounds(field: Mapping[str, Any], numbers: Sequence[float], step: float) -> list[Any]:
    """Up to four numbers that the field's bounds and "multipleOf" allow.

    Args:
        field: The JSON Schema of the field.
        numbers: The preferred numbers.
        step: The distance from a bound of the numbers that are tried after the preferred ones.
    """
    low = max(field.get("minimum", float("-inf")), field.get("exclusiveMinimum", float("-inf")))
    high = min(field.get("maximum", float("inf")), field.get("exclusiveMaximum", float("inf")))
    multiple = field.get("multipleOf", 0)

    def fits(number: float) -> bool:
        above = number >= low and number != field.get("exclusiveMinimum")
        below = number <= high and number != field.get("exclusiveMaximum")
        return above and below and (not multiple or abs(round(number / multiple) * multiple - number) < 1e-9)

    whole = isinstance(numbers[0], int)
    finite_bound = low if low > float("-inf") else high if high < float("inf") else 0.0
    near = [low + step, low + 3 * step, high - step, low, high]
    if high - low < float("inf"):
        near = [low + fraction * (high - low) for fraction in (0.37, 0.71)] + near
    if multiple:
        near = [(finite_bound // multiple + offset) * multiple for offset in (2, 3, -2, 1, 0, -1)] + near
    candidates = [int(number) if whole else float(number) for number in near if abs(number) < float("inf")]
    return [number for number in dict.fromkeys([*numbers, *candidates]) if fits(number)][:4]


def _strings(field: Mapping[str, Any]) -> list[str]:
    """Up to two strings that match the field's pattern, repeated or cut to an allowed length if it has no format."""
    shortest, longest = field.get("minLength", 0), field.get("maxLength", 10**6)
    if "format" in field:
        texts = [text for text in FORMATS.get(field["format"], ()) if shortest <= len(text) <= longest]
        return [text for text in texts if re.search(field.get("pattern", ""), text)]
    texts = [(text * (shortest // len(text) + 1))[: max(shortest, min(longest, len(text)))] for text in STRINGS]
    return [text for text in dict.fromkeys(texts) if re.search(field.get("pattern", ""), text)][:2]


def _objects(field: Mapping[str, Any], definitions: Mapping[str, Any], component_values: ComponentValues) -> list[Any]:
    """Two objects for a nested model, with no field at its default; objects with one item for a mapping."""
    options_of_fields = {}
    for name, inner in field.get("properties", {}).items():
        options = [
            value for value in json_values(inner, definitions, component_values) if value != inner.get("default")
        ]
        if options:
            options_of_fields[name] = options
    rows = [{name: options[turn % len(options)] for name, options in options_of_fields.items()} for turn in (0, 1)]
    if "properties" not in field and isinstance(field.get("additionalProperties"), dict):
        values = json_values(field["additionalProperties"], definitions, component_values)[:2]
        rows = [{key: value} for key in _keys(field, definitions, component_values) for value in values] or [{}]
    return rows if rows[0] != rows[-1] else rows[:1]


def _keys(field: Mapping[str, Any], definitions: Mapping[str, Any], component_values: ComponentValues) -> list[str]:
    """Keys for a mapping: "0" is valid as a string and as an integer, the others are for keys of other types."""
    names = {"type": "string", **field.get("propertyNames", {})}
    if not names.keys() & {"format", "enum", "$ref"}:
        pattern = names.get("pattern", "")
        return [key for key in ("0", "1", *STRINGS) if re.search(pattern, key)][:2]
    return [str(key) for key in json_values(names, definitions, component_values)]


def _lists(field: Mapping[str, Any], definitions: Mapping[str, Any], component_values: ComponentValues) -> list[Any]:
    """Lists of allowed lengths, or, for a tuple, two tuples."""
    if "prefixItems" in field:
        columns = [json_values(item, definitions, component_values) for item in field["prefixItems"]]
        if not all(columns):
            return []
        return [[values[(turn + index) % len(values)] for index, values in enumerate(columns)] for turn in (0, 1)]
    items = json_values(field.get("items", {}), definitions, component_values)
    shortest, longest = field.get("minItems", 0), field.get("maxItems", 10**6)
    if not items or longest < 1:
        return []
    lengths = [length for length in (2, 1, 3, shortest, longest) if shortest <= length <= min(longest, 10)]
    repeated_items = itertools.cycle(items)
    lists = [[next(repeated_items) for _ in range(length)] for length in lengths[:2] for _ in items]
    if field.get("uniqueItems"):
        lists = [values for values in lists if all(values.count(value) == 1 for value in values)]
    return [values for index, values in enumerate(lists) if values not in lists[:index]]
