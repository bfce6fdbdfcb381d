"""Specs of an earlier format."""

import copy

import pytest

import fcframe
from fcframe.spec import load_spec, loading
from fcframe.spec.migrate import MigrationError, migrate
from fcframe.spec.models import FORMAT
from tests.spec.test_loading import experiment, network, problems


@pytest.mark.parametrize("document", [network(), experiment()], ids=["network", "experiment"])
def test_a_spec_of_format_1_or_without_a_number_is_read_as_one_of_the_newest_format(document):
    newest = load_spec(document | {"format": FORMAT})
    assert load_spec(document | {"format": 1}) == newest
    assert load_spec(document) == newest
    assert load_spec(document, overrides=["format=1"]) == newest
    assert newest.model_dump(mode="json")["format"] == FORMAT == 2


def test_migrations_follow_one_another_and_leave_the_document_as_it_was():
    migrations = {
        1: lambda document: document | {"steps": [*document["steps"], "1 to 2"]},
        2: lambda document: document | {"steps": [*document["steps"], "2 to 3"]},
    }
    document = {"format": 1, "steps": []}
    before = copy.deepcopy(document)
    assert migrate(document, migrations) == {"format": 3, "steps": ["1 to 2", "2 to 3"]}
    assert migrate({"format": 2, "steps": []}, migrations) == {"format": 3, "steps": ["2 to 3"]}
    assert migrate({"format": 3, "steps": []}, migrations) == {"format": 3, "steps": []}
    assert document == before


@pytest.mark.parametrize("number", [0, 4, -1, True, 1.0, "1", None, [1]], ids=repr)
def test_what_is_no_number_of_an_earlier_format_is_left_to_validation(number):
    assert migrate({"format": number}, {1: lambda document: {}}) == {"format": number}


def test_what_cannot_be_migrated_is_refused_with_its_path(monkeypatch):
    def refuse(document):
        raise MigrationError(("network", "layers", 0, "units"), "widths were text then")

    monkeypatch.setattr(loading, "migrate", lambda document: migrate(document, {1: refuse}))
    assert problems(experiment(format=1)) == [
        "spec: network.layers[0].units: cannot be migrated from format 1 to 2: widths were text then"
    ]
    assert isinstance(load_spec(experiment(format=2)), fcframe.ExperimentSpec)
