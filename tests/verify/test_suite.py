"""The ledger holds every check, and what did not run is not green."""

import json
import time

import pytest

import fcframe
from fcframe import Layer
from fcframe.verify import ledger
from fcframe.verify.report import CheckFailure, Inconclusive, NotApplicable, Report, Result, Status, distinct
from fcframe.verify.running import sandbox
from fcframe.verify.running.check import run_check
from fcframe.verify.running.completeness import completeness
from fcframe.verify.suite import required_checks
from fcframe.verify.suite_run import SuiteRun, suite_run


def line(check="one", case="x=3x5", status=Status.PASSED, message="", diagnosis="", component="layer a"):
    return Result(component, check, case, status, message, diagnosis)


class Stubborn(Layer):
    """Never comes back, and catches whatever should make it."""

    type = "stubborn"

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        while True:
            try:
                while True:
                    pass
            except BaseException:
                continue

    def backward(self, dout, cache, ctx):
        return dout, {}


class Choosy(Layer):
    """Takes no shape at all."""

    type = "choosy"

    def output_shape(self, input_shape):
        raise ValueError("no shape pleases me")

    def forward(self, x, params, ctx):
        return x, ()

    def backward(self, dout, cache, ctx):
        return dout, {}


class Rude(Layer):
    """Its shapes leave the process."""

    type = "rude"

    def output_shape(self, input_shape):
        raise SystemExit(3)

    def forward(self, x, params, ctx):
        return x, ()

    def backward(self, dout, cache, ctx):
        return dout, {}


def checked(component):
    return Report(list(suite_run(component, fcframe.registry())))


def test_an_endless_layer_costs_one_time_limit_and_the_rest_is_left_out(monkeypatch):
    monkeypatch.setattr(sandbox, "CPU_SECONDS", 0.2)
    report = checked(Stubborn)
    late = [result for result in report.failures if result.exhausted]
    assert len(late) == 1
    assert late[0].message == "took longer than 0.2 s"
    skipped = [result for result in report if result.status is Status.SKIPPED]
    assert len(skipped) > 100
    assert {result.message for result in skipped} == {
        f"skipped, because {late[0].check.replace('_', ' ')} took longer than 0.2 s"
    }
    assert report.results[-1].check == "every_check_ran"
    assert report.results[-1].status is Status.SKIPPED
    assert not report.passed
    assert sum(result.seconds for result in report) < 5


def test_a_component_of_which_no_case_can_be_made_fails_with_the_reason():
    report = checked(Choosy)
    assert not report.passed
    assert "no case could be made for it" in report.failures[-1].message
    assert report.failures[-1].check == "every_check_ran"


def test_a_component_that_cannot_even_be_set_up_is_a_failure_of_its_own():
    report = checked(Rude)
    assert "left by sys.exit(3)" in {failure.message for failure in report.failures}
    assert checked(fcframe.registry().layers["relu"]).passed


def test_ctrl_c_passes_through_a_battery():
    def make():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SuiteRun("layer a", make, ())


STATUSES = {
    (Status.PASSED,): True,
    (Status.FAILED,): True,
    (Status.SKIPPED, Status.PASSED): True,
    (Status.NOT_APPLICABLE, Status.NOT_APPLICABLE): True,
    (Status.SKIPPED, Status.NOT_APPLICABLE): False,
    (Status.SKIPPED,): False,
    (Status.INCONCLUSIVE,): False,
    (): False,
}


@pytest.mark.parametrize("statuses", STATUSES, ids=lambda found: "+".join(one.value for one in found) or "never")
def test_a_check_has_run_if_it_passed_or_failed_once_or_never_applies(statuses):
    report = Report([line(status=status, message="a reason") for status in statuses])
    assert (completeness("layer a", report, ["one"]).status is Status.PASSED) == STATUSES[statuses]


def test_what_does_not_apply_without_a_reason_has_not_run():
    assert completeness("layer a", Report([line(status=Status.NOT_APPLICABLE)]), ["one"]).status is Status.FAILED


@pytest.mark.parametrize("component", list(fcframe.registry()), ids=lambda found: f"{found.kind}-{found.type}")
def test_every_check_of_the_contract_is_among_the_items_of_a_component(component):
    made = suite_run(component, fcframe.registry())
    assert {check.__name__ for check in required_checks(component)} == {item.check.__name__ for item in made.check_runs}


def test_one_cause_over_many_cases_is_told_once():
    lines = [
        line(case=f"x={n}x5", status=Status.FAILED, message=f"dx is {n} off", diagnosis=f"factor {n}") for n in range(8)
    ]
    lines += [line(check="two", status=Status.FAILED, message="printed 'hello'")]
    lines += [line(check="three", status=Status.FAILED, message="printed 'hello'")]
    told = [str(finding) for finding in distinct(lines)]
    assert len(told) == 2
    assert told[0].endswith("and in 7 more cases")
    assert told[1].endswith("and in 1 more check")


def test_the_json_ledger_has_each_check_once_with_counts_reasons_and_failures():
    report = Report(
        [line(), line(case="x=1x5", status=Status.NOT_APPLICABLE, message="too few"),
         line("two", status=Status.FAILED, message="is wrong", diagnosis="look there")]
    )  # fmt: skip
    facts = json.loads(json.dumps(ledger.facts(report, seed=3)))
    assert (facts["seed"], facts["verdict"]) == (3, "failed")
    (component,) = facts["components"]
    assert (component["component"], component["verdict"], component["cases"]) == ("layer a", "failed", 2)
    assert component["checks"] == [
        {"check": "one", "status": "passed", "cases": {"passed": 1, "not applicable": 1}, "seconds": 0.0,
         "reasons": ["too few"]},
        {"check": "two", "status": "failed", "cases": {"failed": 1}, "seconds": 0.0,
         "failures": [{"case": "x=3x5", "message": "is wrong", "diagnosis": "look there"}]},
    ]  # fmt: skip


def test_an_exception_whose_text_raises_is_the_components_failure_too():
    class Nasty(Exception):
        def __str__(self):
            raise ValueError("no text for you")

    def a_check(subject):
        raise Nasty

    result = run_check("layer a", a_check, "", [lambda: None])
    assert (result.status, result.message) == (Status.FAILED, "raised Nasty")


def test_redraws_end_with_the_first_that_decides():
    drawn = []

    def a_check(subject):
        drawn.append(subject)
        if subject == 1:
            raise CheckFailure("wrong")
        raise Inconclusive("cannot say")

    result = run_check("layer a", a_check, "", [lambda number=number: number for number in range(3)])
    assert (result.status, drawn) == (Status.FAILED, [0, 1])


def test_a_check_that_took_too_long_is_run_once(monkeypatch):
    monkeypatch.setattr(sandbox, "CPU_SECONDS", 0.2)
    start = time.process_time()
    report = fcframe.gradcheck(Stubborn)
    assert [result.message for result in report.failures] == ["took longer than 0.2 s"]
    assert time.process_time() - start < 2


@pytest.mark.parametrize("raised", [NotApplicable, Inconclusive, CheckFailure], ids=lambda found: found.__name__)
def test_the_harness_s_own_exceptions_decide_nothing_where_a_component_raises_them(raised):
    class Cunning(Layer):
        type = "cunning"

        def output_shape(self, input_shape):
            return input_shape

        def forward(self, x, params, ctx):
            return 2 * x, None

        def backward(self, dout, cache, ctx):
            raise cunning()

    # Compiled as in a file of the component's own: a check may raise them in the file that it stands in.
    names = {"raised": raised}
    exec(compile("def cunning():\n    raise raised('nothing to see here')", "cunning.py", "exec"), names)
    cunning = names["cunning"]
    report = fcframe.gradcheck(Cunning)
    assert not report.passed
    assert {f"raised {raised.__name__}: nothing to see here"} == {result.message for result in report.failures}
