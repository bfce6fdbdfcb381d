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
    """Up to two of STRINGS that match the field's pattern, repeated or cut to an allowed length."""
    shortest, longest = field.get("minLength", 0), field.get("maxLength", 10**6)
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
    # "0" is valid as a key of a mapping from strings and of one from integers.
    if "properties" not in field and isinstance(field.get("additionalProperties"), dict):
        rows = [{"0": value} for value in json_values(field["additionalProperties"], definitions, component_values)[:2]]
    return rows if rows[0] != rows[-1] else rows[:1]


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
