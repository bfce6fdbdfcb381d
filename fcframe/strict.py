"""The strict model under every component and every section of a spec, and the words of its errors."""

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

# What JSON has only a list or a string for: these types take it, while every number and text stays strict.
_JSON_LACKS = frozenset({"tuple", "set", "frozenset", "enum"})


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
        use_attribute_docstrings=True,
        defer_build=True,  # an installed component that nobody uses costs nothing
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _accept_json_containers(schema)
        return schema

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            keys = [field.alias or name for name, field in cls.model_fields.items()]
            lines = [
                explained(line["loc"], _words(line, keys), line["input"])
                for line in error.errors()
                if not _follows_from_items(line)
            ]
            raise ValidationError.from_exception_data(cls.__name__, lines) from None


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
    near = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


def shown(value: Any) -> str:
    """A value as JSON, cut to a length that fits on a line.

    >>> shown({"units": [1, 2]})
    '{"units": [1, 2]}'
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # not JSON, or an integer of thousands of digits
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"


def _words(line: Any, keys: Sequence[str]) -> str:
    """Pydantic's account of one problem in this project's words."""
    kind, location, value = line["type"], line["loc"], line["input"]
    if kind == "explained":
        return str(line["msg"])
    if kind == "missing":
        return "required, but missing"
    if kind == "extra_forbidden":
        unknown = str(location[-1])
        known = ", ".join(sorted(keys)) or "none"
        return f"unknown key.{suggestion(unknown, keys)} Known keys: {known}"
    expected = str(line["msg"]).removeprefix("Value error, ")
    for start in ("Input should be ", "Input should have "):
        if expected.startswith(start):
            expected = "expected " + expected.removeprefix(start)
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        expected = "expected an object"
    return f"{expected}, got {shown(value)}"


def _follows_from_items(line: Any) -> bool:
    """Whether a list counts as too short only because its items, which have lines of their own, were refused."""
    return bool(line["type"] == "too_short" and len(line["input"]) >= line["ctx"]["min_length"])


def _accept_json_containers(schema: Any) -> None:
    """Lets tuples, sets and enums be read from the lists and strings that JSON has for them."""
    if isinstance(schema, dict):
        if schema.get("type") in _JSON_LACKS:
            schema["strict"] = False
        for value in schema.values():
            _accept_json_containers(value)
    elif isinstance(schema, (list, tuple)):
        for value in schema:
            _accept_json_containers(value)
