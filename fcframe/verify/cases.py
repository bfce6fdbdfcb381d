"""Cases made from a class alone: the examples that it declares, and configurations made from its fields.

Every field takes, in some case, a value that is neither its default nor 0 nor 1: a term that is right at beta = 1 may
be wrong everywhere else. The sizes of all axes differ: what is right on a square may be wrong on everything else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from fcframe.components import Component, Layer, Shape
from fcframe.fields import SCHEMA_KEY
from fcframe.registry import Registry
from fcframe.verify.trial import VALUES, Case

Made = TypeVar("Made", bound=Component)

SHAPES: Sequence[Shape] = ((5,), (4, 5), (2, 3, 5), (6,), (4, 6), (2, 3, 4), (12,), (1,), (2,), (3, 12))
"""Input shapes that are tried; of each rank the first that the layer takes."""
NUMBERS = (0.37, 2.3, -1.7, 0.83, 0.061, 17.0, 5e-3)
INTEGERS = (3, 2, 5, 7, 4, 12, 30)
DEPTH = 2
"""How deep components inside components are followed."""


def configurations(component: type[Made], registry: Registry, depth: int = DEPTH) -> list[Made]:
    """The declared examples, then one configuration for each field and value, then one with all fields off default.

    Configurations that the class refuses are left out, for its fields may depend on each other.
    """
    found: list[Made] = []
    candidates = [example.fields for example in component.examples]
    values = field_values(component, registry, depth)
    schema = component.model_json_schema()
    required = {name: values[name][0] for name in schema.get("required", []) if values.get(name)}
    off_default = {name: options[0] for name, options in values.items() if options}
    candidates.append(required)
    candidates.append(off_default)
    for name, options in values.items():
        candidates += [{**off_default, name: option} for option in options[1:]]
        candidates += [{**required, name: option} for option in options[:1]]
    for fields in candidates:
        made = _made(component, fields, registry)
        if made is not None and made not in found:
            found.append(made)
    return found


def field_values(component: type[Component], registry: Registry, depth: int = DEPTH) -> dict[str, list[Any]]:
    """For each field a few values as JSON, none of them its default, 0 or 1, where the field takes others."""
    schema = component.model_json_schema()
    definitions = schema.get("$defs", {})
    found = {}
    for name, field in schema.get("properties", {}).items():
        if name in ("name", "seed"):  # what a thing is called, or which draw is made, is nothing to differentiate by
            continue
        default = field.get("default")
        options = [value for value in _values(field, definitions, registry, depth) if value != default]
        unusual = [value for value in options if isinstance(value, bool) or value not in (0, 1)]
        found[name] = unusual or options
    return found


def layer_cases(layers: Sequence[Layer], shapes: Mapping[int, Sequence[Shape | None]], seed: int) -> list[Case]:
    """Each configuration at each rank it takes; values, modes and batch sizes vary over the first and the last one."""
    cases: list[Case] = []
    for index, layer in enumerate(layers):
        taken = list(accepted(layer, shapes.get(index, ())))
        cases += [Case(layer, shape, seed=seed) for shape in taken]
        if taken and index in (0, 1, len(layers) - 1):
            first = taken[0]
            cases += [Case(layer, first, values=values, seed=seed) for values in VALUES if values != "normal"]
            cases += [Case(layer, shape, N=4, training=False, seed=seed) for shape in taken[:2]]
            cases += [Case(layer, first, N=1, seed=seed), Case(layer, first, N=7, seed=seed)]
            cases.append(Case(layer, first, N=1, training=False, seed=seed))
    return list(dict.fromkeys(cases))


def redrawn(case: Case, turn: int) -> Case:
    """The same case with other numbers; turn 0 is the case itself."""
    return replace(case, seed=case.seed + 1000 * turn)


def accepted(layer: Layer, preferred: Sequence[Shape | None] = ()) -> Iterator[Shape]:
    """The shapes of its examples, and of each rank the first of SHAPES that the layer takes."""
    ranks = set()
    for shape in (*preferred, *SHAPES):
        if shape is None or (shape not in preferred and len(shape) in ranks):
            continue
        try:
            layer.output_shape(shape)
            layer.parameters(shape)
        except ValueError:
            continue
        ranks.add(len(shape))
        yield shape


def _made(component: type[Made], fields: Mapping[str, Any], registry: Registry) -> Made | None:
    try:
        return component.model_validate(dict(fields), context={"registry": registry})
    except (ValidationError, LookupError):
        return None


def _values(field: Any, definitions: Mapping[str, Any], registry: Registry, depth: int) -> list[Any]:
    """Values that a JSON Schema takes."""
    if "$ref" in field:
        return _values(definitions.get(field["$ref"].rpartition("/")[2], {}), definitions, registry, depth)
    if SCHEMA_KEY in field:
        return _components(field[SCHEMA_KEY], registry, depth)
    if "const" in field:
        return [field["const"]]
    if "enum" in field:
        return list(field["enum"])
    for key in ("anyOf", "oneOf"):
        if key in field:
            return [value for option in field[key] for value in _values(option, definitions, registry, depth)]
    if "allOf" in field:
        return _values(field["allOf"][0], definitions, registry, depth)
    kind = field.get("type")
    if kind == "boolean":
        return [True, False]
    if kind == "integer":
        return _within(field, INTEGERS, 1)
    if kind == "number":
        return _within(field, NUMBERS, 1e-3)
    if kind == "string":
        return ["text"]
    if kind == "null":
        return [None]
    if kind == "array":
        return _lists(field, definitions, registry, depth)
    if kind == "object" and "properties" in field:
        options = {name: _values(inner, definitions, registry, depth) for name, inner in field["properties"].items()}
        return [{name: values[index] for name, values in options.items() if index < len(values)} for index in (0, 1)]
    return []


def _within(field: Mapping[str, Any], numbers: Sequence[float], step: float) -> list[Any]:
    """Of the numbers those within a field's bounds, else some just inside of them."""
    low = field.get("minimum", field.get("exclusiveMinimum", float("-inf")))
    high = field.get("maximum", field.get("exclusiveMaximum", float("inf")))

    def fits(number: float) -> bool:
        above = number > low if "exclusiveMinimum" in field else number >= low
        below = number < high if "exclusiveMaximum" in field else number <= high
        return above and below and (not field.get("multipleOf") or number % field["multipleOf"] == 0)

    inside = [number for number in numbers if fits(number)]
    if inside:
        return inside[:3]
    whole = isinstance(numbers[0], int)
    middle = [low + share * (high - low) for share in (0.37, 0.71)] if high - low < float("inf") else []
    near = [low + step, low + 3 * step, low, high - step, high]
    made = [int(number) if whole else number for number in (*middle, *near) if abs(number) < float("inf")]
    return [number for number in dict.fromkeys(made) if fits(number)][:3]


def _lists(field: Mapping[str, Any], definitions: Mapping[str, Any], registry: Registry, depth: int) -> list[Any]:
    if "prefixItems" in field:
        columns = [_values(item, definitions, registry, depth) for item in field["prefixItems"]]
        return [list(row) for row in zip(*columns, strict=False)][:2]
    items = _values(field.get("items", {}), definitions, registry, depth)
    least = max(1, field.get("minItems", 0))
    lists = [[item] * least for item in items]
    lists += [list(pair) for pair in zip(items, items[1:] + items[:1], strict=True) if least <= 2 and len(items) > 1]
    return [found for found in lists if len(found) <= field.get("maxItems", len(found))]


def _components(kind: str, registry: Registry, depth: int) -> list[Any]:
    """A configuration of each registered component of a kind; of containers none, once it is deep enough."""
    found = []
    for component in registry.of(kind).values():
        required = component.model_json_schema().get("required", [])
        values = field_values(component, registry, depth - 1) if depth > 0 else {}
        if all(values.get(name) for name in required):
            found.append({"type": component.type, **{name: options[0] for name, options in values.items() if options}})
    return found
