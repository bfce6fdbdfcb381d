"""Checks for observers: they take part in the life cycle of a training, and change only what they may."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from fcframe.events import LIFE_CYCLE
from fcframe.verify.fixtures.observer import ObserverFixture, methods_of, same_memory, snapshot, tell
from fcframe.verify.report import CheckFailure, NotApplicable, look_at

MAY_CHANGE = {"gradients": ("the gradients",), "updates_end": ("the parameters", "the running state")}
"""Method → what it may change in place. The other methods may change nothing."""


def watch_returns_an_object_with_methods(fixture: ObserverFixture) -> None:
    """The object that `watch` returns has at least one method of the life cycle; else it is never called."""
    watcher = fixture.watch(fixture.training())
    if not methods_of(watcher):
        raise CheckFailure(
            f"watch returned a {type(watcher).__name__} without any of the methods {', '.join(LIFE_CYCLE)}",
            f"write at least one of them; {look_at(fixture.observer, 'watch')}",
        )


def each_training_has_an_object_of_its_own(fixture: ObserverFixture) -> None:
    """`watch` returns a new object for each training, because several trainings may run at the same time."""
    training = fixture.training()
    watcher = fixture.watch(training)
    if watcher is fixture.watch(training) and not isinstance(watcher, type):
        raise CheckFailure("watch returns the same object twice", f"make a new one; {_at(fixture)}")


def no_method_raises(fixture: ObserverFixture) -> None:
    """No method raises an exception in a training in float64 or float32; else the observer is switched off."""
    for dtype in (np.float64, np.float32):
        training = fixture.training(dtype)
        watcher = fixture.watch(training)
        for event, arguments in training.events():
            tell(watcher, event, arguments)


def it_changes_only_what_it_may(fixture: ObserverFixture) -> None:
    """Only `gradients` changes the gradients, only `updates_end` the parameters and running state, in place."""
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
    """`gradients` keeps finite gradients finite, also very small, very large and zero ones."""
    training = fixture.training()
    watcher = fixture.watch(training)
    if "gradients" not in methods_of(watcher):
        raise NotApplicable("it has no method `gradients`")
    tell(watcher, "training_start", (training,))
    for scale in (1.0, 0.0, 1e-30, 1e30):
        training.gradients.flat[...] = scale * training.rng.normal(size=training.gradients.flat.shape)
        watcher.gradients(training, training.gradients)
        if not np.all(np.isfinite(training.gradients.flat)):
            raise CheckFailure(f"gradients of about {scale:g} become NaN or infinite", _at(fixture))


def its_memory_is_json_and_arrays(fixture: ObserverFixture) -> None:
    """After every event, `memory` returns a mapping of JSON values and NumPy arrays, as a checkpoint stores it."""
    training = fixture.training()
    watcher = fixture.watch(training)
    if not callable(getattr(watcher, "memory", None)):
        raise NotApplicable("it has no method `memory`")
    if not callable(getattr(watcher, "restore", None)):
        raise CheckFailure("it has a method `memory`, but no method `restore`", _at(fixture))
    for event, arguments in training.events():
        tell(watcher, event, arguments)
        memory = watcher.memory()
        if not isinstance(memory, Mapping):
            raise CheckFailure(f"memory returned a {type(memory).__name__}, expected a mapping", _at(fixture))
        for name, value in memory.items():
            _check_value(fixture, name, value)


def restored_it_continues_as_if_never_interrupted(fixture: ObserverFixture) -> None:
    """An observer restored from its memory gives the same numbers and stops at the same step as without a break."""
    training = fixture.training()
    watcher = fixture.watch(training)
    if not callable(getattr(watcher, "restore", None)):
        _remembers_nothing(fixture)
        return
    twin = fixture.training()
    other = fixture.watch(twin)
    for number, ((event, arguments), (_, same)) in enumerate(zip(training.events(), twin.events(), strict=True)):
        if number % 5 == 4:  # a break: a new object continues with the memory of the old one
            memory = snapshot(other.memory())
            other = fixture.watch(twin)
            other.restore(memory)
        tell(watcher, event, arguments)
        tell(other, event, same)
        if training.numbers() != twin.numbers() or training.stopped != twin.stopped:
            raise CheckFailure(f"restored from its memory, it behaves differently in {event}", _kept(fixture))
        if not same_memory(watcher.memory(), other.memory()):
            raise CheckFailure(f"restored from its memory, it has another memory after {event}", _kept(fixture))


def _remembers_nothing(fixture: ObserverFixture) -> None:
    """Checks an observer without memory: a new object in the middle of a training behaves as the old one."""
    training, twin = fixture.training(), fixture.training()
    watcher, other = fixture.watch(training), fixture.watch(twin)
    for number, ((event, arguments), (_, same)) in enumerate(zip(training.events(), twin.events(), strict=True)):
        if number % 5 == 4:
            other = fixture.watch(twin)
        tell(watcher, event, arguments)
        tell(other, event, same)
        if training.numbers() != twin.numbers() or bool(training.stopped) != bool(twin.stopped):
            raise CheckFailure(
                f"a new object in the middle of a training behaves differently in {event}",
                f"return what it must remember from memory(), and take it back in restore(memory); {_at(fixture)}",
            )


def twice_it_does_the_same(fixture: ObserverFixture) -> None:
    """Two equal trainings give identical numbers."""
    runs = []
    for _ in range(2):
        training = fixture.training()
        watcher = fixture.watch(training)
        numbers = []
        for event, arguments in training.events():
            tell(watcher, event, arguments)
            numbers.append((training.numbers(), training.stopped))
        runs.append(numbers)
    if runs[0] != runs[1]:
        raise CheckFailure("in a second, equal training it behaves differently", _kept(fixture))


def _check_value(fixture: ObserverFixture, name: object, value: Any) -> None:
    if not isinstance(name, str):
        raise CheckFailure(f"memory has the name {name!r}, expected a string", _at(fixture))
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "O":
            raise CheckFailure(f"memory has an array of objects under {name!r}", _at(fixture))
        return
    if isinstance(value, Mapping):
        for inner, item in value.items():
            _check_value(fixture, inner, item)
        return
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        what = f"memory has a {type(value).__name__} under {name!r}, which is neither JSON nor an array"
        raise CheckFailure(what, _at(fixture)) from None


def _kept(fixture: ObserverFixture) -> str:
    return f"it stores something outside its memory, or draws random numbers; {_at(fixture)}"


def _at(fixture: ObserverFixture) -> str:
    return (
        f"look at the object that {type(fixture.observer).__name__}.watch returns; {look_at(fixture.observer, 'watch')}"
    )


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
