"""The strict model under every component and every section of a spec, and the words that error messages share."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PydanticSchemaGenerationError,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import (
    CoreSchema,
    InitErrorDetails,
    PydanticCustomError,
    PydanticSerializationError,
    SchemaValidator,
    core_schema,
    to_json,
)

from fcframe.docstrings import docstrings

ALTERNATIVE = "(alternative)"
"""Stands in an error's location for one choice of a union; it is no step of a JSON path."""
EXPLAINED = "explained"
"""The type of a line whose words are final."""
UNLIKE = "unlike"
"""The type of a line whose context's "expected" says what was expected instead of the value."""
UNKNOWN_TYPE = "unknown_type"
"""The type of a line whose context's "kind" and "name" are those of a component that no registry has."""
ENCLOSED = "enclosed"
"""The type of a line that stands for all lines of another error: its context's "held" has it as `error`."""


class StrictModel(BaseModel):
    """A frozen model that takes only what it declares: no "4" for 4, no 3.0 or true for an int, no NaN.

    Every field is read from what JSON has for its type, in a dict of parsed JSON as well: a tuple from a list, an enum
    or a date from a string.
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


def unreadable(model: type[BaseModel], error: Exception) -> str:
    """Says which field has a type that pydantic cannot read, and what to do; pydantic's own words where it is none."""
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
            _as_json_has_it(schema, lambda found: found)
        except PydanticSchemaGenerationError as why:
            what = re.search(r"for <?(?:class )?'?([^'>\n]+)", str(why))
            return f"field {name!r}: {what[1] if what else field.annotation} cannot be read from JSON; {remedy}"
        except PydanticUserError as why:
            return f"field {name!r}: {why}; {remedy}"
    return str(error).partition("\n")[0]


class Held:
    """Holds an error where pydantic would write out in full whatever it is given."""

    def __init__(self, error: ValidationError) -> None:
        self.error = error


def enclosed(error: ValidationError, value: Any) -> ValidationError:
    """A validation error of one line that holds another one whole.

    Each model on the way copies the lines of what is inside it: 43,000 lines 48 models deep take four seconds. Whoever
    asked for it, in a validation context with "enclose", takes them out again, as `fcframe.spec.problems` does.
    """
    return _of_one_line(ENCLOSED, "see inside", {"held": Held(error)}, (), value)


def unknown_type(kind: str, name: str, value: Any) -> ValidationError:
    """A validation error about a type that is not registered; what is, is told where the error is put into words."""
    return _of_one_line(UNKNOWN_TYPE, "no {kind} called {name}", {"kind": kind, "name": name}, ("type",), value)


def unlike(expected: str, value: Any) -> ValidationError:
    """A validation error that says what was expected instead of the value, to be raised inside a validator."""
    return _of_one_line(UNLIKE, "expected {expected}", {"expected": expected}, (), value)


def problem_at(location: Sequence[str | int], message: str, value: Any) -> ValidationError:
    """A validation error whose words are final, to be raised inside a validator."""
    return _of_one_line(EXPLAINED, "{message}", {"message": message}, location, value)


def _of_one_line(
    kind: str, message: Any, context: dict[str, Any], location: Sequence[str | int], value: Any
) -> ValidationError:
    line: InitErrorDetails = {
        "type": PydanticCustomError(kind, message, context),
        "loc": tuple(location),
        "input": value,
    }
    return ValidationError.from_exception_data("spec", [line])


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


# Core schemas that read the same from a Python object as from JSON text; what is inside them may not.
_VALUES = ("any", "none", "bool", "int", "float", "str", "list", "dict", "nullable", "default", "chain", "literal")
_FUNCTIONS = ("function-before", "function-after", "function-wrap", "function-plain", "custom-error", "definitions")
_CLASSES = ("model", "model-fields", "dataclass-args", "typed-dict", "tagged-union", "is-instance", "is-subclass")
_ALIKE = frozenset({*_VALUES, *_FUNCTIONS, *_CLASSES})


def _as_json_has_it(schema: Any, resolve: Callable[[Any], Any], inside: tuple[str, ...] = ()) -> Any:
    """A core schema that reads each type from what JSON has for it, and tells apart what JSON tells apart.

    Pydantic does the first where it reads JSON text; a component is read from a dict that was parsed before. It does
    not do the second: in JSON text too, it takes true and 1.0 for 1 in a Literal or an enum, and an item twice for a
    set. A model of another kind is read as strictly as the model around it.
    """
    if isinstance(schema, (list, tuple)):
        return type(schema)(_as_json_has_it(item, resolve, inside) for item in schema)
    if not isinstance(schema, dict):
        return schema
    kind = schema.get("type")
    if not isinstance(kind, str):  # fields by name
        return {name: _as_json_has_it(field, resolve, inside) for name, field in schema.items()}
    if kind == "callable":
        raise PydanticUserError("a function cannot be read from JSON", code=None)
    if kind == "definition-ref":
        name, found = schema["schema_ref"], resolve(schema)
        model = _model(found)
        if model is not None:
            return schema if issubclass(model, StrictModel) else _read_as_json(model, schema)
        if name in inside:
            return schema
        return _as_json_has_it({key: found[key] for key in found if key != "ref"}, resolve, (*inside, name))
    plain = ("default", "metadata", "serialization", "expected", "function", "config")
    schema = {key: item if key in plain else _as_json_has_it(item, resolve, inside) for key, item in schema.items()}
    if kind in ("tuple", "dataclass"):
        return schema | {"strict": False}
    if kind == "union":
        choices = (choice[0] if isinstance(choice, tuple) else choice for choice in schema["choices"])
        return schema | {"choices": [(choice, ALTERNATIVE) for choice in choices]}
    if kind == "enum" or (kind == "literal" and not all(isinstance(each, str) for each in schema["expected"])):
        return core_schema.no_info_wrap_validator_function(_told_apart, schema | {"strict": False})
    if kind in ("set", "frozenset"):
        in_order = core_schema.wrap_serializer_function_ser_schema(_in_order, when_used="json")
        schema |= {"strict": False, "serialization": schema.get("serialization", in_order)}
        return core_schema.no_info_wrap_validator_function(_without_repeats, schema)
    if kind == "dict" and schema.get("keys_schema", {}).get("type", "any") not in ("any", "str"):
        schema["keys_schema"] = _read_by_pydantic(schema["keys_schema"], as_key=True)
        return core_schema.no_info_wrap_validator_function(_without_repeats, schema)
    return schema if kind in _ALIKE or kind.endswith("-field") else _read_by_pydantic(schema)


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


def _read_by_pydantic(schema: CoreSchema, *, as_key: bool = False) -> CoreSchema:
    """Reads JSON data as pydantic reads JSON text, or a key of a JSON object; a Python object is read as it was."""
    made: list[SchemaValidator] = []  # on first use: most components are never read

    def read(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        key: Any = value
        if not isinstance(value, (str, int, float, list, dict)) or isinstance(value, Enum):
            return handler(value)
        if not made:
            made.append(SchemaValidator(schema, core_schema.CoreConfig(strict=True, allow_inf_nan=False)))
        if as_key:
            return made[0].validate_strings(key, context=info.context) if isinstance(value, str) else handler(value)
        try:
            text = to_json(value)
        except PydanticSerializationError:  # a list of Python objects
            return handler(value)
        return made[0].validate_json(text, context=info.context)

    return core_schema.with_info_wrap_validator_function(read, schema)


def _told_apart(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    found = handler(value)
    constant = found.value if isinstance(found, Enum) else found
    if type(value) in (bool, float, str) and type(value) is not type(constant):
        raise unlike(shown(constant), value)
    return found


def _without_repeats(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    found = handler(value)
    if isinstance(value, (list, dict)) and len(found) < len(value):
        raise unlike("keys that differ" if isinstance(value, dict) else "items that differ", value)
    return found


def _in_order(value: Any, handler: Callable[[Any], Iterable[Any]]) -> list[Any]:
    """The items of a set in an order that no hash decides: numbers by size, then everything else by its JSON text."""
    return sorted(handler(value), key=lambda item: (0, item, b"") if _is_number(item) else (1, 0, to_json(item)))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
