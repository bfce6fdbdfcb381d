"""For every component, … : its fields are its JSON and its JSON Schema."""

import importlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationError, WrapValidator

from fcframe.components import KINDS, Component, Rejected
from fcframe.plugins import Plugin, Registry
from fcframe.spec.schema import json_schema
from fcframe.verify.fixtures.component_class import ClassFixture
from fcframe.verify.generate.configurations import configurations, field_values
from fcframe.verify.report import CheckFailure, NotApplicable

PROBES: tuple[Any, ...] = (
    None, True, False, "text", "", "x", -3, -1, 0, 1, 2, 7, -0.5, 0.5, 1.5, 1000.5,
    [], [1], [0.5], ["text"], [2, 3], {}, {"type": "no_such_type"},
)  # fmt: skip
"""What every field is offered. No 3.0: JSON Schema takes it for an integer, and fcframe does not."""
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def a_configuration_can_be_made(fixture: ClassFixture) -> None:
    """What cannot be configured is not checked at all."""
    if not configurations(fixture.component, fixture.registry):
        raise CheckFailure("no configuration could be made from the fields' types", "declare one in `examples`")


def its_examples_are_accepted(fixture: ClassFixture) -> None:
    """They show the component off, and the harness checks them first."""
    for example in fixture.component.examples:
        try:
            fixture.component.model_validate(example.fields, context={"registry": fixture.registry})
        except ValidationError as error:
            raise CheckFailure(f"{example} is refused: {_words(error)}", "mend the example, or the field") from None


def what_it_declares_rejected_is_refused_with_that_message(fixture: ClassFixture) -> None:
    """An error message is part of a component; the author says which words a reader must find in it."""
    if not fixture.component.rejected:
        raise NotApplicable("it declares nothing that it rejects")
    for rejected in fixture.component.rejected:
        refusal = _refusal(fixture, rejected)
        if refusal is None:
            raise CheckFailure(f"{rejected} is taken without complaint", "refuse it, or take it from `rejected`")
        if rejected.message not in refusal:
            raise CheckFailure(f"{rejected} is refused in other words: {refusal}", "mend the message, or `rejected`")


def _refusal(fixture: ClassFixture, rejected: Rejected) -> str | None:
    try:
        made: Any = fixture.component.model_validate(rejected.fields, context={"registry": fixture.registry})
    except ValidationError as error:
        return _words(error)
    if rejected.input_shape is not None:
        try:
            made.output_shape(rejected.input_shape)
            made.parameters(rejected.input_shape)
        except ValueError as error:
            return str(error)
    return None


def it_reads_back_what_it_writes(fixture: ClassFixture) -> None:
    """A spec is all that is kept of a component; what is read from it must be the same component."""
    for component in configurations(fixture.component, fixture.registry):
        document = component.model_dump(mode="json")
        try:
            text = json.dumps(document, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise CheckFailure(f"{document} cannot be written as JSON: {error}", "") from None
        try:
            again = fixture.made(json.loads(text))
        except ValidationError as error:
            raise CheckFailure(f"written as JSON, {text} is refused when read: {_words(error)}", "") from None
        if again.model_dump(mode="json") != document or again != component:
            raise CheckFailure(f"written as JSON and read again, {text} becomes {again!r}", "")


def an_unknown_field_is_refused(fixture: ClassFixture) -> None:
    """A misspelled field that is passed over silently trains another network than the one meant."""
    for component in configurations(fixture.component, fixture.registry)[:1]:
        if _accepts(fixture, {**component.model_dump(mode="json"), "no_such_field": 1}):
            raise CheckFailure("an unknown field is taken without complaint", "leave model_config as the kind has it")


def its_json_schema_agrees_with_what_it_accepts(fixture: ClassFixture) -> None:
    """Editors and other programs judge a spec by the schema; they must judge as fcframe does."""
    try:
        validators = importlib.import_module("jsonschema")
    except ModuleNotFoundError:
        raise NotApplicable("jsonschema, which reads the schema, is not installed") from None
    branch = f"#/$defs/{fixture.component.kind}.{fixture.component.type}"
    schema = {"$ref": branch, "$defs": _definitions(fixture)}
    permits = validators.Draft202012Validator(schema).is_valid
    for document in _documents(fixture):
        permitted, accepted = bool(permits(document)), _accepts(fixture, document)
        if accepted and not permitted:
            raise CheckFailure(f"the JSON Schema refuses {json.dumps(document)}, the class takes it", "")
        if permitted and not accepted and not _has_validators(fixture.component):
            raise CheckFailure(f"the JSON Schema permits {json.dumps(document)}, the class refuses it", "")


def _documents(fixture: ClassFixture) -> Iterator[dict[str, Any]]:
    """A configuration with one field changed at a time, to what the field takes and to what it may not take."""
    made = configurations(fixture.component, fixture.registry)[:1]
    values = field_values(fixture.component, fixture.registry)
    for component in made:
        document = component.model_dump(mode="json")
        for name, field in fixture.fields.items():
            for value in (*values.get(name, ()), *PROBES, *_bounds(field)):
                yield {**document, name: value}
            yield {key: value for key, value in document.items() if key != name}


def _bounds(field: Any) -> Iterator[float]:
    """Wherever the schema of a field names a bound: the bound, and numbers on either side of it."""
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
    """The schemas of everything that is registered, and of this component where it is not."""
    registry, component = fixture.registry, fixture.component
    if component not in registry:
        others = [(registry.origin(other), other) for other in registry if not _same_name(other, component)]
        plugin = Plugin("unregistered", component.__module__, "unregistered", "0")
        registry = Registry([*others, (plugin, component)])
    return json_schema(registry)["$defs"]


def _same_name(first: type[Component], second: type[Component]) -> bool:
    return (first.kind, first.type) == (second.kind, second.type)


def _accepts(fixture: ClassFixture, document: Mapping[str, Any]) -> bool:
    try:
        fixture.made(document)
    except ValidationError:
        return False
    return True


def _has_validators(component: type[Component]) -> bool:
    """Whether the author wrote validators, which may refuse what no JSON Schema can express."""
    inherited = {name for kind in KINDS for name in kind.__pydantic_decorators__.model_validators}
    own = component.__pydantic_decorators__
    kinds = (AfterValidator, BeforeValidator, PlainValidator, WrapValidator)
    marked = any(isinstance(mark, kinds) for field in component.model_fields.values() for mark in field.metadata)
    return bool(own.field_validators) or bool(own.model_validators.keys() - inherited) or marked


def _words(error: ValidationError) -> str:
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
