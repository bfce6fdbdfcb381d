"""Converts pydantic's validation errors to the messages of fcframe."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from fcframe.components import Component
from fcframe.components.fields import Lookup
from fcframe.refusals import ALTERNATIVE, ENCLOSED, EXPLAINED, UNEXPECTED, UNKNOWN_TYPE
from fcframe.wording import shown, suggestion

Location: TypeAlias = tuple[str | int, ...]
Keys: TypeAlias = Callable[[Location], Sequence[str]]


class Problem(NamedTuple):
    """A mistake in a document."""

    location: Sequence[str | int]
    """The location in the document, as keys and indices."""
    message: str
    """What was expected, the value, and a suggestion."""


def describe_problems(
    error: ValidationError, model: type[BaseModel], document: Mapping[str, Any], registry: Lookup, most: int
) -> tuple[list[Problem], int]:
    """The first `most` problems in a document, one for each location, and the number of all problems.

    Messages are only built for the problems that are returned, so that a document with 90,000 mistakes takes little
    longer than one with twenty.
    """

    def keys(location: Location) -> list[str]:
        return sorted(_fields_at(location, model, document, registry))

    first: list[tuple[Location, list[Any]]] = []
    count = _collect(error, (), first, most)
    return [Problem(location, _joined_message(location, lines, keys, registry)) for location, lines in first], count


def _collect(error: ValidationError, start: Location, first: list[tuple[Location, list[Any]]], most: int) -> int:
    """Counts the locations with mistakes; adds the first ones, each with pydantic's error lines, to `first`."""
    by_location: dict[Location, list[Any]] = {}
    for line in error.errors(include_url=False):
        if not _follows_from_items(line):
            location = line["loc"]
            if ALTERNATIVE in location:
                location = tuple(step for step in location if step != ALTERNATIVE)
            if _is_about_a_key(line):
                location = location[:-1]
            by_location.setdefault(location, []).append(line)
    for location in [location for location, lines in by_location.items() if all(map(_is_other_choice, lines))]:
        if any(len(other) > len(location) and other[: len(location)] == location for other in by_location):
            del by_location[location]  # the value is of another choice of the union, and wrong inside
    for location, lines in by_location.items():
        if any(line["type"] == UNEXPECTED and "expected different " in str(line["msg"]) for line in lines):
            by_location[location] = [line for line in lines if not _is_other_choice(line)]
    count = 0
    for location, lines in by_location.items():
        inner_errors = [line["ctx"]["holder"].error for line in lines if line["type"] == ENCLOSED]
        if len(inner_errors) < len(lines):
            count += 1
            if len(first) < most:
                first.append((start + location, [line for line in lines if line["type"] != ENCLOSED]))
        for inner in inner_errors:
            count += _collect(inner, start + location, first, most)
    return count


def _fields_at(
    location: Location, model: type[BaseModel], document: Mapping[str, Any], registry: Lookup
) -> dict[str, FieldInfo]:
    """The fields of the object at a location, by key, found by following the annotations and the component types."""
    models: Iterable[type[BaseModel]] = (model,)
    value: Any = document
    try:
        for step in location:
            fields = _fields(models, value, registry)
            if step in fields:
                models = list(_models(fields[str(step)].annotation))
            value = value[step]
    except (KeyError, IndexError, TypeError):  # a plugin's validator raised an error with another location
        return {}
    return _fields(models, value, registry)


def _fields(models: Iterable[type[BaseModel]], value: Any, registry: Lookup) -> dict[str, FieldInfo]:
    """The fields of a value of one of these models, by key. The "type" of the value selects the component."""
    fields: dict[str, FieldInfo] = {}
    for model in models if isinstance(value, Mapping) else ():
        if issubclass(model, Component):
            try:
                model = registry.find(model.kind, str(value.get("type")))
            except LookupError:
                continue
        fields |= {field.alias or name: field for name, field in model.model_fields.items()}
    return fields


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation, also inside lists, dicts and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


_EXPECTED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a string",
    "string_too_short": "a string of {min_length} or more characters",
    "string_too_long": "a string of {max_length} or fewer characters",
    "string_pattern_mismatch": "a string that matches {pattern}",
    "tuple_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "too_short": "a list of {min_length} or more items",
    "too_long": "a list of {max_length} or fewer items",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dataclass_type": "an object",
    "dict_type": "an object",
    "date_type": 'a date like "2021-05-06"',
    "date_from_datetime_parsing": 'a date like "2021-05-06"',
    "datetime_type": 'a time like "2021-05-06T12:00:00"',
    "datetime_from_date_parsing": 'a time like "2021-05-06T12:00:00"',
}


def _message(location: Location, line: Any, keys: Keys, registry: Lookup) -> str:
    """The message for one of pydantic's error lines; `keys` returns the keys that the object at a location may have."""
    kind, message, value = line["type"], str(line["msg"]), line["input"]
    if kind == EXPLAINED:
        return message
    if kind == UNEXPECTED:
        return f"{message}, got {shown(value)}"
    if kind == UNKNOWN_TYPE:
        return _unknown_type(registry, **line["ctx"])
    if kind in ("missing", "missing_argument"):
        return "required, but missing"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        known = keys(location[:-1])
        hint = suggestion(str(location[-1]), known)
        return f"unknown key.{hint} Known keys: {', '.join(known)}" if known else "unknown key"
    if kind in _EXPECTED:
        expected = _EXPECTED[kind].format(**line.get("ctx", {}))
    elif kind.startswith(("greater_than", "less_than")):
        expected = f"a number {message.removeprefix('Input should be ')}"
    else:
        for start in ("Input should be ", "Input should have "):
            message = f"expected {message.removeprefix(start)}" if message.startswith(start) else message
        return f"{message.removeprefix('Value error, ')}, got {shown(value)}"
    return f"expected {expected}{' as a key' if _is_about_a_key(line) else ''}, got {shown(value)}"


def _unknown_type(registry: Lookup, kind: str, name: str) -> str:
    try:
        registry.find(kind, name)
    except LookupError as error:
        return str(error.args[0])
    raise AssertionError(f"the {kind} {name!r} is registered, and was not found")


def _joined_message(location: Location, lines: Sequence[Any], keys: Keys, registry: Lookup) -> str:
    """The message for all error lines about a value: for a union, there is one line for each choice."""
    messages = list(dict.fromkeys(_message(location, line, keys, registry) for line in lines))
    start, end = "expected ", f", got {shown(lines[0]['input'])}"
    if len(messages) == 1 or not all(message.startswith(start) and message.endswith(end) for message in messages):
        return "; or ".join(messages)
    return start + " or ".join(message.removeprefix(start).removesuffix(end) for message in messages) + end


def _is_about_a_key(line: Any) -> bool:
    """Whether the error is about a key and not about its value; pydantic then ends the location with "[key]"."""
    return bool(line["loc"][-1:] == ("[key]",) and line["type"] != "extra_forbidden")


def _is_other_choice(line: Any) -> bool:
    """Whether the error says that the value is not of this choice of a union, such as a list for an object."""
    return ALTERNATIVE in line["loc"] and line["type"] in ("dict_type", "list_type", "tuple_type", "model_type")


def _follows_from_items(line: Any) -> bool:
    """Whether a list is reported as too short only because its items were refused, which have their own lines."""
    return bool(line["type"] == "too_short" and len(line["input"]) >= line["ctx"]["min_length"])
