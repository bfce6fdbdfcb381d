"""Documents for the schema and the validator to judge: what a JSON Schema allows, and what is nearly that."""

import copy

from hypothesis import strategies as st

KEYS = ["type", "name", "units", "unit", "layers", "$schema", "format", "network", "data", "seed", "", "é", "a b"]
INTEGERS = [-1, 0, 1, 2, 3, 10, 100, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-320, 1e308, -1e308, 0.1, 0.9999999999999999]
TEXTS = ["", "4", "relu", "affine", "sgd", "float32", "left", "a", "a\n", "é", "🎉", "a" * 101, "2 words", "null"]
SCALARS = [None, True, False, *INTEGERS, *FLOATS, *TEXTS]

anything = st.recursive(
    st.sampled_from(SCALARS),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inside, max_size=3),
    max_leaves=5,
)


@st.composite
def nearly_valid(draw, schema, root):
    """A document that the schema, a part of root, allows; and versions of it, each with one thing changed, or one more.

    What JSON Schema cannot say no document has: a string that is no Unicode, a number that is no float, a key twice.
    """
    versions = [draw(allowed(schema, root, 3))]
    for _ in range(5):
        versions.append(draw(changed(draw(st.sampled_from(versions)))))
    return versions


@st.composite
def allowed(draw, schema, root, depth):
    """What a schema allows, written with the keywords that pydantic and fcframe write schemas with."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if "if" in schema:
        return draw(allowed(schema[draw(st.sampled_from(["then", "else"]))], root, depth))
    if "allOf" in schema:
        return draw(allowed(_branch(draw, schema, root, depth), root, depth - 1))
    if "anyOf" in schema and "type" not in schema:
        return draw(allowed(draw(st.sampled_from(schema["anyOf"])), root, depth))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    return draw(_MAKERS[schema["type"]](schema, root, depth))


def _branch(draw, schema, root, depth):
    """A component; where it is deep enough, one that need not hold others of its kind."""
    branches = [option["then"] for option in schema["allOf"]]
    kind = branches[0]["$ref"].partition(".")[0]
    if depth <= 0:
        branches = [branch for branch in branches if not _needs(root, branch, kind)]
    return draw(st.sampled_from(branches))


def _needs(root, branch, kind):
    found = root["$defs"][branch["$ref"].removeprefix("#/$defs/")]
    return any(f"'{kind}'" in str(found["properties"][name]) for name in found["required"])


@st.composite
def _object(draw, schema, root, depth):
    fields, required = schema.get("properties", {}), schema.get("required", [])
    names = [name for name in fields if name in required or draw(st.integers(0, 2)) == 0]
    found = {name: draw(allowed(fields[name], root, depth)) for name in names}
    for name in draw(st.sampled_from(schema.get("anyOf", [{}]))).get("required", []):  # fields that must not be null
        found[name] = draw(allowed(fields[name]["anyOf"][0], root, depth))
    if isinstance(schema.get("additionalProperties"), dict):
        for name in draw(
            st.lists(st.sampled_from(["0", "7"] if "propertyNames" in schema else ["a", "b"]), unique=True)
        ):
            found[name] = draw(allowed(schema["additionalProperties"], root, depth))
    return found


@st.composite
def _array(draw, schema, root, depth):
    if "prefixItems" in schema:
        return [draw(allowed(item, root, depth)) for item in schema["prefixItems"]]
    least = schema.get("minItems", 0)
    count = draw(st.integers(least, min(least + 2, schema.get("maxItems", least + 2))))
    found = [draw(allowed(schema["items"], root, depth)) for _ in range(count)]
    return [item for at, item in enumerate(found) if not schema.get("uniqueItems") or item not in found[:at]]


def _integer(schema, root, depth):
    return st.sampled_from([number for number in INTEGERS + _bounds(schema, 1) if _within(schema, number)])


def _number(schema, root, depth):
    numbers = INTEGERS + FLOATS + _bounds(schema, 1e-9)
    return st.sampled_from([number for number in numbers if _within(schema, number)])


def _bounds(schema, step):
    limits = [schema[key] for key in schema if key.endswith(("inimum", "aximum"))]
    return [limit + change for limit in limits for change in (-step, 0, step)]


def _within(schema, number):
    return (
        schema.get("minimum", number) <= number <= schema.get("maximum", number)
        and schema.get("exclusiveMinimum", number - 1) < number
        and (number < schema.get("exclusiveMaximum", float("inf")))
    )


def _string(schema, root, depth):
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].removesuffix("$") + r"\Z", fullmatch=False).filter(
            lambda text: schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", 10**9)
        )
    return st.sampled_from([text for text in TEXTS if len(text) >= schema.get("minLength", 0)])


_MAKERS = {
    "object": _object,
    "array": _array,
    "integer": _integer,
    "number": _number,
    "string": _string,
    "boolean": lambda schema, root, depth: st.booleans(),
    "null": lambda schema, root, depth: st.none(),
}


@st.composite
def changed(draw, document):
    """The document with one thing changed: something taken out, put in, renamed, or replaced."""
    document = copy.deepcopy(document)
    places = list(_places(document))
    if not places:
        return draw(st.dictionaries(st.sampled_from(KEYS), anything, max_size=2))
    inside, key = draw(st.sampled_from(places))
    changes = [_replace, _replace, _replace_by_a_neighbour, _delete, _insert, _wrap]
    changes += [_repeat] * 4 if isinstance(inside, list) else [_rename]
    changes += [_shift] * len(changes) * isinstance(inside[key], (bool, int, float))
    change = draw(st.sampled_from(changes))
    change(draw, inside, key, [holder[at] for holder, at in places])
    return document


def _places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _places(item)


def _replace(draw, inside, key, values):
    inside[key] = draw(anything)


def _replace_by_a_neighbour(draw, inside, key, values):
    inside[key] = copy.deepcopy(draw(st.sampled_from(values)))


def _delete(draw, inside, key, values):
    del inside[key]


def _insert(draw, inside, key, values):
    if isinstance(inside, list):
        inside.insert(key, draw(anything))
    else:
        inside[draw(st.sampled_from(KEYS))] = draw(anything)


def _rename(draw, inside, key, values):
    inside[draw(st.sampled_from([f"{key}s", key[:-1], key.upper(), *KEYS]))] = inside.pop(key)


def _repeat(draw, inside, key, values):
    inside.insert(key, copy.deepcopy(inside[key]))


def _wrap(draw, inside, key, values):
    inside[key] = draw(st.sampled_from([[inside[key]], {"type": inside[key]}, [], {}, None]))


def _shift(draw, inside, key, values):
    number = inside[key]
    near = [-number, number - 1, number + 1, min(number, 1e300) * 1.0, bool(number), str(number)]
    inside[key] = draw(st.sampled_from(near))
