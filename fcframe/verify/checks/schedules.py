"""For every schedule, … : a factor at every step, as a function of the step and of what it remembers."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fcframe.components import Progress, Schedule
from fcframe.verify.report import CheckFailure, place

LENGTHS = ((4, 24), (1, 5), (50, 50), (1, 1))
"""Updates in an epoch, and in the whole training."""


class Figures(dict[str, float]):
    """An evaluation's results: whatever figure a schedule watches is there."""

    def __missing__(self, name: str) -> float:
        return self["val_loss"]


@dataclass(frozen=True)
class ScheduleTrial:
    """A schedule in a training that gets better, then stands still, then gets worse."""

    schedule: Schedule
    seed: int = 0

    def memories(self) -> list[Mapping[str, float]]:
        """What it remembers at the start and after each of some evaluations."""
        found = [self.schedule.start()]
        for results in self.results():
            found.append(self.schedule.observe(dict(found[-1]), results))
        return found

    def results(self) -> list[Figures]:
        """The evaluations' figures."""
        losses = (2.3, 1.1, 0.7, 0.7, 0.7, 0.7, 0.9, 1.4, 2.9, 2.9, 3.1, 4.0)
        return [Figures(train_loss=loss, val_loss=loss, learning_rate=0.1) for loss in losses]

    def factors(self, memory: Mapping[str, float], backwards: bool = False) -> list[Any]:
        """Its factor at every step, the last one included, of trainings of some lengths."""
        steps = [Progress(step, epoch, all_) for epoch, all_ in LENGTHS for step in range(all_ + 1)]
        found = [self.schedule.factor(step, dict(memory)) for step in (reversed(steps) if backwards else steps)]
        return found[::-1] if backwards else found


def every_factor_is_a_finite_number_of_at_least_0(trial: ScheduleTrial) -> None:
    """The learning rate is multiplied with it in every update, the last one included."""
    for memory in trial.memories():
        for factor in trial.factors(memory):
            if not isinstance(factor, (int, float)) or not math.isfinite(factor) or factor < 0:
                raise CheckFailure(f"a factor is {factor!r}, expected a finite number of at least 0", _at(trial))


def the_factor_depends_on_step_and_memory_alone(trial: ScheduleTrial) -> None:
    """A training that is taken up again asks for step 1,001 without having asked for the thousand before."""
    for memory in trial.memories():
        if trial.factors(memory) != trial.factors(memory, backwards=True):
            raise CheckFailure("asked in another order it gives other factors", f"it counts its calls; {_at(trial)}")


def the_factor_leaves_the_memory_unchanged(trial: ScheduleTrial) -> None:
    """What is remembered changes with an evaluation, not with being asked."""
    for memory in trial.memories():
        given = dict(memory)
        trial.schedule.factor(Progress(step=2, steps_per_epoch=4, steps=24), given)
        if given != dict(memory):
            raise CheckFailure("factor changed the memory", _at(trial))


def observe_leaves_its_arguments_unchanged(trial: ScheduleTrial) -> None:
    """The memory may be one that a checkpoint still holds."""
    memory = trial.schedule.start()
    for results in trial.results():
        before, figures = dict(memory), dict(results)
        again = trial.schedule.observe(memory, results)
        if dict(memory) != before or results != figures:
            what = "the results" if dict(memory) == before else "the memory it was given"
            raise CheckFailure(f"observe changed {what}", f"{_observe(trial)}; return a new one, {{**memory, …}}")
        memory = again


def its_memory_is_json(trial: ScheduleTrial) -> None:
    """A checkpoint holds it as JSON: names and finite numbers."""
    for memory in trial.memories():
        if not isinstance(memory, Mapping):
            raise CheckFailure(f"what it remembers is a {type(memory).__name__}, expected a mapping", _observe(trial))
        for name, number in memory.items():
            if not isinstance(name, str) or not isinstance(number, (int, float)) or not math.isfinite(number):
                raise CheckFailure(
                    f"it remembers {name!r}: {number!r}, expected a name and a finite number",
                    f"JSON has no infinity and no NaN: leave the name out instead; {_observe(trial)}",
                )


def a_restored_memory_goes_on_as_the_one_saved(trial: ScheduleTrial) -> None:
    """A training taken up again has its memory from JSON, and a schedule made anew from its spec."""
    again = type(trial.schedule).model_validate(trial.schedule.model_dump(mode="json"))
    memories = trial.memories()
    for index, results in enumerate(trial.results()):
        restored = json.loads(json.dumps(dict(memories[index])))
        if dict(again.observe(dict(restored), results)) != dict(memories[index + 1]):
            raise CheckFailure("from a restored memory it remembers otherwise", f"it keeps more; {_observe(trial)}")
        if ScheduleTrial(again).factors(restored) != trial.factors(memories[index]):
            raise CheckFailure("with a restored memory it gives other factors", f"it keeps more; {_at(trial)}")


def _at(trial: ScheduleTrial) -> str:
    return f"look at factor in {place(type(trial.schedule).factor)}"


def _observe(trial: ScheduleTrial) -> str:
    return f"look at start and observe in {place(type(trial.schedule).observe)}"


CHECKS = (
    every_factor_is_a_finite_number_of_at_least_0,
    the_factor_depends_on_step_and_memory_alone,
    the_factor_leaves_the_memory_unchanged,
    observe_leaves_its_arguments_unchanged,
    its_memory_is_json,
    a_restored_memory_goes_on_as_the_one_saved,
)
