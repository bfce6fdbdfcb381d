"""The JSON Schema: complete, fresh, and of one mind with the validator."""

import json
import re
from pathlib import Path
from typing import Annotated

import jsonschema
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from pydantic import Field

import fcframe
from fcframe.docstrings import docstrings
from fcframe.plugins import Registry
from fcframe.spec.schema import fields_schema, json_schema
from tests.spec.components import Odd, fcframe_alone, registry_with
from tests.spec.documents import allowed, nearly_valid

SPECS = Path(__file__).parent.parent.parent / "specs"
FILES = sorted(path for path in SPECS.glob("*.json") if path.name != "schema.json")

REGISTRY = registry_with(Odd)
SCHEMA = json_schema(REGISTRY)


def _is_integer(checker, value):
    return isinstance(value, int) and not isinstance(value, bool)


def _matches(validator, pattern, value, schema):
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


# In two things this validator is not Python's usual one. For JSON Schema 3.0 is an integer, for a spec it is not: that
# is a limit of JSON Schema. And "$" matches before a final newline in Python, which JSON Schema's ECMAScript denies.
Validator = jsonschema.validators.extend(
    Draft202012Validator,
    {"pattern": _matches},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
VALIDATOR = Validator(SCHEMA)

PLACES = {
    "layer": ("network", "layers", 0),
    "loss": ("network", "loss"),
    "initializer": ("network", "layers", 1, "initializer"),
    "regularizer": ("network", "regularizer"),
    "optimizer": ("training", "optimizer"),
    "schedule": ("training", "schedule"),
    "metric": ("training", "evaluation", "metric"),
    "observer": ("training", "observers", 0),
    "dataset": ("data",),
}


def experiment_with(kind, component):
    document = {
        "network": {
            "input": [4],
            "layers": [{"type": "relu"}, {"type": "affine", "units": 3}],
            "loss": {"type": "softmax"},
        },
        "data": {"type": "digits"},
        "training": {"optimizer": {"type": "sgd"}, "epochs": 1, "evaluation": {}, "observers": [None]},
    }
    inside = document
    for step in PLACES[kind][:-1]:
        inside = inside[step]
    inside[PLACES[kind][-1]] = component
    if kind != "observer":
        del document["training"]["observers"]
    return document


def assert_one_verdict(document):
    if document.get("format") == 1 and document["format"] is not True:
        return  # an earlier format, which is migrated before it is validated; the schema describes the newest
    try:
        fcframe.load_spec(json.dumps(document), registry=REGISTRY)
        problems = ""
    except fcframe.SpecError as error:
        problems = str(error)
    assert VALIDATOR.is_valid(document) == (not problems), f"{json.dumps(document)}\n{problems or 'load_spec takes it'}"


def thorough(examples):
    """The same documents each time, each judged in six versions."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )


@thorough(200)
@given(nearly_valid(SCHEMA, SCHEMA))
def test_schema_and_validator_agree_on_whole_documents(versions):
    for document in versions:
        assert_one_verdict(document)


@pytest.mark.parametrize("component", list(REGISTRY), ids=lambda component: f"{component.kind}-{component.type}")
def test_schema_and_validator_agree_on_every_component(component):
    branch = SCHEMA["$defs"][f"{component.kind}.{component.type}"]

    @thorough(150 if component is Odd else 10 + 5 * len(component.model_fields))
    @given(nearly_valid(branch, SCHEMA))
    def agree(versions):
        for version in versions:
            assert_one_verdict(experiment_with(component.kind, version))

    agree()


@pytest.mark.parametrize("component", list(REGISTRY), ids=lambda component: f"{component.kind}-{component.type}")
def test_what_the_schema_allows_of_a_component_is_taken_and_written_back_as_it_was_read(component):
    branch = SCHEMA["$defs"][f"{component.kind}.{component.type}"]

    @thorough(20)
    @given(allowed(branch, SCHEMA, 2))
    def taken(document):
        spec = fcframe.load_spec(experiment_with(component.kind, document), registry=REGISTRY)
        assert fcframe.load_spec(spec.model_dump(mode="json"), registry=REGISTRY) == spec

    taken()


def test_a_deep_document_costs_the_schema_no_more_than_its_length():
    layer = {"type": "relu"}
    for depth in range(40):
        layer = {"type": "residual" if depth % 2 else "sequential", "layers": [layer]}
    assert_one_verdict({"input": [4], "layers": [layer], "loss": {"type": "mse"}})
    layer["layers"][0]["layers"][0]["layer"] = []
    assert_one_verdict({"input": [4], "layers": [layer], "loss": {"type": "mse"}})


def test_the_schema_is_one_of_draft_2020_12():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("component", list(REGISTRY), ids=lambda component: f"{component.kind}-{component.type}")
def test_each_branch_describes_the_component_and_names_the_plugin_that_brings_it(component):
    branch = SCHEMA["$defs"][f"{component.kind}.{component.type}"]
    plugin = REGISTRY.origin(component)
    assert branch["description"].startswith(component.__doc__.partition("\n")[0])
    assert branch["x-fcframe-plugin"] == plugin.name
    assert branch["x-fcframe-distribution"] == f"{plugin.distribution} {plugin.version}"
    assert component.type in _constants(branch["properties"]["type"])
    assert {"then": {"$ref": f"#/$defs/{component.kind}.{component.type}"}}.items() <= _choice(component).items()


def _choice(component):
    choices = SCHEMA["$defs"][component.kind]["allOf"]
    (found,) = [choice for choice in choices if component.type in _constants(choice["if"]["properties"]["type"])]
    return found


def _constants(schema):
    return schema["enum"] if "enum" in schema else [schema["const"]]


def test_a_branch_is_found_by_each_name_under_which_the_registry_finds_the_component():
    class Qualified(Registry):
        def find(self, kind, name):
            return super().find(kind, name.removeprefix("fcframe:"))

    own = fcframe_alone()
    registry = Qualified([(own.origin(component), component) for component in own])
    kind = json_schema(registry)["$defs"]["layer"]
    assert {"affine", "fcframe:affine"} <= set(kind["properties"]["type"]["enum"])
    branches = {tuple(_constants(choice["if"]["properties"]["type"])): choice["then"] for choice in kind["allOf"]}
    assert branches["affine", "fcframe:affine"] == {"$ref": "#/$defs/layer.affine"}


def test_a_component_that_another_one_of_its_type_makes_ambiguous_has_its_qualified_name_alone():
    class Ambiguous(Registry):
        def find(self, kind, name):
            if name == "affine":
                raise LookupError("ambiguous")
            return super().find(kind, name.removeprefix("fcframe:"))

    own = fcframe_alone()
    found = json_schema(Ambiguous([(own.origin(component), component) for component in own]))["$defs"]
    assert "affine" not in found["layer"]["properties"]["type"]["enum"]
    assert found["layer.fcframe:affine"]["properties"]["type"] == {"const": "fcframe:affine"}


class Told(Odd):
    type = "told"

    sizes: tuple[int, ...] = ()
    """Said under
    the field."""
    other: Annotated[int, Field(alias="$other")] = 0
    """Said of a field that JSON calls otherwise."""
    explicit: Annotated[int, Field(description="Said in the field.")] = 0
    """Not this."""
    silent: int = 0

    def a_docstring_is_no_field(self):
        """Not this either."""


class Retold(Told):
    type = "retold"

    sizes: tuple[int, ...] = (1,)
    silent: int = 1
    """Said at last."""


def test_a_field_is_described_by_the_text_under_it_in_the_class_that_declares_it():
    told = fields_schema(Told)["properties"]
    assert told["sizes"]["description"] == "Said under\nthe field."
    assert told["$other"]["description"] == "Said of a field that JSON calls otherwise."
    assert told["explicit"]["description"] == "Said in the field."
    assert told["name"]["description"].startswith("Name of the layer")
    assert "description" not in told["silent"]
    retold = fields_schema(Retold)["properties"]
    assert retold["$other"] == told["$other"]
    assert "description" not in retold["sizes"]
    assert retold["silent"]["description"] == "Said at last."


def test_a_component_whose_source_cannot_be_read_has_fields_without_description():
    names = {"fcframe": fcframe}
    exec('class Typed(fcframe.Metric):\n    type = "typed"\n    count: int = 0\n    """How many."""', names)
    assert fields_schema(names["Typed"])["properties"] == {"count": {"type": "integer", "default": 0}}


@pytest.mark.parametrize("component", list(fcframe_alone()), ids=lambda component: f"{component.kind}-{component.type}")
def test_each_field_of_a_bundled_component_has_its_description_and_its_default(component):
    branch = SCHEMA["$defs"][f"{component.kind}.{component.type}"]
    own = [base for base in reversed(component.__mro__) if base.__module__.startswith("fcframe")]
    texts = {name: text for base in own for name, text in docstrings(base).items()}
    for name, field in component.model_fields.items():
        assert branch["properties"][name]["description"] == texts[name]
        if field.is_required():
            assert name in branch["required"]
        else:
            default = field.default
            as_json = default.model_dump(mode="json") if isinstance(default, fcframe.Initializer) else default
            as_json = list(as_json) if isinstance(as_json, tuple) else as_json
            assert isinstance(default, fcframe.Optimizer) or branch["properties"][name]["default"] == as_json


def test_a_kind_that_no_plugin_provides_is_one_that_no_document_has():
    nothing = json_schema(Registry([]))
    assert not Draft202012Validator(nothing).is_valid(experiment_with("loss", {"type": "softmax"}))


def test_defaults_are_no_schemas_even_if_they_look_like_one():
    class Titled(fcframe.Metric):
        type = "titled"
        title: str = "a title"
        properties: dict[str, str] = Field(default={"title": "kept", "x-fcframe-any": "kept"})

        def value(self, scores, y):
            return 0.0

    branch = json_schema(registry_with(Titled))["$defs"]["metric.titled"]
    assert branch["properties"]["title"] == {"default": "a title", "type": "string"}
    assert branch["properties"]["properties"]["default"] == {"title": "kept", "x-fcframe-any": "kept"}


def test_the_stored_schema_is_that_of_fcframe_alone():
    """`fcframe schema > specs/schema.json` makes it, where no other plugin is installed."""
    stored = json.loads((SPECS / "schema.json").read_text(encoding="utf-8"))
    assert stored == json_schema(fcframe_alone()), "out of date: fcframe schema > specs/schema.json"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_specs_of_this_repository_name_the_schema_and_keep_to_it(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["$schema"] == "schema.json"
    VALIDATOR.validate(document)
