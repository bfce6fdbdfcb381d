"""For every observer, … : it takes part in the life cycle of a training, and changes only what it may."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from fcframe.events import LIFE_CYCLE
from fcframe.verify.fixtures.observer import ObserverFixture, methods_of, same_memory, snapshot, tell
from fcframe.verify.report import CheckFailure, NotApplicable, look_at

MAY_CHANGE = {"gradients": ("the gradients",), "updates_end": ("the parameters", "the running state")}
"""What a method may change in place; the others may change nothing."""


def watch_returns_an_object_with_methods(fixture: ObserverFixture) -> None:
    """Without a method of the life cycle it is never called."""
    watcher = fixture.watch(fixture.training())
    if not methods_of(watcher):
        raise CheckFailure(
            f"watch returned a {type(watcher).__name__} without any of the methods {', '.join(LIFE_CYCLE)}",
            f"write at least one of them; {look_at(fixture.observer, 'watch')}",
        )


def each_training_has_an_object_of_its_own(fixture: ObserverFixture) -> None:
    """Two trainings may go on at once; what one remembers is not the other's."""
    training = fixture.training()
    watcher = fixture.watch(training)
    if watcher is fixture.watch(training) and not isinstance(watcher, type):
        raise CheckFailure("watch returns the same object twice", f"make a new one; {_at(fixture)}")


def no_method_raises(fixture: ObserverFixture) -> None:
    """An observer that raises is switched off for the rest of the training; in float32 as in float64."""
    for dtype in (np.float64, np.float32):
        training = fixture.training(dtype)
        watcher = fixture.watch(training)
        for event, arguments in training.events():
            tell(watcher, event, arguments)


def it_changes_only_what_it_may(fixture: ObserverFixture) -> None:
    """`gradients` may change the gradients in place, `updates_end` the parameters and running state; nothing else."""
    training = fixture.training()
    watcher = fixture.watch(training)
    parts = ("the parameters", "the running state", "the gradients")
    for event, arguments in training.events():
        before = training.numbers(), training.step, training.epoch, len(training.history.evaluations)
        tell(watcher, event, arguments)
        after = training.numbers(), training.step, training.epoch, len(training.history.evaluations)
        for part, was, now in zip(parts, before[0], after[0], strict=True):
            if was != now and part not in MAY_CHANGE.get(event, ()):
                raise CheckFailure(f"{event} changed {part}", f"work on a copy; {_at(fixture)}")
        if before[1:] != after[1:]:
            raise CheckFailure(f"{event} changed the training's step, epoch or history", _at(fixture))


def its_gradients_stay_finite(fixture: ObserverFixture) -> None:
    """Finite gradients in, finite gradients out, also where all are zero."""
    training = fixture.training()
    watcher = fixture.watch(training)
    if "gradients" not in methods_of(watcher):
        raise NotApplicable("it has no method gradients")
    tell(watcher, "training_start", (training,))
    for scale in (1.0, 0.0, 1e-30, 1e30):
        training.gradients.flat[...] = scale * training.rng.normal(size=training.gradients.flat.shape)
        watcher.gradients(training, training.gradients)
        if not np.all(np.isfinite(training.gradients.flat)):
            raise CheckFailure(f"gradients of about {scale:g} become NaN or infinite", _at(fixture))


def its_memory_is_json_and_arrays(fixture: ObserverFixture) -> None:
    """A checkpoint holds it: names with JSON values or NumPy arrays, at any moment."""
    training = fixture.training()
    watcher = fixture.watch(training)
    if not callable(getattr(watcher, "memory", None)):
        raise NotApplicable("it has no method memory, and remembers nothing")
    if not callable(getattr(watcher, "restore", None)):
        raise CheckFailure("it has a method memory and none called restore", _at(fixture))
    for event, arguments in training.events():
        tell(watcher, event, arguments)
        memory = watcher.memory()
        if not isinstance(memory, Mapping):
            raise CheckFailure(f"memory returned a {type(memory).__name__}, expected a mapping", _at(fixture))
        for name, value in memory.items():
            _check_value(fixture, name, value)


def restored_it_continues_as_if_never_interrupted(fixture: ObserverFixture) -> None:
    """A resumed training gives the same numbers, and ends at the same step."""
    training = fixture.training()
    watcher = fixture.watch(training)
    if not callable(getattr(watcher, "restore", None)):
        _remembers_nothing(fixture)
        return
    twin = fixture.training()
    other = fixture.watch(twin)
    for number, ((event, arguments), (_, same)) in enumerate(zip(training.events(), twin.events(), strict=True)):
        if number % 5 == 4:  # interrupted here: a new object takes over with what the old one remembers
            memory = snapshot(other.memory())
            other = fixture.watch(twin)
            other.restore(memory)
        tell(watcher, event, arguments)
        tell(other, event, same)
        if training.numbers() != twin.numbers() or training.stopped != twin.stopped:
            raise CheckFailure(f"restored from its memory, it does something else in {event}", _kept(fixture))
        if not same_memory(watcher.memory(), other.memory()):
            raise CheckFailure(f"restored from its memory, it remembers something else after {event}", _kept(fixture))


def _remembers_nothing(fixture: ObserverFixture) -> None:
    """Without memory, an object made anew in the middle must do as one that was there from the start."""
    training, twin = fixture.training(), fixture.training()
    watcher, other = fixture.watch(training), fixture.watch(twin)
    for number, ((event, arguments), (_, same)) in enumerate(zip(training.events(), twin.events(), strict=True)):
        if number % 5 == 4:
            other = fixture.watch(twin)
        tell(watcher, event, arguments)
        tell(other, event, same)
        if training.numbers() != twin.numbers() or bool(training.stopped) != bool(twin.stopped):
            raise CheckFailure(
                f"made anew in the middle of a training, it does something else in {event}",
                f"what it remembers goes into memory() and back by restore(memory); {_at(fixture)}",
            )


def twice_it_does_the_same(fixture: ObserverFixture) -> None:
    """A run is a function of its spec and seed."""
    found = []
    for _ in range(2):
        training = fixture.training()
        watcher = fixture.watch(training)
        numbers = []
        for event, arguments in training.events():
            tell(watcher, event, arguments)
            numbers.append((training.numbers(), training.stopped))
        found.append(numbers)
    if found[0] != found[1]:
        raise CheckFailure("in the same training it does something else the second time", _kept(fixture))


def _check_value(fixture: ObserverFixture, name: object, value: Any) -> None:
    if not isinstance(name, str):
        raise CheckFailure(f"memory holds the name {name!r}, expected a text", _at(fixture))
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "O":
            raise CheckFailure(f"memory holds an array of objects under {name!r}", _at(fixture))
        return
    if isinstance(value, Mapping):
        for inner, item in value.items():
            _check_value(fixture, inner, item)
        return
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        what = f"memory holds a {type(value).__name__} under {name!r}, which is neither JSON nor an array"
        raise CheckFailure(what, _at(fixture)) from None


def _kept(fixture: ObserverFixture) -> str:
    return f"it keeps something besides its memory, or draws; {_at(fixture)}"


def _at(fixture: ObserverFixture) -> str:
    return f"look at what {type(fixture.observer).__name__}.watch returns; {look_at(fixture.observer, 'watch')}"


CHECKS = (
    watch_returns_an_object_with_methods,
    each_training_has_an_object_of_its_own,
    no_method_raises,
    it_changes_only_what_it_may,
    its_gradients_stay_finite,
    its_memory_is_json_and_arrays,
    restored_it_continues_as_if_never_interrupted,
    twice_it_does_the_same,
)
