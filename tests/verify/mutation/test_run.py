"""Mutation testing, held against layers whose surviving changes are known."""

import json
from pathlib import Path

import numpy as np
import pytest

import fcframe
from fcframe.errors import ContractError
from fcframe.verify.mutation import MutantStatus, mutate
from fcframe.verify.mutation.mutants import changes, own_methods

COMPONENTS = [
    component
    for kind in (fcframe.registry().layers, fcframe.registry().losses, fcframe.registry().regularizers)
    for component in kind.values()
]


class Shifted(fcframe.Layer):
    """A layer with a constant that no derivative shows, a branch that no case reaches, and a helper."""

    type = "shifted"
    examples = (fcframe.Example(input_shape=(3,)),)

    slope: float = 2.5

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        if len(x) > 1000:
            return x - 7, (x,)
        return self.bent(x) + 5, (x,)

    def bent(self, x):
        return np.maximum(self.slope * x, 0.0)

    def backward(self, dout, cache, ctx):
        (x,) = cache
        return self.slope * dout * (x * self.slope > 0), {}


@pytest.fixture(scope="module")
def report():
    return mutate(Shifted)


def test_the_layer_itself_passes(report):
    assert not report.left_out


def fate(report, operator, line_holds):
    (found,) = [each for each in report.mutants if each.operator == operator and line_holds in each.original]
    return found


def test_a_wrong_sign_is_killed_by_the_gradient_check_and_named_with_its_line(report):
    found = fate(report, "sign changed", "return (self.slope * dout")
    lines = Path(__file__).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "return self.slope * dout" in text)
    assert (found.status, found.check) == (MutantStatus.KILLED, "the_gradient_of_x_is_right")
    assert (found.file, found.line, found.method) == ("test_run.py", line, "backward")
    assert found.changed == "return (-(self.slope * dout * (x * self.slope > 0)), {})"


def test_a_constant_in_the_value_survives_because_no_derivative_shows_it(report):
    found = fate(report, "`5` → `6`", "self.bent(x) + 5")
    assert found.status is MutantStatus.SURVIVED
    assert "out differs by 1 " in found.explanation
    assert "only expected values can detect this" in found.explanation


def test_what_no_case_reaches_survives_and_is_not_called_equivalent(report):
    found = fate(report, "`-` → `+`", "return (x - 7")
    assert (found.status, found.explanation) == (MutantStatus.SURVIVED, "no case runs this code")


def test_another_subgradient_at_a_kink_is_equivalent(report):
    found = fate(report, "`>` → `>=`", "return (self.slope * dout")
    assert found.status is MutantStatus.EQUIVALENT
    assert "another valid subgradient at a kink" in found.explanation


def test_a_field_that_is_its_default_is_killed_by_a_case_off_the_default(report):
    for line in ("np.maximum(self.slope", "(x * self.slope > 0)"):
        found = [each for each in report.mutants if "its default" in each.operator and line in each.original]
        assert found
        assert {each.status for each in found} <= {MutantStatus.KILLED, MutantStatus.EQUIVALENT}
        assert MutantStatus.KILLED in {each.status for each in found}


def test_the_helper_that_forward_calls_is_changed_too_and_the_contract_is_not():
    assert list(own_methods(Shifted)) == ["forward", "backward", "bent"]


def test_neither_the_class_nor_its_methods_are_touched(report):
    assert not hasattr(Shifted.forward, "__wrapped__")
    out, _ = Shifted().forward(np.array([[2.0]]), {}, fcframe.Context())
    assert out.tolist() == [[10.0]]


def test_the_score_leaves_equivalent_mutants_out(report):
    counts = report.counts()
    assert counts["equivalent"] > 0
    assert report.score == counts["killed"] / (counts["killed"] + counts["survived"])
    assert len(report.survivors) == counts["survived"]


def test_the_facts_are_json_and_the_text_shows_what_survived(report):
    facts = json.loads(json.dumps(report.facts()))
    assert facts["component"] == "layer shifted"
    assert len(facts["mutants"]) == len(report.mutants)
    assert {mutant["status"] for mutant in facts["mutants"]} == {"killed", "survived", "equivalent"}
    assert str(report).count("survived: test_run.py:") == len(report.survivors)
    assert "killed: " not in str(report)
    assert str(report).splitlines()[-1].startswith("layer shifted: ")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_report(report):
    assert mutate(Shifted).facts() == report.facts()


def test_what_is_not_judged_in_time_says_so():
    report = mutate(Shifted, seconds=0)
    assert report.counts() == {"killed": 0, "survived": 0, "equivalent": 0, "timeout": len(report.mutants)}


def test_a_changed_method_keeps_its_closure():
    factor = 3.0

    class Scaled(fcframe.Layer):
        type = "scaled"
        examples = (fcframe.Example(input_shape=(3,)),)

        def output_shape(self, input_shape):
            return super().output_shape(input_shape) or input_shape

        def forward(self, x, params, ctx):
            assert super().parameters((3,)) == {}
            return factor * x, ()

        def backward(self, dout, cache, ctx):
            return factor * dout, {}

    forward = [change for change in changes(Scaled) if change.operator == "`*` → `/`" and change.method == "forward"]
    out, _ = forward[0].function(Scaled(), np.array([6.0]), {}, fcframe.Context())
    assert out.tolist() == [0.5]
    assert mutate(Scaled).score == 1.0


def test_a_check_that_the_layer_itself_does_not_pass_is_left_out():
    class Off(fcframe.Layer):
        type = "off"
        examples = (fcframe.Example(input_shape=(3,)),)

        def output_shape(self, input_shape):
            return input_shape

        def forward(self, x, params, ctx):
            return 2 * x, ()

        def backward(self, dout, cache, ctx):
            return 3 * dout, {}

    report = mutate(Off)
    assert report.left_out == ["the_gradient_of_x_is_right"]
    assert "does not pass: the_gradient_of_x_is_right" in str(report)


def test_without_a_text_there_is_nothing_to_change():
    names = {"fcframe": fcframe, "__name__": "typed"}
    exec("class Typed(fcframe.Layer):\n type = 'typed'\n def forward(self, x, params, ctx): return x, ()\n", names)
    with pytest.raises(ContractError, match=r"the source of Typed\.forward cannot be read"):
        mutate(names["Typed"])


def test_of_a_right_and_simple_layer_nothing_survives():
    assert mutate(fcframe.registry().layers["relu"]).score == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("component", COMPONENTS, ids=lambda found: f"{found.kind}-{found.type}")
def test_every_survivor_of_the_registered_components_is_explained(component):
    report = mutate(component)
    assert not report.left_out
    assert not report.counts()["timeout"]
    assert report.score >= 0.95, str(report)
    assert all(mutant.explanation for mutant in report.mutants)
