"""Right schedules pass, and broken ones fail exactly the checks that are meant to find them."""

from typing import Annotated

import pytest
from pydantic import Field

from fcframe import Schedule
from tests.verify.checks.judging import assert_right, failed


class Restarts(Schedule):
    type = "restarts"

    length: Annotated[int, Field(ge=1)] = 3

    def factor(self, progress, memory):
        return 1 / (1 + progress.epoch % self.length)


class Best(Schedule):
    type = "best"

    def start(self):
        return {"best": 1e308}

    def factor(self, progress, memory):
        return 1.0 if memory["best"] > 1 else 0.1

    def observe(self, memory, results):
        return {"best": min(memory["best"], results["val_loss"])}


@pytest.mark.parametrize("schedule", [Restarts, Best], ids=lambda found: found.type)
def test_a_right_schedule_passes(schedule):
    assert_right(schedule)


class BelowZero(Schedule):
    type = "below_zero"

    def factor(self, progress, memory):
        return 1 - 1.1 * progress.step / progress.steps


class StartsInfinite(Schedule):
    type = "starts_infinite"

    def start(self):
        return {"best": float("inf")}

    def factor(self, progress, memory):
        return 1.0

    def observe(self, memory, results):
        return {"best": min(memory["best"], results["val_loss"])}


class ChangesMemory(Schedule):
    type = "changes_memory"

    def start(self):
        return {"seen": 0.0}

    def factor(self, progress, memory):
        return 1 / (1 + memory["seen"])

    def observe(self, memory, results):
        memory["seen"] += 1
        return dict(memory)


class CountsCalls(Schedule):
    type = "counts_calls"

    def start(self):
        return {"calls": 0.0}

    def factor(self, progress, memory):
        memory["calls"] += 1
        return 0.5 ** memory["calls"]


class CountsOutside(Schedule):
    type = "counts_outside"

    def factor(self, progress, memory):
        CountsOutside.calls = getattr(CountsOutside, "calls", 0) + 1
        return 1 / CountsOutside.calls


@pytest.mark.parametrize(
    ("schedule", "checks"),
    [
        (BelowZero, {"every_factor_is_a_finite_number_of_at_least_0"}),
        (StartsInfinite, {"its_memory_is_json"}),
        (ChangesMemory, {"observe_leaves_its_arguments_unchanged"}),
        (CountsCalls, {"the_factor_leaves_the_memory_unchanged"}),
        (
            CountsOutside,
            {"the_factor_depends_on_step_and_memory_alone", "a_restored_memory_continues_as_the_saved_one"},
        ),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_schedule_fails_what_finds_it(schedule, checks):
    assert failed(schedule) == checks
