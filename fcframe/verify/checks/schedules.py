"""For every schedule, … : a factor at every step, as a function of the step and of what it remembers."""

import json
import math
from collections.abc import Mapping

from fcframe.components import Progress
from fcframe.verify.fixtures.schedule import ScheduleFixture
from fcframe.verify.report import CheckFailure, look_at, source_location


def every_factor_is_a_finite_number_of_at_least_0(fixture: ScheduleFixture) -> None:
    """The learning rate is multiplied with it in every update, the last one included."""
    for memory in fixture.memories():
        for factor in fixture.factors(memory):
            if not isinstance(factor, (int, float)) or not math.isfinite(factor) or factor < 0:
                raise CheckFailure(f"a factor is {factor!r}, expected a finite number of at least 0", _at(fixture))


def the_factor_depends_on_step_and_memory_alone(fixture: ScheduleFixture) -> None:
    """A training that is taken up again asks for step 1,001 without having asked for the thousand before."""
    for memory in fixture.memories():
        if fixture.factors(memory) != fixture.factors(memory, backwards=True):
            raise CheckFailure("asked in another order it gives other factors", f"it counts its calls; {_at(fixture)}")


def the_factor_leaves_the_memory_unchanged(fixture: ScheduleFixture) -> None:
    """What is remembered changes with an evaluation, not with being asked."""
    for memory in fixture.memories():
        given = dict(memory)
        fixture.schedule.factor(Progress(step=2, steps_per_epoch=4, steps=24), given)
        if given != dict(memory):
            raise CheckFailure("factor changed the memory", _at(fixture))


def observe_leaves_its_arguments_unchanged(fixture: ScheduleFixture) -> None:
    """The memory may be one that a checkpoint still holds."""
    memory = fixture.schedule.start()
    for results in fixture.results():
        before, figures = dict(memory), dict(results)
        again = fixture.schedule.observe(memory, results)
        if dict(memory) != before or results != figures:
            what = "the results" if dict(memory) == before else "the memory it was given"
            raise CheckFailure(f"observe changed {what}", f"{_observe(fixture)}; return a new one, {{**memory, …}}")
        memory = again


def its_memory_is_json(fixture: ScheduleFixture) -> None:
    """A checkpoint holds it as JSON: names and finite numbers."""
    for memory in fixture.memories():
        if not isinstance(memory, Mapping):
            raise CheckFailure(f"what it remembers is a {type(memory).__name__}, expected a mapping", _observe(fixture))
        for name, number in memory.items():
            if not isinstance(name, str) or not isinstance(number, (int, float)) or not math.isfinite(number):
                raise CheckFailure(
                    f"it remembers {name!r}: {number!r}, expected a name and a finite number",
                    f"JSON has no infinity and no NaN: leave the name out instead; {_observe(fixture)}",
                )


def a_restored_memory_continues_as_the_saved_one(fixture: ScheduleFixture) -> None:
    """A training taken up again has its memory from JSON, and a schedule made anew from its spec."""
    again = type(fixture.schedule).model_validate(fixture.schedule.model_dump(mode="json"))
    memories = fixture.memories()
    for index, results in enumerate(fixture.results()):
        restored = json.loads(json.dumps(dict(memories[index])))
        if dict(again.observe(dict(restored), results)) != dict(memories[index + 1]):
            raise CheckFailure("from a restored memory it remembers otherwise", f"it keeps more; {_observe(fixture)}")
        if ScheduleFixture(again).factors(restored) != fixture.factors(memories[index]):
            raise CheckFailure("with a restored memory it gives other factors", f"it keeps more; {_at(fixture)}")


def _at(fixture: ScheduleFixture) -> str:
    return look_at(fixture.schedule, "factor")


def _observe(fixture: ScheduleFixture) -> str:
    return f"look at start and observe in {source_location(type(fixture.schedule).observe)}"


CHECKS = (
    every_factor_is_a_finite_number_of_at_least_0,
    the_factor_depends_on_step_and_memory_alone,
    the_factor_leaves_the_memory_unchanged,
    observe_leaves_its_arguments_unchanged,
    its_memory_is_json,
    a_restored_memory_continues_as_the_saved_one,
)
