"""A few values that a field's JSON Schema takes."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from fcframe.components import SCHEMA_KEY

OfKind: TypeAlias = Callable[[str], list[Any]]
"""A kind of component → configurations of registered ones, as JSON."""
NUMBERS = (0.37, 2.3, -1.7, 0.83, 0.061, 17.0, 5e-3)
INTEGERS = (3, 2, 7, 5, 4, 12, 30, -3)
TEXTS = (
    "text", "a", "Ab_1", "x1", "7", "1.5", "2024-05-06", "a@b.cc", "#a0b1c2", "a.b", "a-b", "A", "ij,jk->ik", "/a/b",
)  # fmt: skip
"""Strings that are tried where a field wants a pattern."""


def json_values(field: Any, definitions: Mapping[str, Any], of_kind: OfKind) -> list[Any]:
    """Values that a JSON Schema takes."""
    if "$ref" in field:
        return json_values(definitions.get(field["$ref"].rpartition("/")[2], {}), definitions, of_kind)
    if SCHEMA_KEY in field:
        return of_kind(field[SCHEMA_KEY])
    if "const" in field:
        return [field["const"]]
    if "enum" in field:
        return list(field["enum"])
    for key in ("anyOf", "oneOf"):
        if key in field:
            return [value for option in field[key] for value in json_values(option, definitions, of_kind)]
    if "allOf" in field:
        return json_values(field["allOf"][0], definitions, of_kind)
    kind = field.get("type")
    if kind == "boolean":
        return [True, False]
    if kind == "integer":
        return _within(field, INTEGERS, 1)
    if kind == "number":
        return _within(field, NUMBERS, 1e-3)
    if kind == "string":
        return _texts(field)
    if kind == "null":
        return [None]
    if kind == "array":
        return _lists(field, definitions, of_kind)
    if kind == "object":
        return _objects(field, definitions, of_kind)
    return []


def _within(field: Mapping[str, Any], numbers: Sequence[float], step: float) -> list[Any]:
    """Of the numbers those within a field's bounds, else some just inside of them."""
    low = max(field.get("minimum", float("-inf")), field.get("exclusiveMinimum", float("-inf")))
    high = min(field.get("maximum", float("inf")), field.get("exclusiveMaximum", float("inf")))
    multiple = field.get("multipleOf", 0)

    def fits(number: float) -> bool:
        above = number >= low and number != field.get("exclusiveMinimum")
        below = number <= high and number != field.get("exclusiveMaximum")
        return above and below and (not multiple or abs(round(number / multiple) * multiple - number) < 1e-9)

    whole = isinstance(numbers[0], int)
    start = low if low > float("-inf") else high if high < float("inf") else 0.0
    near = [low + step, low + 3 * step, high - step, low, high]
    if high - low < float("inf"):
        near = [low + share * (high - low) for share in (0.37, 0.71)] + near
    if multiple:
        near = [(start // multiple + turn) * multiple for turn in (2, 3, -2, 1, 0, -1)] + near
    made = [int(number) if whole else float(number) for number in near if abs(number) < float("inf")]
    return [number for number in dict.fromkeys([*numbers, *made]) if fits(number)][:4]


def _texts(field: Mapping[str, Any]) -> list[str]:
    """Strings of the wanted length and pattern, where one of a few has it."""
    least, most = field.get("minLength", 0), field.get("maxLength", 10**6)
    texts = [(text * (least // len(text) + 1))[: max(least, min(most, len(text)))] for text in TEXTS]
    return [text for text in dict.fromkeys(texts) if re.search(field.get("pattern", ""), text)][:2]


def _objects(field: Mapping[str, Any], definitions: Mapping[str, Any], of_kind: OfKind) -> list[Any]:
    """Of a nested model two, all its fields off their defaults; of a free mapping one with one item."""
    columns = {}
    for name, inner in field.get("properties", {}).items():
        options = [value for value in json_values(inner, definitions, of_kind) if value != inner.get("default")]
        if options:
            columns[name] = options
    rows = [{name: values[turn % len(values)] for name, values in columns.items()} for turn in (0, 1)]
    # "0" is a name for text keys and for integer keys alike.
    if "properties" not in field and isinstance(field.get("additionalProperties"), dict):
        rows = [{"0": value} for value in json_values(field["additionalProperties"], definitions, of_kind)[:2]]
    return rows if rows[0] != rows[-1] else rows[:1]


def _lists(field: Mapping[str, Any], definitions: Mapping[str, Any], of_kind: OfKind) -> list[Any]:
    if "prefixItems" in field:
        columns = [json_values(item, definitions, of_kind) for item in field["prefixItems"]]
        if not all(columns):
            return []
        return [[values[(turn + place) % len(values)] for place, values in enumerate(columns)] for turn in (0, 1)]
    items = json_values(field.get("items", {}), definitions, of_kind)
    least, most = field.get("minItems", 0), field.get("maxItems", 10**6)
    if not items or most < 1:
        return []
    lengths = [length for length in (2, 1, 3, least, most) if least <= length <= min(most, 10)]
    around = itertools.cycle(items)
    lists = [[next(around) for _ in range(length)] for length in lengths[:2] for _ in items]
    distinct = [found for found in lists if not field.get("uniqueItems") or all(found.count(one) == 1 for one in found)]
    return [found for place, found in enumerate(distinct) if found not in distinct[:place]]
