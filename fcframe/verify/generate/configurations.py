"""Cases made from a class alone: the examples that it declares, and configurations made from its fields.

Every field takes, in some case, a value that is neither its default nor 0 nor 1: a term that is right at beta = 1 may
be wrong everywhere else. The sizes of all axes differ: what is right on a square may be wrong on everything else.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError

from fcframe.components import Component, Layer
from fcframe.plugins import Registry
from fcframe.verify.generate.json_values import json_values

Made = TypeVar("Made", bound=Component)

FRAMEWORK_FIELDS = ("name", "seed", "trainable", "regularizer")
"""Fields that the framework reads and no method of a component does, so no gradient depends on them."""
DEPTH = 2
"""How deep components inside components are followed."""

TRIES = 300
"""How many combinations of values are tried where a field is refused beside the others as they are."""


def configurations(component: type[Made], registry: Registry, depth: int = DEPTH) -> list[Made]:
    """One with what is required alone, one with all fields off their defaults, the examples, and one a field and value.

    Configurations that the class refuses are left out, for its fields may depend on each other; a field that is
    refused alone is tried together with others.
    """
    values = field_values(component, registry, depth)
    required = _required(component, values, registry)
    off_default = dict(required)
    for name, options in values.items():
        off_default |= next(_fitting(component, off_default, name, options, registry), {})
    candidates = [required, off_default, *(example.fields for example in component.examples)]
    for name, options in values.items():
        candidates += [{**off_default, name: option} for option in options]
        candidates += [{**required, name: option} for option in options[:1]]
    found: list[Made] = []
    for fields in candidates:
        _add(found, _made(component, fields, registry))
    for name in never_varied(component, found):
        _add(found, _together(component, required, name, values, registry))
    return found


def never_varied(component: type[Component], made: Sequence[Component]) -> list[str]:
    """The fields that have more than one value, and have their default in all of these configurations."""
    fields = {name: field for name, field in component.model_fields.items() if name not in FRAMEWORK_FIELDS}
    schema = component.model_json_schema().get("properties", {})
    return [
        name
        for name, field in fields.items()
        if not field.is_required() and "const" not in schema.get(name, {})
        if all(getattr(one, name) == field.get_default(call_default_factory=True) for one in made)
    ]


def field_values(component: type[Component], registry: Registry, depth: int = DEPTH) -> dict[str, list[Any]]:
    """For each field a few values as JSON, none of them its default, 0 or 1, where the field takes others."""
    schema = component.model_json_schema()
    definitions = schema.get("$defs", {})
    found = {}
    for name, field in schema.get("properties", {}).items():
        if name in FRAMEWORK_FIELDS:
            continue
        default = field.get("default")
        of_kind = partial(_components, registry=registry, depth=depth)
        options = [value for value in json_values(field, definitions, of_kind) if value != default]
        unusual = [value for value in options if isinstance(value, bool) or value not in (0, 1)]
        found[name] = unusual or options
    return found


def _add(found: list[Made], made: Made | None) -> None:
    if made is not None and made not in found:
        found.append(made)


def _required(component: type[Component], values: Mapping[str, Sequence[Any]], registry: Registry) -> dict[str, Any]:
    """Values for the required fields that the class takes together."""
    names = component.model_json_schema().get("required", [])
    rows = itertools.product(*(values.get(name, ()) for name in names))
    made = [dict(zip(names, row, strict=True)) for row in itertools.islice(rows, TRIES)]
    return next((fields for fields in made if _made(component, fields, registry) is not None), made[0] if made else {})


def _fitting(
    component: type[Component], fields: Mapping[str, Any], name: str, options: Sequence[Any], registry: Registry
) -> Iterator[dict[str, Any]]:
    """The values of one field that the class takes beside others."""
    changes = ({name: option} for option in options)
    return (change for change in changes if _made(component, {**fields, **change}, registry) is not None)


def _together(
    component: type[Made], fields: Mapping[str, Any], name: str, values: Mapping[str, Sequence[Any]], registry: Registry
) -> Made | None:
    """A configuration in which a field that is refused alone is changed together with another one."""
    pairs = (
        {**fields, name: option, other: value}
        for option in values.get(name, ())
        for other, others in values.items()
        if other != name
        for value in (*others, None, 0, 1)
    )
    made = (_made(component, pair, registry) for pair in itertools.islice(pairs, TRIES))
    return next((one for one in made if one is not None), None)


def _made(component: type[Made], fields: Mapping[str, Any], registry: Registry) -> Made | None:
    try:
        return component.model_validate(dict(fields), context={"registry": registry})
    except (ValidationError, LookupError):
        return None


def _components(kind: str, registry: Registry, depth: int) -> list[Any]:
    """Configurations of registered components of a kind, one of each sort; of containers none, once deep enough."""
    found: dict[Any, Any] = {}
    for component in registry.of(kind).values():
        required = component.model_json_schema().get("required", [])
        values = field_values(component, registry, depth - 1) if depth > 0 else {}
        sort = _sort(component)
        if sort not in found and all(values.get(name) for name in required):
            fields = {name: options[0] for name, options in values.items() if options}
            if _made(component, fields, registry) is None:
                fields = _required(component, values, registry)
            found[sort] = {"type": component.type, **fields}
    return list(found.values())


def _sort(component: type[Component]) -> Any:
    """What tells a layer from others for a container: what it has, and whether it draws. Others are all alike."""
    if not issubclass(component, Layer):
        return component.type
    has = tuple(getattr(component, name) is not getattr(Layer, name) for name in ("parameters", "state", "inner"))
    return (*has, component.stochastic, component.examples_independent)
