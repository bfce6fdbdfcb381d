"""JSON text → spec: from wherever it comes, with every problem found before anything is built."""

import copy
import json
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given

import fcframe
from fcframe.spec import ExperimentSpec, NetworkSpec, load_spec
from fcframe.spec.schema import json_schema
from tests.spec.components import Label, Odd, Order, Point, Side, Window, registry_with
from tests.spec.documents import allowed
from tests.spec.test_schema import FILES, SCHEMA, thorough

KEYS_OF_A_NETWORK = "Known keys: $schema, dtype, format, input, layers, loss, regularizer"


def network(**fields):
    return {"input": [4], "layers": [{"type": "affine", "units": 3}], "loss": {"type": "softmax"}} | fields


def experiment(**fields):
    training = {"optimizer": {"type": "sgd"}, "epochs": 1}
    return {"network": network(), "data": {"type": "digits"}, "training": training} | fields


def problems(source, **options):
    """The lines of the refusal."""
    with pytest.raises(fcframe.SpecError) as caught:
        load_spec(source, **options)
    assert caught.value.problems == tuple(str(caught.value).split("\n"))
    return list(caught.value.problems)


@pytest.fixture
def quick():
    """The test takes next to no time: seconds are for a machine that does something else beside it."""
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < 10


# Where a spec comes from


@pytest.mark.parametrize("form", ["a path", "the path's text", "JSON text", "text with space before it", "a dict"])
def test_a_spec_is_read_from_a_path_a_text_or_a_dict(form, tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(network()), encoding="utf-8")
    sources = {
        "a path": path,
        "the path's text": str(path),
        "JSON text": json.dumps(network()),
        "text with space before it": f"\n\t {json.dumps(network())} \n",
        "a dict": network(),
    }
    spec = load_spec(sources[form])
    assert isinstance(spec, NetworkSpec)
    assert spec.input == (4,)
    assert spec.layers[0].units == 3


@pytest.mark.parametrize("key", ["network", "data", "training"])
def test_any_of_three_keys_makes_an_experiment_of_a_document(key):
    assert problems({key: {}})[0].startswith("spec: network")
    assert isinstance(load_spec(experiment()), ExperimentSpec)


def test_the_source_is_left_as_it_was():
    document = network(layers=[{"type": "affine", "units": 3, "initializer": {"type": "he"}}])
    before = copy.deepcopy(document)
    load_spec(document, overrides=["layers[0].units=5"])
    assert document == before


def test_a_byte_order_mark_is_no_character_of_the_text(tmp_path):
    path = tmp_path / "net.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(network()).encode())
    assert load_spec(path) == load_spec(network())
    assert load_spec(path.read_text(encoding="utf-8")) == load_spec(network())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty, expected a JSON object"),
        (b" \n\n", "the file is empty, expected a JSON object"),
        (b"\xef\xbb\xbf", "the file is empty, expected a JSON object"),
        (b"\xff\xfe{\x00}\x00", "not text in UTF-8 (byte 0); a spec is JSON text"),
        (b'{"name": "\xe9"}', "not text in UTF-8 (byte 10); a spec is JSON text"),
        (b"[1, 2]", "expected a JSON object at the top, got [1, 2]"),
        (b"null", "expected a JSON object at the top, got null"),
    ],
)
def test_a_file_that_holds_no_json_object_is_refused(content, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.json").write_bytes(content)
    assert problems("net.json") == [f"net.json: {message}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"input": [4]', "1:14: the JSON text ends too early: Expecting ',' delimiter"),
        ('{\n  "input": [4],\n  "layers": [\n', "4:1: the JSON text ends too early: Expecting value"),
        ('{"input": [4] "layers": []}', "1:15: not JSON: Expecting ',' delimiter"),
        ("hello", "1:1: not JSON: Expecting value"),
        ("{'input': [4]}", "1:2: not JSON: Expecting property name enclosed in double quotes"),
        ('{"input": [4]}\n{"input": [4]}', "2:1: not JSON: Extra data"),
        ('{"name": "a\tb"}', "1:12: not JSON: Invalid control character here"),
        ('{"name": "a', "1:10: the JSON text ends too early: Unterminated string starting here"),
    ],
)
def test_text_that_is_no_json_is_refused_with_line_and_column(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.json").write_text(text, encoding="utf-8")
    assert problems(Path("net.json")) == [f"net.json:{message}"]


def test_what_cannot_be_read_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    assert problems("missing.json") == ["missing.json: there is no such file"]
    assert problems("folder") == ["folder: this is a folder, expected a JSON file"]
    assert problems("file/net.json") == ["file/net.json: cannot be read: Not a directory"]
    assert problems("n\0t") == ['"n\\u0000t": cannot be read: embedded null byte']
    (line,) = problems("x" * 5000)
    assert line.startswith('"xxx')
    assert line.endswith("(5002 characters): cannot be read: File name too long")


@pytest.mark.parametrize("source", [None, 5, 1.5, True, b"{}", [], [{}], {1}, range(3)], ids=repr)
def test_what_is_no_path_no_text_and_no_dict_is_refused(source):
    (line,) = problems(source)
    assert line.startswith("spec: expected a path, JSON text or a dict, got ")


@pytest.mark.parametrize("overrides", ["training.epochs=5", [5], [None, b"a=1"]], ids=repr)
def test_overrides_that_are_no_list_of_texts_are_refused(overrides):
    assert all("expected" in line for line in problems(experiment(), overrides=overrides))


# What no document may have


def test_repeated_keys_are_refused_wherever_they_are_and_all_at_once():
    text = """{"input": [4], "input": [5], "loss": {"type": "mse", "type": "mse", "type": "mse"},
               "layers": [{"type": "relu"}, {"type": "residual", "layers": [{"units": 1, "units": 2}]}]}"""
    assert problems(text) == [
        "spec: input: this key occurs more than once",
        "spec: loss.type: this key occurs more than once",
        "spec: layers[1].layers[0].units: this key occurs more than once",
    ]


@pytest.mark.parametrize(
    ("literal", "shown"),
    [
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("1e999", "Infinity"),
        ("-1e999", "-Infinity"),
        ("9" * 5000, "an integer of 5,000 digits"),
        (f"-{'9' * 5000}", "an integer of 5,000 digits"),
        ("9" * 310, f"{'9' * 60}… (310 characters)"),
    ],
)
def test_numbers_that_no_float_holds_are_refused(literal, shown):
    text = json.dumps(network(layers=[{"type": "dropout", "rate": "?"}])).replace('"?"', literal)
    assert problems(text) == [f"spec: layers[0].rate: expected a finite number up to 1.8e308, got {shown}"]


def test_numbers_that_no_float_holds_are_refused_in_a_dict_too():
    layers = [{"type": "dropout", "rate": float("nan")}, {"type": "affine", "units": 10**5000}]
    assert problems(network(layers=layers)) == [
        "spec: layers[0].rate: expected a finite number up to 1.8e308, got NaN",
        "spec: layers[1].units: expected a finite number up to 1.8e308, got a value of type int",
    ]


def test_text_that_is_no_unicode_is_refused():
    text = json.dumps(network()).replace('"softmax"', r'"\ud800"').replace('"units"', r'"\udfff"')
    assert problems(text) == [
        'spec: layers[0]: expected text as a key, got "\\udfff"',
        'spec: loss.type: expected text, got "\\ud800", which is not Unicode',
    ]


def test_keys_that_are_no_text_are_refused():
    assert problems({1: 2, "input": [4]}) == ["spec: expected text as a key, got 1"]


def test_a_message_stays_on_its_line_whatever_the_keys_and_values_are():
    found = problems(network(**{"a\nb": 1, "\x1b[31m": 1, "x\u2028y": 1, "k" * 200: 1, "a.b": 1}))
    assert found == [
        f'spec: "a\\nb": unknown key. {KEYS_OF_A_NETWORK}',
        f'spec: "\\u001b[31m": unknown key. {KEYS_OF_A_NETWORK}',
        f'spec: "x\\u2028y": unknown key. {KEYS_OF_A_NETWORK}',
        f'spec: "{"k" * 59}… (202 characters): unknown key. {KEYS_OF_A_NETWORK}',
        f'spec: "a.b": unknown key. {KEYS_OF_A_NETWORK}',
    ]
    assert problems(network(dtype="a\n\u2028b")) == [
        "spec: dtype: expected 'float32' or 'float64', got \"a\\n\\u2028b\""
    ]


@pytest.mark.usefixtures("quick")
def test_ten_megabytes_are_too_much(tmp_path):
    message = "more than 2,000,000 characters; a spec describes data, it does not contain it"
    text = json.dumps({"data": "é" * 5_000_000}, ensure_ascii=False)
    assert problems(text) == [f"spec: {message}"]
    path = tmp_path / "net.json"
    path.write_text(text, encoding="utf-8")
    assert problems(path) == [f"{path}: {message}"]
    path.write_text(text[:3_000_000], encoding="utf-8")
    assert problems(path) == [f"{path}: {message}"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("item", ["1", "[]", '{"type": "relu"}', '"a{}": 1'])
def test_more_than_a_hundred_thousand_values_are_too_many(item):
    count = 51_000 if "type" in item else 101_000
    items = ", ".join(item.replace("{}", str(at)) for at in range(count))
    text = f'{{"layers": {{{items}}}}}' if '"a{}"' in item else f'{{"layers": [{items}]}}'
    assert problems(text) == ["spec: more than 100,000 values; a spec describes data, it does not contain it"]


@pytest.mark.usefixtures("quick")
def test_repeated_keys_are_counted_in_no_time():
    text = ", ".join(f'"a{at}": 1, "a{at}": 1' for at in range(60_000))
    assert problems(f"{{{text}}}")[-1] == "spec: … and 59980 more problems"


DEEP = "spec: brackets nest deeper than 100; put layers side by side rather than inside each other"


@pytest.mark.usefixtures("quick")
def test_ten_thousand_layers_inside_each_other_are_too_deep():
    text = '{"layers": [' * 10_000 + "]}" * 10_000
    assert problems(text) == [DEEP]
    document = {}
    for _ in range(10_000):
        document = {"layers": [document]}
    assert problems(document) == [DEEP]
    assert problems(network(), overrides=[f"input={'[' * 200}{']' * 200}"]) == [DEEP]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("value", ["a dict", "a list", "a list of two"])
def test_a_document_that_holds_itself_is_too_deep_or_too_large(value):
    document = network()
    if value == "a dict":
        document["loss"] = document
    else:
        items = []
        items += [items] * (2 if value == "a list of two" else 1)
        document["layers"] = items
    assert problems(document) == [DEEP]


def test_a_hundred_brackets_are_allowed_and_one_more_is_not():
    def nested(brackets):
        layer = {"type": "relu"}
        for _ in range((brackets - 3) // 2):
            layer = {"type": "sequential", "layers": [layer]}
        return network(layers=[layer])

    assert isinstance(load_spec(nested(99)), NetworkSpec)
    assert isinstance(load_spec(json.dumps(nested(99))), NetworkSpec)
    assert problems(nested(101)) == [DEEP]
    assert problems(json.dumps(nested(101))) == [DEEP]


@pytest.mark.usefixtures("quick")
def test_ten_thousand_layers_in_a_row_are_allowed():
    assert len(load_spec(network(layers=[{"type": "relu"}] * 10_000)).layers) == 10_000
    (line,) = problems(network(layers=[{"type": "relu"}] * 10_001))
    assert line.startswith('spec: layers: expected a list of 10000 or fewer items, got [{"type": "relu"}')


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("units", "needs"), [(10**12, "18.2 TB"), (10**300, "more than 999 PB")])
def test_a_layer_that_needs_too_much_memory_is_refused_before_any_is_taken(units, needs):
    spec = load_spec(network(layers=[{"type": "relu"}, {"type": "affine", "units": units}]))
    tracemalloc.start()
    with pytest.raises(fcframe.SpecError) as caught:
        fcframe.build(spec)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6
    assert str(caught.value) == (
        f"layers[1]: affine needs {needs} of parameters, for an input of shape (4,); "
        "4.0 GB are allowed (FCFRAME_MAX_BYTES)"
    )


def test_layers_that_are_too_large_only_together_are_told_as_a_sum(monkeypatch):
    monkeypatch.setenv("FCFRAME_MAX_BYTES", "100000")
    spec = load_spec(network(input=[100], layers=[{"type": "affine", "units": 100}] * 4))
    with pytest.raises(fcframe.SpecError) as caught:
        fcframe.build(spec)
    assert str(caught.value) == (
        "layers: all layers together need 157.8 kB of parameters and state, the largest (affine1) 39.5 kB; "
        "97.7 kB are allowed (FCFRAME_MAX_BYTES)"
    )


# What a field takes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": 3}, f"unit: unknown key. {KEYS_OF_A_NETWORK}"),
        ({"imput": [4]}, f"imput: unknown key. Did you mean 'input'? {KEYS_OF_A_NETWORK}"),
        ({"input": 4}, "input: expected a list, got 4"),
        ({"input": "4"}, 'input: expected a list, got "4"'),
        ({"input": []}, "input: expected a list of 1 or more items, got []"),
        ({"input": ["4"]}, 'input[0]: expected an integer, got "4"'),
        ({"input": [3.0]}, "input[0]: expected an integer, got 3.0"),
        ({"input": [True]}, "input[0]: expected an integer, got true"),
        ({"input": [None]}, "input[0]: expected an integer, got null"),
        ({"input": [0]}, "input[0]: expected a number greater than 0, got 0"),
        ({"layers": []}, "layers: expected a list of 1 or more items, got []"),
        ({"layers": {}}, "layers: expected a list, got {}"),
        ({"layers": [3]}, 'layers[0]: expected an object like {"type": …} for a layer, got 3'),
        ({"layers": [{}]}, "layers[0].type: required, but missing: it names a layer"),
        ({"layers": [{"type": 3}]}, "layers[0].type: expected the name of a layer, got 3"),
        ({"layers": [{"type": "affine", "units": -3}]}, "layers[0].units: expected a number greater than 0, got -3"),
        ({"layers": [{"type": "affine"}]}, "layers[0].units: required, but missing"),
        ({"layers": [{"type": "dropout", "rate": 1}]}, "layers[0].rate: expected a number less than 1, got 1"),
        ({"layers": [{"type": "dropout", "rate": "0.5"}]}, 'layers[0].rate: expected a number, got "0.5"'),
        (
            {"layers": [{"type": "relu", "name": "a b"}]},
            'layers[0].name: expected a string that matches ^[A-Za-z_][A-Za-z0-9_]*$, got "a b"',
        ),
        (
            {"layers": [{"type": "relu", "name": "a" * 101}]},
            f'layers[0].name: expected a string of 100 or fewer characters, got "{"a" * 59}… (103 characters)',
        ),
        ({"loss": None}, 'loss: expected an object like {"type": …} for a loss, got null'),
        ({"dtype": "float16"}, "dtype: expected 'float32' or 'float64', got \"float16\""),
        ({"format": 0}, "format: expected 2, got 0"),
        ({"format": True}, "format: expected 2, got true"),
        ({"format": 1.0}, "format: expected 2, got 1.0"),
        ({"format": 2.0}, "format: expected 2, got 2.0"),
        ({"format": "2"}, 'format: expected 2, got "2"'),
        ({"$schema": 1}, "$schema: expected a string, got 1"),
        ({"schema_address": "schema.json"}, f"schema_address: unknown key. {KEYS_OF_A_NETWORK}"),
    ],
    ids=str,
)
def test_what_a_field_does_not_take_is_refused_in_a_line(change, message):
    assert problems(network(**change)) == [f"spec: {message}"]


def test_what_a_field_does_not_take_is_refused_inside_a_component_of_a_component():
    initializer = {"type": "he", "gian": 1}
    assert problems(network(layers=[{"type": "affine", "units": 3, "initializer": initializer}])) == [
        "spec: layers[0].initializer.gian: unknown key. Did you mean 'gain'? Known keys: gain"
    ]


def test_a_value_that_is_neither_this_nor_that_is_refused_in_one_line():
    assert problems(experiment(data={"type": "csv", "path": "a.csv", "target": 1.5})) == [
        "spec: data.target: expected a string or an integer, got 1.5"
    ]


def test_an_unknown_type_is_answered_with_the_nearest_and_with_all_that_are_registered():
    layers = ", ".join(fcframe.registry().layers)
    losses = ", ".join(fcframe.registry().losses)
    document = network(layers=[{"type": "relo"}], loss={"type": "transformer"})
    assert problems(document) == [
        f"spec: layers[0].type: no layer called 'relo'. Did you mean 'relu'? Registered: {layers}",
        f"spec: loss.type: no loss called 'transformer'. Registered: {losses}",
    ]


def test_a_component_of_another_kind_is_unknown_where_it_does_not_belong():
    (line,) = problems(network(loss={"type": "relu"}))
    assert line.startswith("spec: loss.type: no loss called 'relu'.")


def test_all_problems_are_reported_at_once_one_line_each():
    document = experiment(
        name="a b",
        network=network(input=[0, "x"], layers=[{"type": "relu"}, {"type": "affine", "units": "5"}], extra=1),
        data={"type": "digits", "seed": -1},
        training={"epochs": 0, "optimizer": {"type": "adam", "learning_rate": -1}, "evaluation": {"every": True}},
    )
    assert problems(document) == [
        'spec: name: expected a string that matches ^[A-Za-z0-9][A-Za-z0-9._-]*$, got "a b"',
        "spec: network.input[0]: expected a number greater than 0, got 0",
        'spec: network.input[1]: expected an integer, got "x"',
        'spec: network.layers[1].units: expected an integer, got "5"',
        f"spec: network.extra: unknown key. {KEYS_OF_A_NETWORK}",
        "spec: data.seed: expected a number greater than or equal to 0, got -1",
        "spec: training.optimizer.learning_rate: expected a number greater than or equal to 0, got -1",
        "spec: training.epochs: expected a number greater than 0, got 0",
        "spec: training.evaluation.every: expected an integer, got true",
    ]


def test_of_many_problems_the_first_twenty_are_shown():
    found = problems(network(layers=[{"type": "affine"}] * 30))
    assert found[19:] == ["spec: layers[19].units: required, but missing", "spec: … and 10 more problems"]


def nested(layer, count, depth):
    """Residuals inside each other, and in each so many layers beside the next one."""
    layers = [layer] * count
    for _ in range(depth - 1):
        layers = [{"type": "residual", "layers": layers}, *[layer] * count]
    return network(layers=layers)


@pytest.mark.parametrize(
    ("document", "count"),
    [
        (nested(1, 900, 48), 43_200),
        (nested({"type": "relo"}, 900, 48), 43_200),
        (nested({"type": "affine", "units": "x"}, 500, 48), 24_000),
        (nested({"type": "relu", "nam": "x"}, 500, 48), 24_000),
        (network(**{f"key{at}": 1 for at in range(90_000)}), 90_000),
        (network(layers=[{"type": "relu"} | {f"key{at}": 1 for at in range(90_000)}]), 90_000),
        (network(layers=[{"type": f"relu{at}"} for at in range(9_000)]), 9_000),
    ],
    ids=["wrong types", "unknown types", "wrong fields", "unknown keys inside", "unknown keys", "of a layer", "names"],
)
def test_many_thousand_problems_cost_little_more_than_twenty(document, count):
    text = json.dumps(document)
    start = time.process_time()
    found = problems(text)
    assert time.process_time() - start < 3  # a second where the machine does nothing else
    assert len(found) == 21
    assert found[-1] == f"spec: … and {count - 20} more problems"


def test_many_thousand_problems_take_little_memory():
    text = json.dumps(network(**{f"key{at}": 1 for at in range(90_000)}))
    tracemalloc.start()
    problems(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150e6


def test_a_later_format_is_refused_and_nothing_else_is_said_of_it():
    message = "format: this version of fcframe reads format 2; format 3 needs a newer one"
    assert problems(network(format=3, layers=3, whatever=4)) == [f"spec: {message}"]
    assert problems(experiment(format=3)) == [f"spec: {message}"]
    assert problems(network(), overrides=["format=3"]) == [f"spec: {message}"]


# From Python and back


def test_a_network_spec_is_built_from_components_in_python():
    registry = fcframe.registry()
    affine, relu, softmax = registry.layers["affine"], registry.layers["relu"], registry.losses["softmax"]
    spec = NetworkSpec(input=(4,), layers=(affine(units=3), relu()), loss=softmax())
    assert spec == load_spec(network(layers=[{"type": "affine", "units": 3}, {"type": "relu"}]))
    assert spec == load_spec(network(layers=[affine(units=3), relu()], loss=softmax()))
    assert list(fcframe.build(spec).params) == ["affine1.W", "affine1.b"]


def test_a_component_that_is_not_registered_serves_in_python():
    layer = Odd(name="mine")
    assert NetworkSpec(input=(4,), layers=(layer,), loss=fcframe.registry().losses["mse"]()).layers == (layer,)
    assert load_spec(network(layers=[layer])).layers == (layer,)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_specs_of_this_repository_come_back_from_json_as_they_were(path):
    spec = load_spec(path)
    assert load_spec(spec.model_dump(mode="json")) == spec
    assert load_spec(spec.model_dump_json()) == spec


@thorough(150)
@given(allowed(SCHEMA, SCHEMA, 3))
def test_any_spec_comes_back_from_json_as_it_was(document):
    registry = registry_with(Odd)
    spec = load_spec(document, registry=registry)
    assert load_spec(json.dumps(spec.model_dump(mode="json")), registry=registry) == spec


# Field types of other people


ODD = {
    "type": "odd",
    "pair": [2, "b"],
    "sizes": [3, 4],
    "side": "right",
    "other_side": "left",
    "order": 2,
    "power": 2,
    "seeds": [1, 2],
    "words": ["x", "y"],
    "window": {"size": 3, "sides": ["left", "right"], "inside": {"size": 1}},
    "windows": [{"size": 4}],
    "point": {"x": 1},
    "held": {"type": "relu"},
    "many": [{"type": "relu"}, {"type": "odd", "order": 2}],
    "named": {"W": {"type": "ones"}},
    "amounts": {"a": 1},
    "count": "many",
    "one_or_more": [{"type": "relu"}],
    "label": {"size": "large"},
    "path": "some/file",
}


def odd(**fields):
    return load_spec(network(layers=[{"type": "odd"} | fields]), registry=registry_with(Odd)).layers[0]


def test_fields_of_many_types_are_read_from_json():
    relu = fcframe.registry().layers["relu"]()
    assert odd(**ODD) == Odd(
        pair=(2, "b"),
        sizes=(3, 4),
        side=Side.RIGHT,
        other_side=Side.LEFT,
        order=Order.SECOND,
        power=2,
        seeds={1, 2},
        words=frozenset({"x", "y"}),
        window=Window(size=3, sides=(Side.LEFT, Side.RIGHT), inside=Window(size=1)),
        windows=[Window(size=4)],
        point=Point(x=1),
        held=relu,
        many=[relu, Odd(order=Order.SECOND)],
        named={"W": fcframe.registry().initializers["ones"]()},
        amounts={"a": 1.0},
        count="many",
        one_or_more=(relu,),
        label=Label(size="large"),
        path=Path("some/file"),
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pair": [1]}, "pair[1]: required, but missing"),
        ({"pair": ["1", "a"]}, 'pair[0]: expected an integer, got "1"'),
        ({"sizes": [1, 2, 3, 4]}, "sizes: expected a list of 3 or fewer items, got [1, 2, 3, 4]"),
        ({"side": "up"}, "side: expected 'left' or 'right', got \"up\""),
        ({"side": "LEFT"}, "side: expected 'left' or 'right', got \"LEFT\""),
        ({"order": 3}, "order: expected 1 or 2, got 3"),
        ({"order": "1"}, 'order: expected 1, got "1"'),
        ({"order": True}, "order: expected 1, got true"),
        ({"order": 1.0}, "order: expected 1, got 1.0"),
        ({"power": True}, "power: expected 1, got true"),
        ({"power": 2.0}, "power: expected 2, got 2.0"),
        ({"seeds": [1, 1]}, "seeds: expected different items, got [1, 1]"),
        ({"seeds": {"1": 1}}, 'seeds: expected a list, got {"1": 1}'),
        ({"words": "ab"}, 'words: expected a list, got "ab"'),
        ({"window": {"size": "4"}}, 'window.size: expected an integer, got "4"'),
        ({"window": {"size": 4, "inside": {"size": 0}}}, "window.inside.size: expected a number greater than 0, got 0"),
        ({"window": []}, "window: expected an object, got []"),
        ({"windows": [{"size": 1}, {}]}, "windows[1].size: required, but missing"),
        ({"point": {"x": 1, "z": 1}}, "point.z: unknown key"),
        ({"point": {"x": 1.0}}, "point.x: expected an integer, got 1.0"),
        ({"held": {"type": "affine"}}, "held.units: required, but missing"),
        ({"many": [{"type": "affine"}]}, "many[0].units: required, but missing"),
        ({"named": {"W": {"type": "he", "gain": 0}}}, "named.W.gain: expected a number greater than 0, got 0"),
        ({"amounts": {"a": "1"}}, 'amounts.a: expected a number, got "1"'),
        ({"count": 1.5}, "count: expected an integer or a string, got 1.5"),
        ({"one_or_more": 3}, 'one_or_more: expected an object like {"type": …} for a layer or a list, got 3'),
        ({"label": {}}, "label.size: required, but missing"),
        ({"label": {"size": None}}, "label.size: expected an integer or a string, got null"),
        ({"path": 3}, "path: "),
    ],
    ids=str,
)
def test_fields_of_many_types_are_strict(fields, message):
    (line,) = problems(network(layers=[{"type": "odd"} | fields]), registry=registry_with(Odd))
    assert line.startswith(f"spec: layers[0].{message}")


def test_the_registry_is_asked_that_one_gives():
    (line,) = problems(network(layers=[ODD]))
    assert line.startswith("spec: layers[0].type: no layer called 'odd'.")
    assert "layer.odd" in json_schema(registry_with(Odd))["$defs"]


# Changes before it is read


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("training.epochs=5", "training.epochs", 5),
        ("training.optimizer.learning_rate=1e-2", "training.optimizer.learning_rate", 0.01),
        ("network.layers[0].units=7", "network.layers.0.units", 7),
        ("network.dtype=float64", "network.dtype", "float64"),
        ("name=b=c", None, None),
        ('training.optimizer={"type": "adam"}', "training.optimizer.type", "adam"),
        ("training.evaluation.train_sample=null", "training.evaluation.train_sample", None),
        ("training.schedule.type=cosine", "training.schedule.type", "cosine"),
        ("network.input=[8, 8]", "network.input", (8, 8)),
    ],
)
def test_an_override_sets_a_field(assignment, path, value):
    if path is None:
        assert problems(experiment(), overrides=[assignment])[0].endswith('got "b=c"')
        return
    found = load_spec(experiment(), overrides=[assignment])
    for step in path.split("."):
        found = found[int(step)] if step.isdigit() else getattr(found, step)
    assert found == value


def test_of_two_overrides_the_later_one_holds():
    spec = load_spec(experiment(), overrides=["training.epochs=5", "training.epochs=6"])
    assert spec.training.epochs == 6


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.epochs", "expected PATH=VALUE, like training.epochs=5"),
        ("=5", "the path is empty; write it like training.epochs=5"),
        ("network.layers[x]=5", "cannot read the path at '[x]'; write it like network.layers[0].units"),
        ("network..dtype=5", "cannot read the path at '..dtype'; write it like network.layers[0].units"),
        ("network.layers[3].units=5", "network.layers has 1 element, so there is no [3]"),
        ("network.layers.units=5", "network.layers is not an object, so it has no 'units'"),
        ("network.dtype.x=5", "network.dtype is not an object, so it has no 'x'"),
        ("network[0]=5", "network is not a list"),
        ("[0]=5", "the top is not a list"),
    ],
)
def test_an_override_that_leads_nowhere_is_refused(assignment, message):
    document = experiment(network=network(dtype="float32"))
    assert problems(document, overrides=[assignment]) == [f"--set {json.dumps(assignment)}: {message}"]


def test_all_overrides_that_lead_nowhere_are_reported_at_once():
    assert len(problems(experiment(), overrides=["a", "training.epochs=1", "network[0]=5", "=\n"])) == 3


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.epochs=many", 'training.epochs: expected an integer, got "many"'),
        ("training.epochs=NaN", "training.epochs: expected a finite number up to 1.8e308, got NaN"),
        ("training.epochs=1e999", "training.epochs: expected a finite number up to 1.8e308, got Infinity"),
        (
            "training.epoch=1",
            "training.epoch: unknown key. Did you mean 'epochs'? "
            "Known keys: batch_size, epochs, evaluation, observers, optimizer, sampling, schedule, seed",
        ),
    ],
)
def test_what_an_override_sets_is_validated_like_the_rest(assignment, message):
    assert problems(experiment(), overrides=[assignment]) == [f"spec: {message}"]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("[-1, 1, 1]", "class_weights[0]: expected a number greater than or equal to 0, got -1"),
        ('{"1": 1, " 1": 3}', 'class_weights: expected different keys ("1" and " 1" are the same key), got '),
        (f"[{'9' * 5000}]", "class_weights[0]: expected a finite number up to 1.8e308, got an integer of 5,000 digits"),
    ],
)
def test_a_wrong_field_of_several_forms_gets_one_true_line(weights, message):
    text = '{"input": [4], "layers": [{"type": "relu"}], "loss": {"type": "softmax", "class_weights": ' + weights + "}}"
    (line,) = problems(text)
    assert line.startswith(f"spec: loss.{message}")
