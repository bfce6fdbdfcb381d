"""Generates configurations of a component from its class: its declared examples, and values of its fields.

Where the field allows it, every field has in some configuration a value that is neither its default nor 0 nor 1,
because a term that is wrong in general may be right for beta = 1.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import ValidationError

from fcframe.components import Component, Layer
from fcframe.plugins import Registry
from fcframe.verify.generate.json_values import json_values

AnyComponent = TypeVar("AnyComponent", bound=Component)

FRAMEWORK_FIELDS = ("name", "seed", "trainable", "regularizer")
"""Fields that only the framework reads, not the methods of a component, so no gradient depends on them."""
DEPTH = 2
"""How many levels of components inside components are generated."""

MAX_COMBINATIONS = 300
"""The largest number of combinations of field values that are tried where the class refuses single values."""


def configurations(component: type[AnyComponent], registry: Registry, depth: int = DEPTH) -> list[AnyComponent]:
    """Different configurations of a component.

    1. The required fields only.
    2. All fields with values other than their defaults.
    3. The declared examples.
    4. For each field: configuration 2 with each value of the field, and configuration 1 with the field's first value.

    Fields may depend on each other, so configurations that the class refuses are left out. A field for which every
    value is refused is changed together with another field.
    """
    values = field_values(component, registry, depth)
    required = _required(component, values, registry)
    off_default = dict(required)
    for name, options in values.items():
        off_default |= next(_accepted_changes(component, off_default, name, options, registry), {})
    candidates = [required, off_default, *(example.fields for example in component.examples)]
    for name, options in values.items():
        candidates += [{**off_default, name: option} for option in options]
        candidates += [{**required, name: option} for option in options[:1]]
    accepted: list[AnyComponent] = []
    for fields in candidates:
        _append_new(accepted, _validated(component, fields, registry))
    for name in never_varied(component, accepted):
        _append_new(accepted, _changed_with_another(component, required, name, values, registry))
    return accepted


def never_varied(component: type[Component], configured: Sequence[Component]) -> list[str]:
    """The names of the fields that could be changed, but have their default in all of these configurations."""
    fields = {name: field for name, field in component.model_fields.items() if name not in FRAMEWORK_FIELDS}
    schema = component.model_json_schema().get("properties", {})
    return [
        name
        for name, field in fields.items()
        if not field.is_required() and "const" not in schema.get(name, {})
        if all(getattr(one, name) == field.get_default(call_default_factory=True) for one in configured)
    ]


def field_values(component: type[Component], registry: Registry, depth: int = DEPTH) -> dict[str, list[Any]]:
    """A few JSON values for each field; its default, and where possible 0 and 1, are not among them."""
    schema = component.model_json_schema()
    definitions = schema.get("$defs", {})
    values = {}
    for name, field in schema.get("properties", {}).items():
        if name in FRAMEWORK_FIELDS:
            continue
        default = field.get("default")
        component_values = partial(_component_values, registry=registry, depth=depth)
        options = [value for value in json_values(field, definitions, component_values) if value != default]
        unusual = [value for value in options if isinstance(value, bool) or value not in (0, 1)]
        values[name] = unusual or options
    return values


def _append_new(accepted: list[AnyComponent], configuration: AnyComponent | None) -> None:
    """Appends the configuration, unless it is None or in the list already; a configuration may not be hashable."""
    if configuration is not None and configuration not in accepted:
        accepted.append(configuration)


def _required(component: type[Component], values: Mapping[str, Sequence[Any]], registry: Registry) -> dict[str, Any]:
    """Values of the required fields that the class accepts together."""
    names = component.model_json_schema().get("required", [])
    rows = itertools.product(*(values.get(name, ()) for name in names))
    tried = [dict(zip(names, row, strict=True)) for row in itertools.islice(rows, MAX_COMBINATIONS)]
    accepted = (fields for fields in tried if _validated(component, fields, registry) is not None)
    return next(accepted, tried[0] if tried else {})


def _accepted_changes(
    component: type[Component], fields: Mapping[str, Any], name: str, options: Sequence[Any], registry: Registry
) -> Iterator[dict[str, Any]]:
    """The values of one field, as {name: value}, that the class accepts together with the given other fields."""
    changes = ({name: option} for option in options)
    return (change for change in changes if _validated(component, {**fields, **change}, registry) is not None)


def _changed_with_another(
    component: type[AnyComponent],
    fields: Mapping[str, Any],
    name: str,
    values: Mapping[str, Sequence[Any]],
    registry: Registry,
) -> AnyComponent | None:
    """A configuration in which the named field and one other field are changed; None if the class refuses all."""
    pairs = (
        {**fields, name: option, other: value}
        for option in values.get(name, ())
        for other, others in values.items()
        if other != name
        for value in (*others, None, 0, 1)
    )
    tried = (_validated(component, pair, registry) for pair in itertools.islice(pairs, MAX_COMBINATIONS))
    return next((configuration for configuration in tried if configuration is not None), None)


def _validated(component: type[AnyComponent], fields: Mapping[str, Any], registry: Registry) -> AnyComponent | None:
    """The component with these fields, or None if its class refuses them."""
    try:
        return component.model_validate(dict(fields), context={"registry": registry})
    except (ValidationError, LookupError):
        return None


def _component_values(kind: str, registry: Registry, depth: int) -> list[Any]:
    """JSON values for a field that holds a component of this kind: one registered component of each category.

    At depth 0, components with required fields are left out, so that containers are not nested without end.
    """
    values_by_category: dict[Any, Any] = {}
    for component in registry.of(kind).values():
        required = component.model_json_schema().get("required", [])
        values = field_values(component, registry, depth - 1) if depth > 0 else {}
        category = _category(component)
        if category not in values_by_category and all(values.get(name) for name in required):
            fields = {name: options[0] for name, options in values.items() if options}
            if _validated(component, fields, registry) is None:
                fields = _required(component, values, registry)
            values_by_category[category] = {"type": registry.name(component), **fields}
    return list(values_by_category.values())


def _category(component: type[Component]) -> Any:
    """The properties of a layer that matter to a container, for example whether it has parameters or is stochastic.

    For components of other kinds: the type, so that every type is a category.
    """
    if not issubclass(component, Layer):
        return component.type
    overridden = tuple(
        getattr(component, name) is not getattr(Layer, name) for name in ("parameters", "state", "inner")
    )
    return (*overridden, component.stochastic, component.examples_independent)
