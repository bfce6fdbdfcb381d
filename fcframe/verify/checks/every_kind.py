"""Checks for components of every kind: fields, examples, JSON and JSON Schema agree."""

import importlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationError, WrapValidator

from fcframe.components import KINDS, Component, Rejected
from fcframe.plugins import Plugin, Registry
from fcframe.refusals import EXPLAINED, UNEXPECTED, UNKNOWN_TYPE
from fcframe.spec.schema import json_schema
from fcframe.verify.fixtures.component_class import ClassFixture
from fcframe.verify.generate.configurations import configurations, field_values
from fcframe.verify.report import CheckFailure, NotApplicable

PROBES: tuple[Any, ...] = (
    None, True, False, "text", "", "x", -3, -1, 0, 1, 2, 7, -0.5, 0.5, 1.5, 1000.5,
    [], [1], [0.5], ["text"], [2, 3], {}, {"type": "no_such_type"},
)  # fmt: skip
"""Values that are tried for every field. Not 3.0: it is an integer for JSON Schema, but not for fcframe."""
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
EXPRESSIBLE = (
    "_type", "missing", "extra_forbidden", "greater_than", "greater_than_equal", "less_than", "less_than_equal",
    "multiple_of", "too_short", "too_long", "pattern_mismatch", "literal_error", "enum", "none_required",
    "int_from_float", "int_parsing", "float_parsing", "bool_parsing", UNEXPECTED, UNKNOWN_TYPE, EXPLAINED,
)  # fmt: skip
"""Ends of the names of pydantic's error types for which JSON Schema has a keyword."""


def a_configuration_can_be_made(fixture: ClassFixture) -> None:
    """At least one configuration can be generated from the fields; all other checks need one."""
    if not configurations(fixture.component, fixture.registry):
        raise CheckFailure("no configuration could be made from the fields' types", "declare one in `examples`")


def its_examples_are_accepted(fixture: ClassFixture) -> None:
    """The class accepts the configurations in its `examples`."""
    for example in fixture.component.examples:
        try:
            fixture.component.model_validate(example.fields, context={"registry": fixture.registry})
        except ValidationError as error:
            raise CheckFailure(f"{example} is refused: {_message(error)}", "correct the example or the field") from None


def what_it_declares_rejected_is_refused_with_that_message(fixture: ClassFixture) -> None:
    """The class refuses the configurations in `rejected`, with error messages that contain the declared text."""
    if not fixture.component.rejected:
        raise NotApplicable("it declares no rejected configurations")
    for rejected in fixture.component.rejected:
        refusal = _refusal(fixture, rejected)
        if refusal is None:
            raise CheckFailure(f"{rejected} is accepted", "refuse it, or remove it from `rejected`")
        if rejected.message not in refusal:
            raise CheckFailure(
                f"{rejected} is refused with another message: {refusal}", "correct the message or `rejected`"
            )


def _refusal(fixture: ClassFixture, rejected: Rejected) -> str | None:
    """The message with which a configuration is refused; None if it is accepted."""
    try:
        made: Any = fixture.component.model_validate(rejected.fields, context={"registry": fixture.registry})
    except ValidationError as error:
        return _message(error)
    if rejected.input_shape is not None:
        try:
            made.output_shape(rejected.input_shape)
            made.parameters(rejected.input_shape)
        except ValueError as error:
            return str(error)
    return None


def it_reads_back_what_it_writes(fixture: ClassFixture) -> None:
    """A component that is written as JSON and read again is equal to the original."""
    for component in configurations(fixture.component, fixture.registry):
        document = fixture.document(component)
        try:
            text = json.dumps(document, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise CheckFailure(f"{document} cannot be written as JSON: {error}", "") from None
        try:
            again = fixture.made(json.loads(text))
        except ValidationError as error:
            raise CheckFailure(f"written as JSON, {text} is refused when read: {_message(error)}", "") from None
        if fixture.document(again) != document or again != component:
            raise CheckFailure(f"written as JSON and read again, {text} becomes {again!r}", "")


def an_unknown_field_is_refused(fixture: ClassFixture) -> None:
    """A field that does not exist is refused, so that a misspelled field is not ignored."""
    for component in configurations(fixture.component, fixture.registry)[:1]:
        if _accepts(fixture, {**fixture.document(component), "no_such_field": 1}):
            raise CheckFailure("an unknown field is accepted", "do not change model_config of the base class")


def its_json_schema_agrees_with_what_it_accepts(fixture: ClassFixture) -> None:
    """The JSON Schema accepts and refuses the same documents as the class, for editors and other programs."""
    try:
        validators = importlib.import_module("jsonschema")
    except ModuleNotFoundError:
        raise NotApplicable("the package jsonschema is not installed") from None
    branch = f"#/$defs/{fixture.component.kind}.{fixture.name}"
    schema = {"$ref": branch, "$defs": _definitions(fixture)}
    permits = validators.Draft202012Validator(schema).is_valid
    for document in _documents(fixture):
        refusal = _validation_error(fixture, document)
        permitted, accepted = bool(permits(document)), refusal is None
        if accepted and not permitted:
            raise CheckFailure(f"the JSON Schema refuses {json.dumps(document)}, the class accepts it", "")
        if permitted and refusal and _is_expressible(refusal) and not _has_validators(fixture.component):
            raise CheckFailure(f"the JSON Schema accepts {json.dumps(document)}, the class refuses it", "")


def _documents(fixture: ClassFixture) -> Iterator[dict[str, Any]]:
    """Documents of one configuration, each with one field left out or set to a valid or invalid value."""
    made = configurations(fixture.component, fixture.registry)[:1]
    values = field_values(fixture.component, fixture.registry)
    for component in made:
        document = fixture.document(component)
        for name, field in fixture.fields.items():
            for value in (*values.get(name, ()), *PROBES, *_bounds(field)):
                yield {**document, name: value}
            yield {key: value for key, value in document.items() if key != name}


def _bounds(field: Any) -> Iterator[float]:
    """Each bound in the schema of a field, and numbers just below and above it."""
    if isinstance(field, list):
        for item in field:
            yield from _bounds(item)
    if isinstance(field, Mapping):
        for key, item in field.items():
            if key in BOUNDS and isinstance(item, (int, float)):
                bound = int(item) if item == int(item) else item
                yield from (bound, bound - 1, bound + 1, bound - 0.013, bound + 0.013)
            elif key != "default":
                yield from _bounds(item)


def _definitions(fixture: ClassFixture) -> Any:
    """The schemas of all registered components, and of this component if it is not registered."""
    registry, component = fixture.registry, fixture.component
    if component not in registry:
        others = [(registry.origin(other), other) for other in registry if not _same_name(other, component)]
        plugin = Plugin("unregistered", component.__module__, "unregistered", "0")
        registry = Registry([*others, (plugin, component)])
    return json_schema(registry)["$defs"]


def _same_name(first: type[Component], second: type[Component]) -> bool:
    return (first.kind, first.type) == (second.kind, second.type)


def _accepts(fixture: ClassFixture, document: Mapping[str, Any]) -> bool:
    return _validation_error(fixture, document) is None


def _validation_error(fixture: ClassFixture, document: Mapping[str, Any]) -> ValidationError | None:
    """The error with which a document is refused; None if it is accepted."""
    try:
        fixture.made(document)
    except ValidationError as error:
        return error
    return None


def _is_expressible(refusal: ValidationError) -> bool:
    """Whether JSON Schema has keywords for all reasons of a refusal.

    It has none for the text of a date, of a UUID or of a Decimal, for example: "format" only describes it. Nor does
    pydantic describe the text of keys.
    """
    return all(
        line["type"].endswith(EXPRESSIBLE) and "[key]" not in line["loc"] for line in refusal.errors(include_url=False)
    )


def _has_validators(component: type[Component]) -> bool:
    """Whether the author wrote validators, which may have conditions that JSON Schema cannot express."""
    inherited = {name for kind in KINDS for name in kind.__pydantic_decorators__.model_validators}
    own = component.__pydantic_decorators__
    kinds = (AfterValidator, BeforeValidator, PlainValidator, WrapValidator)
    marked = any(isinstance(mark, kinds) for field in component.model_fields.values() for mark in field.metadata)
    return bool(own.field_validators) or bool(own.model_validators.keys() - inherited) or marked


def _message(error: ValidationError) -> str:
    """The first error: field and message."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")


CHECKS = (
    a_configuration_can_be_made,
    its_examples_are_accepted,
    it_reads_back_what_it_writes,
    what_it_declares_rejected_is_refused_with_that_message,
    an_unknown_field_is_refused,
    its_json_schema_agrees_with_what_it_accepts,
)
