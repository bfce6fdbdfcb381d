"""The strict model under every component and every section of a spec, and the words of its errors."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema, to_json

from fcframe.docstrings import docstrings

# What JSON has only a list, an object or a string for: these types take it; every number and text stays strict.
_JSON_LACKS = frozenset({"tuple", "set", "frozenset", "enum", "dataclass", "lax-or-strict"})
# Of a field that takes this or that, pydantic puts the alternative into an error's location; this is no step of a path.
_ALTERNATIVE = "\0alternative"


class StrictModel(BaseModel):
    """A frozen model that takes only what it declares: no "4" for 4, no 3.0 or true for an int, no NaN.

    Building one from JSON data reports every problem at once, each in words a reader can act on.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        defer_build=True,  # an installed component that nobody uses costs nothing
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: CoreSchema = _as_json_has_it(handler(source), handler.resolve_ref_schema)
        return schema

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # Read where somebody asks; pydantic's use_attribute_docstrings reads the source of every class that is made.
        texts: dict[str, str | None] = {}
        for base in reversed(cls.__mro__[: cls.__mro__.index(StrictModel)]):
            texts |= docstrings(base)
        found = handler(schema)
        properties = handler.resolve_ref_schema(found).get("properties", {})
        for name, field in cls.model_fields.items():
            key = field.alias or name
            if field.description is None and texts.get(name) and key in properties:
                properties[key]["description"] = texts[name]
        return found

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            keys = [field.alias or name for name, field in cls.model_fields.items()]
            raise ValidationError.from_exception_data(cls.__name__, _problems(error, keys)) from None


def explained(location: Sequence[str | int], message: str, value: Any) -> InitErrorDetails:
    """One problem whose words are final: the models around it pass them on unchanged."""
    problem = PydanticCustomError("explained", "{message}", {"message": message})
    return {"type": problem, "loc": tuple(location), "input": value}


def problem_at(location: Sequence[str | int], message: str, value: Any) -> ValidationError:
    """A validation error of one explained problem, to be raised inside a validator."""
    return ValidationError.from_exception_data("spec", [explained(location, message, value)])


def suggestion(word: str, known: Iterable[str]) -> str:
    """The sentence that names the nearest known word, or nothing.

    >>> suggestion("relo", ["affine", "relu"])
    " Did you mean 'relu'?"
    >>> suggestion("transformer", ["affine", "relu"])
    ''
    """
    import difflib  # only where something is wrong

    near = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


def none_called(what: str, name: str, known: Sequence[str], listed: str) -> str:
    """What is said of a name that nobody has: the nearest that somebody has, and all of these.

    >>> none_called("layer", "relo", ["affine", "relu"], "Registered")
    "no layer called 'relo'. Did you mean 'relu'? Registered: affine, relu"
    """
    cut = name if len(name) <= 80 else f"{name[:60]}…"
    return f"no {what} called {cut!r}.{suggestion(name, known)} {listed}: {', '.join(known) or 'none'}"


def shown(value: Any) -> str:
    r"""A value as JSON, on one line and cut to a length that fits there.

    >>> shown({"units": [1, 2]})
    '{"units": [1, 2]}'
    >>> shown("é\n")
    '"é\\n"'
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
        if not text.isprintable():
            text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):  # not JSON, or an integer of thousands of digits
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"


_EXPECTED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
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
}


def _problems(error: ValidationError, keys: Sequence[str]) -> list[InitErrorDetails]:
    """Pydantic's account of what is wrong with a model, in this project's words: one problem a place."""
    found: dict[tuple[str | int, ...], tuple[Any, list[str]]] = {}
    for line in error.errors(include_url=False):
        if not _follows_from_items(line):
            location = tuple(step for step in line["loc"] if step != _ALTERNATIVE)
            _, messages = found.setdefault(location, (line["input"], []))
            messages.append(_words(line, location, keys))
    return [explained(location, _either(messages, value), value) for location, (value, messages) in found.items()]


def _words(line: Any, location: Sequence[str | int], keys: Sequence[str]) -> str:
    kind, message, value = line["type"], str(line["msg"]), line["input"]
    if kind == "explained":
        return message
    if kind in ("missing", "missing_argument"):
        return "required, but missing"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        if len(location) > 1:  # of a model that is not of this project's kind
            return "unknown key"
        known = ", ".join(sorted(keys)) or "none"
        return f"unknown key.{suggestion(str(location[0]), keys)} Known keys: {known}"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind].format(**line.get('ctx', {}))}, got {shown(value)}"
    if kind.startswith(("greater_than", "less_than")):
        return f"expected a number {message.removeprefix('Input should be ')}, got {shown(value)}"
    for start in ("Input should be ", "Input should have "):
        message = f"expected {message.removeprefix(start)}" if message.startswith(start) else message
    return f"{message.removeprefix('Value error, ')}, got {shown(value)}"


def _either(messages: Sequence[str], value: Any) -> str:
    """Of a value that is neither this nor that, what it should have been."""
    start, end = "expected ", f", got {shown(value)}"
    different = list(dict.fromkeys(messages))
    if len(different) == 1 or not all(message.startswith(start) and message.endswith(end) for message in different):
        return "; or ".join(different)
    return start + " or ".join(message.removeprefix(start).removesuffix(end) for message in different) + end


def _follows_from_items(line: Any) -> bool:
    """Whether a list counts as too short only because its items, which have lines of their own, were refused."""
    return bool(line["type"] == "too_short" and len(line["input"]) >= line["ctx"]["min_length"])


def _as_json_has_it(schema: Any, resolve: Callable[[Any], Any], inside: tuple[str, ...] = ()) -> Any:
    """A core schema that reads each type from what JSON has for it, and tells apart what JSON tells apart.

    Tuples, sets and enums are read from lists and strings; true and 1.0 are not 1; a model of another kind is read as
    strictly as the model around it. Pydantic does all of that itself where it reads JSON text; a component is read
    from what a container around it has read already.
    """
    if isinstance(schema, (list, tuple)):
        return type(schema)(_as_json_has_it(item, resolve, inside) for item in schema)
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str):  # fields by name
        return {name: _as_json_has_it(field, resolve, inside) for name, field in schema.items()}
    if kind == "definition-ref":
        name, found = schema["schema_ref"], resolve(schema)
        model = _model(found)
        if model is not None:
            return schema if issubclass(model, StrictModel) else _read_as_json(model, schema)
        if name in inside:
            return schema
        return _as_json_has_it({key: found[key] for key in found if key != "ref"}, resolve, (*inside, name))
    plain = ("default", "metadata", "serialization")
    schema = {key: item if key in plain else _as_json_has_it(item, resolve, inside) for key, item in schema.items()}
    if kind in _JSON_LACKS:
        schema["strict"] = False
    if kind == "union":
        choices = (choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"])
        schema["choices"] = [(choice, _ALTERNATIVE) for choice in choices]
    if kind in ("literal", "enum"):
        return core_schema.no_info_wrap_validator_function(_told_apart, schema)
    if kind in ("set", "frozenset"):
        return core_schema.no_info_wrap_validator_function(_without_repeats, schema)
    return schema


def _model(schema: Any) -> type[BaseModel] | None:
    """The model that a core schema makes, if it is one of a model."""
    while schema["type"] != "model" and "schema" in schema:
        schema = schema["schema"]
    found: type[BaseModel] | None = schema["cls"] if schema["type"] == "model" else None
    return found


def _read_as_json(model: type[BaseModel], schema: CoreSchema) -> CoreSchema:
    def read(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        if isinstance(value, Mapping):
            return model.model_validate_json(to_json(value), strict=True, context=info.context)
        return handler(value)

    return core_schema.with_info_wrap_validator_function(read, schema)


def _told_apart(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    found = handler(value)
    constant = found.value if isinstance(found, Enum) else found
    if type(value) in (bool, float, str) and type(value) is not type(constant):
        raise problem_at((), f"expected {shown(constant)}, got {shown(value)}", value)
    return found


def _without_repeats(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    found = handler(value)
    if isinstance(value, list) and len(found) < len(value):
        raise problem_at((), f"expected items that differ, got {shown(value)}", value)
    return found
