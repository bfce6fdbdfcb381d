"""Checks for schedules: the factor is a function of the step and the memory."""

import json
import math
from collections.abc import Mapping

from fcframe.components import Progress
from fcframe.verify.fixtures.component_class import read_again
from fcframe.verify.fixtures.schedule import ScheduleFixture
from fcframe.verify.report import CheckFailure, look_at, source_location


def every_factor_is_a_finite_number_of_at_least_0(fixture: ScheduleFixture) -> None:
    """The factor of every step, by which the learning rate is multiplied, is a finite number of at least 0."""
    for memory in fixture.memories():
        for factor in fixture.factors(memory):
            if not isinstance(factor, (int, float)) or not math.isfinite(factor) or factor < 0:
                raise CheckFailure(f"a factor is {factor!r}, expected a finite number of at least 0", _at(fixture))


def the_factor_depends_on_step_and_memory_alone(fixture: ScheduleFixture) -> None:
    """Factors do not depend on earlier calls: a resumed training starts in the middle."""
    for memory in fixture.memories():
        if fixture.factors(memory) != fixture.factors(memory, backwards=True):
            raise CheckFailure(
                "the factors differ if the steps come in another order", f"it counts its calls; {_at(fixture)}"
            )


def the_factor_leaves_the_memory_unchanged(fixture: ScheduleFixture) -> None:
    """`factor` does not change the memory; only `observe` may return a new one."""
    for memory in fixture.memories():
        given = dict(memory)
        fixture.schedule.factor(Progress(step=2, steps_per_epoch=4, steps=24), given)
        if given != dict(memory):
            raise CheckFailure("factor changed the memory", _at(fixture))


def observe_leaves_its_arguments_unchanged(fixture: ScheduleFixture) -> None:
    """`observe` changes neither the memory, which a checkpoint may still use, nor the results."""
    memory = fixture.schedule.start()
    for results in fixture.results():
        before, results_before = dict(memory), dict(results)
        again = fixture.schedule.observe(memory, results)
        if dict(memory) != before or results != results_before:
            what = "the results" if dict(memory) == before else "the memory it was given"
            raise CheckFailure(f"observe changed {what}", f"{_observe(fixture)}; return a new one, {{**memory, …}}")
        memory = again


def its_memory_is_json(fixture: ScheduleFixture) -> None:
    """The memory maps names to finite numbers, as checkpoints store it in JSON."""
    for memory in fixture.memories():
        if not isinstance(memory, Mapping):
            raise CheckFailure(f"the memory is a {type(memory).__name__}, expected a mapping", _observe(fixture))
        for name, number in memory.items():
            if not isinstance(name, str) or not isinstance(number, (int, float)) or not math.isfinite(number):
                raise CheckFailure(
                    f"the memory has {name!r}: {number!r}, expected a name and a finite number",
                    f"JSON has no infinity and no NaN: leave the name out; {_observe(fixture)}",
                )


def a_restored_memory_continues_as_the_saved_one(fixture: ScheduleFixture) -> None:
    """A new schedule with the memory read from JSON gives the same memory and factors, as in a resumed training."""
    again = read_again(fixture.schedule)
    memories = fixture.memories()
    for index, results in enumerate(fixture.results()):
        restored = json.loads(json.dumps(dict(memories[index])))
        if dict(again.observe(dict(restored), results)) != dict(memories[index + 1]):
            raise CheckFailure(
                "with a restored memory, observe returns another memory",
                f"it stores something else; {_observe(fixture)}",
            )
        if ScheduleFixture(again).factors(restored) != fixture.factors(memories[index]):
            raise CheckFailure(
                "with a restored memory, it gives other factors", f"it stores something else; {_at(fixture)}"
            )


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
