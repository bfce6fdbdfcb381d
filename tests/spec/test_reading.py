"""Field types of third parties: what JSON has for each, and how it is written again."""

import datetime
import decimal
import enum
import ipaddress
import json
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

import fcframe
from fcframe.spec import load_spec
from fcframe.spec.schema import json_schema
from tests.spec.components import registry_with
from tests.spec.test_loading import network, problems
from tests.spec.test_schema import thorough


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Pair(NamedTuple):
    a: int
    b: float = 0.5


class Metric(fcframe.Metric):
    """A metric to give fields to."""

    type = "typed"

    def value(self, scores, y):
        return 0.0


def with_field(annotation, **default):
    """A metric with one field, `of`."""
    default = default.get("default", ...)
    found = create_model("Typed", __base__=Metric, __module__=__name__, of=(annotation, default))
    found.type = "typed"
    return found


def document(value):
    metric = {"type": "typed", "of": value}
    training = {"optimizer": {"type": "sgd"}, "epochs": 1, "evaluation": {"metric": metric}}
    return {"network": network(), "data": {"type": "digits"}, "training": training}


def read(annotation, value):
    """What a field of this type has after a spec was read, from a dict and from text alike; and its dump."""
    registry = registry_with(with_field(annotation))
    metric = load_spec(document(value), registry=registry).training.evaluation.metric
    from_text = load_spec(json.dumps(document(value)), registry=registry).training.evaluation.metric
    assert from_text == metric
    dump = metric.model_dump(mode="json")
    assert load_spec(document(dump["of"]), registry=registry).training.evaluation.metric == metric
    assert type(metric).model_validate_json(metric.model_dump_json()) == metric
    return metric.of


def refusal(annotation, value):
    (line,) = problems(document(value), registry=registry_with(with_field(annotation)))
    return line.removeprefix("spec: training.evaluation.metric.")


DAY = datetime.date(2021, 5, 6)
TAKEN = [
    (dict[int, float], {"0": 1.0, "-3": 2}, {0: 1.0, -3: 2.0}),
    (dict[Color, int], {"red": 1}, {Color.RED: 1}),
    (dict[datetime.date, int], {"2021-05-06": 1}, {DAY: 1}),
    (dict[int, dict[int, float]], {"0": {"1": 1.0}}, {0: {1: 1.0}}),
    (dict[str, dict[float, int]], {"a": {"0.5": 1}}, {"a": {0.5: 1}}),
    (dict[int, float] | None, {"1": 1.0}, {1: 1.0}),
    (datetime.date, "2021-05-06", DAY),
    (datetime.date | None, None, None),
    (list[datetime.date], ["2021-05-06"], [DAY]),
    (tuple[datetime.date, int], ["2021-05-06", 1], (DAY, 1)),
    (datetime.datetime, "2021-05-06T01:02:03", datetime.datetime(2021, 5, 6, 1, 2, 3)),
    (datetime.time, "01:02:03", datetime.time(1, 2, 3)),
    (datetime.timedelta, "PT90S", datetime.timedelta(seconds=90)),
    (uuid.UUID, "12345678-1234-5678-1234-567812345678", uuid.UUID("12345678-1234-5678-1234-567812345678")),
    (decimal.Decimal, "1.50", decimal.Decimal("1.50")),
    (bytes, "ab", b"ab"),
    (Path, "a/b", Path("a/b")),
    (ipaddress.IPv4Address, "127.0.0.1", ipaddress.IPv4Address("127.0.0.1")),
    (Pair, [1, 2.0], Pair(1, 2.0)),
    (Color, "red", Color.RED),
    (Level, 2, Level.HIGH),
    (Literal[1, "a", None], "a", "a"),
    (set[datetime.date], ["2021-05-06"], {DAY}),
    (frozenset[frozenset[str]], [["a", "b"], ["c"]], frozenset({frozenset("ab"), frozenset("c")})),
    (int | datetime.date, "2021-05-06", DAY),
    (Color | int, 5, 5),
    (Any, {"a": [1, None]}, {"a": [1, None]}),
]


@pytest.mark.parametrize(("annotation", "value", "expected"), TAKEN)
def test_a_field_is_read_from_what_json_has_for_its_type_and_so_is_its_dump(annotation, value, expected):
    assert read(annotation, value) == expected


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (dict[int, float], {"a": 1.0}, 'of.a: expected an integer as a key, got "a"'),
        (dict[int, float], {"0.5": 1.0}, 'of."0.5": expected an integer as a key, got "0.5"'),
        (dict[int, float], {"0": "1"}, 'of.0: expected a number, got "1"'),
        (
            dict[int, float],
            {"0": 1, "00": 2},
            'of: expected different keys ("0" and "00" are the same key), got {"0": 1, "00": 2}',
        ),
        (dict[int, float], [1.0], "of: expected an object, got [1.0]"),
        (datetime.date, 5, 'of: expected a date like "2021-05-06", got 5'),
        (datetime.date, "soon", "of: "),
        (datetime.date, "20", "of: "),
        (datetime.date, True, 'of: expected a date like "2021-05-06", got true'),
        (list[datetime.date], ["2021-05-06", 1], 'of[1]: expected a date like "2021-05-06", got 1'),
        (uuid.UUID, "x", "of: "),
        (ipaddress.IPv4Address, 5, "of: expected a string, got 5"),
        (decimal.Decimal, True, "of: "),
        (set[int], [1, 1], "of: expected different items, got [1, 1]"),
        (dict[str, set[int]], {"a": [1, 1]}, "of.a: expected different items, got [1, 1]"),
        (set[int], [True], "of[0]: expected an integer, got true"),
        (tuple[int, ...], [3.0], "of[0]: expected an integer, got 3.0"),
        (Literal[1, "a"], True, "of: expected 1, got true"),
        (Literal[1, "a"], 1.0, "of: expected 1, got 1.0"),
        (Level, True, "of: expected 1, got true"),
        (list[Level], [1, 1.0], "of[1]: expected 1, got 1.0"),
        (int | datetime.date, 0.5, 'of: expected an integer or a date like "2021-05-06", got 0.5'),
    ],
    ids=str,
)
def test_what_json_has_for_another_type_is_refused(annotation, value, message):
    assert refusal(annotation, value).startswith(message)


@thorough(50)
@given(st.dictionaries(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_any_dict_from_integers_to_numbers_comes_back_from_json(value):
    assert read(dict[int, float], {str(key): item for key, item in value.items()}) == value


@thorough(50)
@given(st.dates() | st.none())
def test_any_date_comes_back_from_json(value):
    assert read(datetime.date | None, value and value.isoformat()) == value


def test_a_python_object_is_taken_as_it_is():
    typed = with_field(dict[int, float])
    assert typed(of={0: 1.0}).of == {0: 1.0}
    assert with_field(datetime.date)(of=DAY).of is DAY
    assert with_field(list[datetime.date])(of=[DAY]).of == [DAY]
    assert with_field(Path)(of=Path("a")).of == Path("a")
    assert with_field(tuple[int, ...])(of=(1, 2)).of == (1, 2)
    assert with_field(tuple[int, ...])(of=[1, 2]).of == (1, 2)
    with pytest.raises(ValidationError, match=r"of\n.*valid date"):
        with_field(datetime.date)(of=5)


SETS = """
import sys
sys.path.insert(0, {root!r})
from tests.spec.test_reading import with_field
words = ["a", "b", "c", "dd", "ee", "10", "9"]
for annotation, value in (
    (frozenset[str], words),
    (set[str], words),
    (dict[str, frozenset[str]], {{"a": words}}),
    (list[frozenset[str]], [words]),
    (frozenset[frozenset[str]], [[word, word + "x"] for word in words]),
    (set[str | int | None], [*words, 3, 20, None]),
):
    print(with_field(annotation)(of=value).model_dump_json())
"""


def test_a_set_is_written_in_the_same_order_whatever_the_hashes_are():
    root = str(Path(__file__).parent.parent.parent)

    def dumps(seed):
        done = subprocess.run(
            [sys.executable, "-c", SETS.format(root=root)],
            env={"PYTHONHASHSEED": str(seed), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    first = dumps(0)
    assert json.loads(first.splitlines()[0])["of"] == ["10", "9", "a", "b", "c", "dd", "ee"]
    assert [dumps(seed) for seed in (1, 2, 3)] == [first] * 3


def test_numbers_of_a_set_are_written_by_size():
    assert with_field(set[int])(of=[10, 9, -1, 100]).model_dump(mode="json")["of"] == [-1, 9, 10, 100]


# Types that pydantic cannot read


class Unknown(Metric):
    """As with a name that is imported under TYPE_CHECKING."""

    type = "unknown"
    fine: int = 0
    table: "list[NoSuchName] | None" = None  # noqa: F821


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        (with_field(np.ndarray), "field 'of': numpy.ndarray cannot be read from JSON"),
        (with_field(list[np.ndarray]), "field 'of': numpy.ndarray cannot be read from JSON"),
        (with_field(dict[tuple[int, int], int]), "field 'of': a key of an object in JSON is a text, not a list"),
        (with_field(dict[frozenset[int], int] | None), "field 'of': a key of an object in JSON is a text, not a list"),
        (with_field(Callable[[int], int]), "field 'of': a function cannot be read from JSON"),
        (with_field(Callable | None, default=None), "field 'of': a function cannot be read from JSON"),
        (Unknown, "field 'table': its type list[NoSuchName] | None is unknown at run time"),
    ],
    ids=str,
)
def test_a_field_of_a_type_that_json_lacks_harms_only_its_own_component(component, reason):
    registry = registry_with(component)
    with pytest.raises(fcframe.SpecError) as caught:
        load_spec(document(1) if component.type == "typed" else _unknown(), registry=registry)
    assert f"metric {component.type!r} of plugin 'strange' of strange-distribution 2.0 is not usable" in str(
        caught.value
    )
    assert f"{component.__qualname__}: {reason}" in str(caught.value)
    assert load_spec(network(), registry=registry)
    schema = json_schema(registry)
    (line,) = schema["x-fcframe-left-out"]
    assert line.startswith(f"metric {component.type!r} of plugin 'strange' of strange-distribution 2.0 is not usable")
    assert reason in line
    assert component.type not in schema["$defs"]["metric"]["properties"]["type"]["enum"]
    assert "metric.accuracy" in schema["$defs"]


def _unknown():
    found = document(1)
    found["training"]["evaluation"]["metric"] = {"type": "unknown"}
    return found


# Unknown keys


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = 0


class Deep(fcframe.Layer):
    type = "deep"

    by_number: dict[int, fcframe.AnyInitializer] = Field(default={})
    rows: list[list[fcframe.AnyLayer]] = Field(default=[])
    choice: fcframe.AnyLayer | Inner | None = None
    window: Inner | None = None

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return x, ()

    def backward(self, dout, cache, ctx):
        return dout, {}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"window": {"sise": 1}}, "window.sise: unknown key. Did you mean 'size'? Known keys: size"),
        ({"by_number": {"1": {"type": "he", "gian": 1}}}, "by_number.1.gian: unknown key. Did you mean 'gain'?"),
        ({"rows": [[], [{"type": "dropout", "rat": 1}]]}, "rows[1][0].rat: unknown key. Did you mean 'rate'?"),
        ({"choice": {"type": "affine", "units": 1, "unit": 1}}, "choice.unit: unknown key. Did you mean 'units'?"),
        ({"rows": [[{"type": "deep", "window": {"a": 1}}]]}, "rows[0][0].window.a: unknown key. Known keys: size"),
    ],
    ids=str,
)
def test_an_unknown_key_at_any_depth_is_answered_with_the_known_ones(fields, message):
    found = problems(network(layers=[{"type": "deep"} | fields]), registry=registry_with(Deep))
    assert any(line.startswith(f"spec: layers[0].{message}") for line in found)
