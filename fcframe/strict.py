"""The strict pydantic model from which components and specs derive."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from operator import is_
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PydanticSchemaGenerationError,
    PydanticUserError,
    TypeAdapter,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import (
    CoreSchema,
    PydanticSerializationError,
    SchemaValidator,
    core_schema,
    to_json,
    to_jsonable_python,
)

from fcframe.docstrings import docstrings
from fcframe.refusals import ALTERNATIVE, unexpected
from fcframe.wording import shown


class StrictModel(BaseModel):
    """A frozen model that accepts only values of the declared types: no "4" for 4, no 3.0 or true for an int, no NaN.

    Types that JSON does not have are read from their JSON form, also in a dict of parsed JSON: a tuple from a list, an
    enum or a date from a string.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        defer_build=True,  # the validator of a component is built only when the component is used
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: CoreSchema = _accepting_json_forms(handler(source), handler.resolve_ref_schema)
        return schema

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        # The docstrings are read only for a JSON Schema. Pydantic's own option use_attribute_docstrings would read the
        # source file of every class at its definition.
        texts: dict[str, str | None] = {}
        for base in reversed(cls.__mro__[: cls.__mro__.index(StrictModel)]):
            texts |= docstrings(base)
        json_schema = handler(schema)
        properties = handler.resolve_ref_schema(json_schema).get("properties", {})
        for name, field in cls.model_fields.items():
            key = field.alias or name
            if field.description is None and texts.get(name) and key in properties:
                properties[key]["description"] = texts[name]
            if "default" in properties.get(key, {}):
                properties[key]["default"] = encoded_default(field.default, properties[key]["default"])
        return json_schema


def encoded_default(default: Any, encoded: Any) -> Any:
    """A default as JSON, with the items of sets in a deterministic order.

    Args:
        default: The default.
        encoded: The default as pydantic encodes it; returned if there is no set in the default.
    """
    ordered = _with_ordered_sets(default)
    return encoded if ordered is default else to_jsonable_python(ordered)


def _with_ordered_sets(value: Any) -> Any:
    """The value with sorted lists for sets; the value itself if there is no set in it."""
    if isinstance(value, (set, frozenset)):
        return _sorted_items([to_jsonable_python(_with_ordered_sets(item)) for item in value], lambda items: items)
    if isinstance(value, (list, tuple)):
        items = [_with_ordered_sets(item) for item in value]
        return value if all(map(is_, items, value)) else items
    inside: Any = None
    if isinstance(value, Mapping):
        inside = value
    elif is_dataclass(value) and not isinstance(value, type):
        inside = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, BaseModel) and not isinstance(value, StrictModel):
        inside = {field.alias or name: getattr(value, name) for name, field in type(value).model_fields.items()}
    if inside is None:
        return value
    changed = {name: _with_ordered_sets(item) for name, item in inside.items()}
    return value if all(changed[name] is inside[name] for name in inside) else changed


def unreadable(model: type[BaseModel], error: Exception) -> str:
    """The message for a field type that cannot be read from JSON; the first line of pydantic's if none is found."""
    remedy = "use a type that JSON has data for: numbers, text, lists, models"
    for name, field in model.model_fields.items():
        # The type of a field that could not be evaluated is left as a ForwardRef.
        unknown = re.search(r"ForwardRef\('(.+?)'", repr(field.annotation))
        if unknown and not model.__pydantic_complete__:
            return (
                f"field {name!r}: its type {unknown[1]} is unknown at run time; import it outside `if TYPE_CHECKING:`"
            )
        try:
            schema = TypeAdapter[Any](field.annotation or type(None), config=ConfigDict(defer_build=False)).core_schema
            _accepting_json_forms(schema, lambda reference: reference)
        except PydanticSchemaGenerationError as why:
            what = re.search(r"for <?(?:class )?'?([^'>\n]+)", str(why))
            return f"field {name!r}: {what[1] if what else field.annotation} cannot be read from JSON; {remedy}"
        except PydanticUserError as why:
            return f"field {name!r}: {why}; {remedy}"
    return str(error).partition("\n")[0]


# Types of core schemas that read a parsed JSON value in the same way as JSON text. The schemas inside them may not.
_VALUES = ("any", "none", "bool", "int", "float", "str", "list", "dict", "nullable", "default", "chain", "literal")
_FUNCTIONS = ("function-before", "function-after", "function-wrap", "function-plain", "custom-error", "definitions")
_CLASSES = ("model", "model-fields", "dataclass-args", "typed-dict", "tagged-union", "is-instance", "is-subclass")
_NEVER_KEYS = (
    "tuple",
    "list",
    "set",
    "frozenset",
    "dict",
    "model",
    "dataclass",
    "typed-dict",
    "named-tuple",
    "generator",
)
_SAME_FROM_JSON = frozenset({*_VALUES, *_FUNCTIONS, *_CLASSES})


def _accepting_json_forms(schema: Any, resolve: Callable[[Any], Any], inside: tuple[str, ...] = ()) -> Any:
    """Changes a core schema so that it reads every type from its JSON form, and distinguishes all JSON values.

    Pydantic accepts the JSON form of a type, such as a list for a tuple, only in JSON text; components are read from
    JSON that has been parsed already. And pydantic takes true and 1.0 for 1 in a Literal or an enum, and accepts
    repeated items in a set, in JSON text as well. Models that are not a `StrictModel` are read strictly, too.

    Args:
        schema: A core schema, or a part of one.
        resolve: Returns the schema that a reference names.
        inside: The references that lead to this part; a type may contain itself.
    """
    if isinstance(schema, (list, tuple)):
        return type(schema)(_accepting_json_forms(item, resolve, inside) for item in schema)
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str):  # a mapping from names to the schemas of fields
        return {name: _accepting_json_forms(field, resolve, inside) for name, field in schema.items()}
    if kind == "callable":
        raise PydanticUserError("a function cannot be read from JSON", code=None)
    if kind == "definition-ref":
        name, target = schema["schema_ref"], resolve(schema)
        model = _model(target)
        if model is not None:
            return schema if issubclass(model, StrictModel) else _read_as_json(model, schema)
        if name in inside:
            return schema
        return _accepting_json_forms({key: target[key] for key in target if key != "ref"}, resolve, (*inside, name))
    no_schema = ("default", "metadata", "serialization", "expected", "function", "config")
    schema = {
        key: item if key in no_schema else _accepting_json_forms(item, resolve, inside) for key, item in schema.items()
    }
    if kind in ("tuple", "dataclass"):
        return schema | {"strict": False}
    if kind == "union":
        choices = (choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"])
        return schema | {"choices": [(choice, ALTERNATIVE) for choice in choices]}
    if kind == "enum" or (kind == "literal" and not all(isinstance(each, str) for each in schema["expected"])):
        return core_schema.no_info_wrap_validator_function(_of_same_json_type, schema | {"strict": False})
    if kind in ("set", "frozenset"):
        sorted_items = core_schema.wrap_serializer_function_ser_schema(_sorted_items, when_used="json")
        schema |= {"strict": False, "serialization": schema.get("serialization", sorted_items)}
        return core_schema.no_info_wrap_validator_function(_without_repeats, schema)
    if kind == "dict" and not _may_be_a_key(schema.get("keys_schema", {})):
        raise PydanticUserError("a key of an object in JSON is a text, not a list, a set or an object", code=None)
    if kind == "dict" and schema.get("keys_schema", {}).get("type", "any") not in ("any", "str"):
        schema["keys_schema"] = _read_by_pydantic(schema["keys_schema"], as_key=True)
        return core_schema.no_info_wrap_validator_function(_without_repeats, schema)
    return schema if kind in _SAME_FROM_JSON or kind.endswith("-field") else _read_by_pydantic(schema)


def _may_be_a_key(schema: Any) -> bool:
    """Whether a type can be read from the text of a key."""
    while "schema" in schema and schema["type"] not in _NEVER_KEYS:
        schema = schema["schema"]
    if schema.get("type") == "union":
        choices = (choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"])
        return any(map(_may_be_a_key, choices))
    return schema.get("type") not in _NEVER_KEYS


def _model(schema: Any) -> type[BaseModel] | None:
    """The model class of a core schema; None if the schema is not one of a model."""
    while schema["type"] != "model" and "schema" in schema:
        schema = schema["schema"]
    model: type[BaseModel] | None = schema["cls"] if schema["type"] == "model" else None
    return model


def _read_as_json(model: type[BaseModel], schema: CoreSchema) -> CoreSchema:
    def read(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        if isinstance(value, Mapping):
            return model.model_validate_json(to_json(value), strict=True, context=info.context)
        return handler(value)

    return core_schema.with_info_wrap_validator_function(read, schema)


def _read_by_pydantic(schema: CoreSchema, *, as_key: bool = False) -> CoreSchema:
    """Reads a parsed JSON value as pydantic reads JSON text, or a key of a JSON object; other objects as before."""
    validators: list[SchemaValidator] = []  # created on first use, because most components are never read

    def read(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        key: Any = value
        if not isinstance(value, (str, int, float, list, dict)) or isinstance(value, Enum):
            return handler(value)
        if not validators:
            validators.append(SchemaValidator(schema, core_schema.CoreConfig(strict=True, allow_inf_nan=False)))
        if as_key:
            text_key = isinstance(value, str)
            return validators[0].validate_strings(key, context=info.context) if text_key else handler(value)
        try:
            text = to_json(value)
        except PydanticSerializationError:  # a list of Python objects
            return handler(value)
        return validators[0].validate_json(text, context=info.context)

    return core_schema.with_info_wrap_validator_function(read, schema)


def _of_same_json_type(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    result = handler(value)
    constant = result.value if isinstance(result, Enum) else result
    if type(value) in (bool, float, str) and type(value) is not type(constant):
        raise unexpected(shown(constant), value)
    return result


def _without_repeats(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    result = handler(value)
    if isinstance(value, (list, dict)) and len(result) < len(value):
        if not isinstance(value, dict):
            raise unexpected("different items", value)
        keys: dict[Any, list[str]] = {}
        for key, item in value.items():
            keys.setdefault(next(iter(handler({key: item}))), []).append(shown(key))
        same = next((" and ".join(written) for written in keys.values() if len(written) > 1), "")
        raise unexpected(f"different keys ({same} are the same key)", value)
    return result


def _sorted_items(value: Any, handler: Callable[[Any], Iterable[Any]]) -> list[Any]:
    """The items of a set in a deterministic order: numbers by size, then all other items by their JSON text."""
    return sorted(handler(value), key=lambda item: (0, item, b"") if _is_number(item) else (1, 0, to_json(item)))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
