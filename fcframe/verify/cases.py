"""Cases made from a class alone: the examples that it declares, and configurations made from its fields.

Every field takes, in some case, a value that is neither its default nor 0 nor 1: a term that is right at beta = 1 may
be wrong everywhere else. The sizes of all axes differ: what is right on a square may be wrong on everything else.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from fcframe.components import SCHEMA_KEY, Component, Layer, Shape
from fcframe.plugins import Registry
from fcframe.verify.trial import VALUES, Case

Made = TypeVar("Made", bound=Component)

SHAPES: Sequence[Shape] = (
    (5,), (4, 5), (2, 4, 5), (6,), (4, 6), (2, 4, 6), (12,), (7,), (8,), (9,), (10,), (14,), (15,), (16,),
    (21,), (30,), (60,), (1,), (2,), (3,), (4,), (3, 12), (4, 9), (4, 4), (8, 8), (2, 2), (1, 4, 4), (3, 8, 8),
    (2, 1, 1), (2, 3, 1, 4),
)  # fmt: skip
"""Input shapes that are tried; of each rank up to 3 the first that the layer takes."""
BATCHES = (3, 4, 6, 7, 8, 9, 10, 11)
"""Sizes of minibatches; the first that is the size of no other axis."""
NUMBERS = (0.37, 2.3, -1.7, 0.83, 0.061, 17.0, 5e-3)
INTEGERS = (3, 2, 7, 5, 4, 12, 30, -3)
TEXTS = (
    "text",
    "a",
    "Ab_1",
    "x1",
    "7",
    "1.5",
    "2024-05-06",
    "a@b.cc",
    "#a0b1c2",
    "a.b",
    "a-b",
    "A",
    "ij,jk->ik",
    "/a/b",
)
"""Strings that are tried where a field wants a pattern."""
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
    for name in untouched(component, found):
        _add(found, _together(component, required, name, values, registry))
    return found


def untouched(component: type[Component], made: Sequence[Component]) -> list[str]:
    """The fields that have more than one value, and have their default in all of these configurations."""
    fields = {name: field for name, field in component.model_fields.items() if name not in ("name", "seed")}
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
        if name in ("name", "seed"):  # what a thing is called, or which draw is made, is nothing to differentiate by
            continue
        default = field.get("default")
        options = [value for value in _values(field, definitions, registry, depth) if value != default]
        unusual = [value for value in options if isinstance(value, bool) or value not in (0, 1)]
        found[name] = unusual or options
    return found


def layer_cases(layers: Sequence[Layer], shapes: Mapping[int, Sequence[Shape | None]], seed: int) -> list[Case]:
    """The first two configurations thoroughly: at each rank, with all values, modes and batch sizes; the others once.

    Args:
        layers: The configurations.
        shapes: By a configuration's index, the input shapes of its examples.
        seed: Draws the numbers.
    """
    cases: list[Case] = []
    known = [shape for found in shapes.values() for shape in found]
    thorough = 0
    for index, layer in enumerate(layers):
        own = [shape for shape in shapes.get(index, ()) if shape is not None]
        taken = list(accepted(layer, own, known))
        if not taken:
            continue
        if thorough == 2:
            chosen = own or [taken[index % len(taken)]]
            cases += [Case(layer, shape, N=batch(layer, shape), seed=seed) for shape in chosen if shape in taken]
            continue
        thorough += 1
        cases += [Case(layer, shape, N=batch(layer, shape), seed=seed) for shape in taken]
        first, N = taken[0], batch(layer, taken[0])
        cases += [Case(layer, first, N=N, values=values, seed=seed) for values in VALUES if values != "gaussian"]
        cases += [Case(layer, shape, N=batch(layer, shape), training=False, seed=seed) for shape in taken[:2]]
        cases += [Case(layer, first, N=1, seed=seed), Case(layer, first, N=13, seed=seed)]
        cases.append(Case(layer, first, N=1, training=False, seed=seed))
    return list(dict.fromkeys(cases))


def batch(layer: Layer, shape: Shape) -> int:
    """A size of the minibatch that no other axis has: what mistakes one axis for another shows."""
    sizes = {*shape, *layer.output_shape(shape)}
    sizes |= {size for parameter in layer.parameters(shape).values() for size in parameter.shape}
    return next((N for N in BATCHES if N not in sizes), BATCHES[-1] + 2)


def redrawn(case: Case, turn: int) -> Case:
    """The same case with other numbers; turn 0 is the case itself."""
    return replace(case, seed=case.seed + 1000 * turn)


def accepted(layer: Layer, own: Sequence[Shape] = (), known: Sequence[Shape | None] = ()) -> Iterator[Shape]:
    """Of its own shapes all that the layer takes; of the known ones and of SHAPES the first of each further rank."""
    ranks: set[int] = set()
    for shape in (*own, *known, *SHAPES):
        if shape is None or (shape not in own and (len(shape) in ranks or (ranks and len(shape) > 3))):
            continue
        try:
            layer.output_shape(shape)
            layer.parameters(shape)
        except ValueError:
            continue
        ranks.add(len(shape))
        yield shape


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
        return _texts(field)
    if kind == "null":
        return [None]
    if kind == "array":
        return _lists(field, definitions, registry, depth)
    if kind == "object":
        return _objects(field, definitions, registry, depth)
    return []


def _within(field: Mapping[str, Any], numbers: Sequence[float], step: float) -> list[Any]:
    """Of the numbers those within a field's bounds, else some just inside of them."""
    low = max(field.get("minimum", float("-inf")), field.get("exclusiveMinimum", float("-inf")))
    high = min(field.get("maximum", float("inf")), field.get("exclusiveMaximum", float("inf")))
    multiple = field.get("multipleOf", 0)

    def fits(number: float) -> bool:
        above = number >= low and number != field.get("exclusiveMinimum")
        below = number <= high and number != field.get("exclusiveMaximum")
        return above and below and (not multiple or abs(round(number / multiple) * multiple - number) < 1e-9)

    whole = isinstance(numbers[0], int)
    start = low if low > float("-inf") else high if high < float("inf") else 0.0
    near = [low + step, low + 3 * step, high - step, low, high]
    if high - low < float("inf"):
        near = [low + share * (high - low) for share in (0.37, 0.71)] + near
    if multiple:
        near = [(start // multiple + turn) * multiple for turn in (2, 3, -2, 1, 0, -1)] + near
    made = [int(number) if whole else float(number) for number in near if abs(number) < float("inf")]
    return [number for number in dict.fromkeys([*numbers, *made]) if fits(number)][:4]


def _texts(field: Mapping[str, Any]) -> list[str]:
    """Strings of the wanted length and pattern, where one of a few has it."""
    least, most = field.get("minLength", 0), field.get("maxLength", 10**6)
    texts = [(text * (least // len(text) + 1))[: max(least, min(most, len(text)))] for text in TEXTS]
    return [text for text in dict.fromkeys(texts) if re.search(field.get("pattern", ""), text)][:2]


def _objects(field: Mapping[str, Any], definitions: Mapping[str, Any], registry: Registry, depth: int) -> list[Any]:
    """Of a nested model two, all its fields off their defaults; of a free mapping one with one item."""
    columns = {}
    for name, inner in field.get("properties", {}).items():
        options = [value for value in _values(inner, definitions, registry, depth) if value != inner.get("default")]
        if options:
            columns[name] = options
    rows = [{name: values[turn % len(values)] for name, values in columns.items()} for turn in (0, 1)]
    if "properties" not in field and isinstance(field.get("additionalProperties"), dict):
        rows = [{"a": value} for value in _values(field["additionalProperties"], definitions, registry, depth)[:2]]
    return rows if rows[0] != rows[-1] else rows[:1]


def _lists(field: Mapping[str, Any], definitions: Mapping[str, Any], registry: Registry, depth: int) -> list[Any]:
    if "prefixItems" in field:
        columns = [_values(item, definitions, registry, depth) for item in field["prefixItems"]]
        if not all(columns):
            return []
        return [[values[(turn + place) % len(values)] for place, values in enumerate(columns)] for turn in (0, 1)]
    items = _values(field.get("items", {}), definitions, registry, depth)
    least, most = field.get("minItems", 0), field.get("maxItems", 10**6)
    if not items or most < 1:
        return []
    lengths = [length for length in (2, 1, 3, least, most) if least <= length <= min(most, 10)]
    around = itertools.cycle(items)
    lists = [[next(around) for _ in range(length)] for length in lengths[:2] for _ in items]
    distinct = [found for found in lists if not field.get("uniqueItems") or all(found.count(one) == 1 for one in found)]
    return [found for place, found in enumerate(distinct) if found not in distinct[:place]]


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
