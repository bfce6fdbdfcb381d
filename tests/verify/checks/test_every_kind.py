"""What holds for components of every kind: what is registered is right, and a component is its JSON."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import AnyUrl, ConfigDict, Field, Json, NonNegativeFloat, PastDate, create_model, field_validator

import fcframe
from fcframe import Regularizer
from fcframe.verify import Status
from fcframe.verify.generate.configurations import configurations
from fcframe.verify.suite import check_runs
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


TYPES = Path, UUID, Decimal, date, datetime, time, timedelta, bytes, IPv4Address, IPv6Network, re.Pattern, complex
READ_FROM_TEXT = {
    **{kind.__name__: kind for kind in TYPES},
    "optional": datetime | None,
    "several": tuple[date, ...],
    "either": date | int,
    "url": AnyUrl,
    "past": PastDate,
    "json": Json,
    "by date": dict[date, int],
    "by number": dict[float, str],
    "by choice": dict[Literal[1, 2], str],
    "unknown format": Annotated[str, Field(json_schema_extra={"format": "colour"})],
}


@pytest.mark.parametrize("read", READ_FROM_TEXT.values(), ids=READ_FROM_TEXT)
def test_a_field_that_is_read_from_a_text_of_a_certain_form_is_right(read):
    pytest.importorskip("jsonschema")
    component = create_model("Since", __base__=MaxNorm, since=(read | None, None))
    component.type = "since"
    checks = [item.run() for item in check_runs(component, fcframe.registry()) if item.case == "class"]
    assert "its_json_schema_agrees_with_what_it_accepts" in {result.check for result in checks}
    assert [str(result) for result in checks if result.status not in (Status.PASSED, Status.NOT_APPLICABLE)] == []


@pytest.mark.parametrize("read", [date, datetime, UUID, time, timedelta, Decimal, AnyUrl, dict[date, int]])
def test_a_required_field_that_is_read_from_a_text_of_a_certain_form_is_configured(read):
    component = create_model("Since", __base__=MaxNorm, since=(read, ...))
    component.type = "since"
    assert len(configurations(component, fcframe.registry())) > 1


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
