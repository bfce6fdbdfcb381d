"""What holds for components of every kind: what is registered is right, and a component is its JSON."""

from typing import Annotated

import pytest
from pydantic import ConfigDict, Field, NonNegativeFloat, field_validator

import fcframe
from fcframe import Regularizer
from tests.verify.checks.judging import assert_right, failed
from tests.verify.checks.test_regularizers import L1, MaxNorm


def registered():
    for found in fcframe.registry():
        if found.kind != "layer":  # those are tested in files of their own
            # its 180 MB are read sixteen times, where they are there
            marks = pytest.mark.slow if found.type == "cifar10" else ()
            yield pytest.param(found, id=f"{found.kind}-{found.type}", marks=marks)


@pytest.mark.parametrize("component", [*registered()])
def test_what_is_registered_is_right(component):
    assert_right(component)


class Loose(Regularizer):
    """It takes any field, whatever it is called."""

    type = "loose"
    model_config = ConfigDict(extra="ignore")

    value_and_grad = MaxNorm.value_and_grad


class Lenient(Regularizer):
    """Its schema promises what it does not hold."""

    type = "lenient"

    strength: Annotated[float, Field(ge=0, json_schema_extra={"maximum": 1})] = 0.5

    value_and_grad = L1.value_and_grad


class Narrower(Regularizer):
    """A validator of its own may refuse what no schema can express."""

    type = "narrower"

    strength: NonNegativeFloat = 0.5

    value_and_grad = L1.value_and_grad

    @field_validator("strength")
    @classmethod
    def _refuse(cls, value):
        if value == 7:
            raise ValueError("7 is bad luck")
        return value


class BadExample(Regularizer):
    type = "bad_example"
    examples = (fcframe.Example(strength=-1.0),)

    strength: NonNegativeFloat = 0.5

    value_and_grad = L1.value_and_grad


class Rounding(Regularizer):
    """What is read is not what was written."""

    type = "rounding"

    strength: NonNegativeFloat = 0.5

    value_and_grad = L1.value_and_grad

    @field_validator("strength")
    @classmethod
    def _halve(cls, value):
        return value / 2


@pytest.mark.parametrize(
    ("component", "checks"),
    [
        (Loose, {"an_unknown_field_is_refused"}),
        (Lenient, {"its_json_schema_agrees_with_what_it_accepts"}),
        (Narrower, set()),
        (BadExample, {"its_examples_are_accepted"}),
        (Rounding, {"it_reads_back_what_it_writes"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_component_is_its_json(component, checks):
    pytest.importorskip("jsonschema")
    assert failed(component) == checks


def test_what_cannot_be_configured_fails():
    class Secret(Regularizer):
        type = "secret"
        word: Annotated[str, Field(pattern="^[0-9]{7}$")]
        value_and_grad = MaxNorm.value_and_grad

    assert failed(Secret) == {"a_configuration_can_be_made", "every_check_ran"}


def test_an_instance_is_checked_in_its_configuration_alone():
    report = fcframe.gradcheck(L1(strength=0.7))
    assert report.passed
    cases = {found.case for found in report} - {"class", ""}
    assert all(case.startswith("strength=0.7,") for case in cases)
    assert len(cases) == 3


def test_what_is_declared_rejected_must_be_refused_in_those_words():
    class Strict(L1):
        type = "strict"
        rejected = (fcframe.Rejected("greater than or equal to 0", strength=-1.0),)

    class Lenient(L1):
        type = "lenient"
        rejected = (fcframe.Rejected("too large", strength=7.0),)

    class Vague(L1):
        type = "vague"
        rejected = (fcframe.Rejected("no weight grows by itself", strength=-1.0),)

    check = "what_it_declares_rejected_is_refused_with_that_message"
    assert check not in failed(Strict)
    assert failed(Lenient) == failed(Vague) == {check}
