"""Right observers pass, and broken ones fail exactly the checks that are meant to find them."""

import numpy as np
import pytest

from fcframe import Observer
from tests.verify.checks.judging import assert_right, failed

RESTORED = "restored_it_continues_as_if_never_interrupted"
CHANGES = "it_changes_only_what_it_may"


def observer(name, **methods):
    """An observer whose `watch` returns an object with these methods; `self.seen` counts what it has seen."""

    def __init__(self):
        self.seen = 0

    watcher = type("Watcher", (), {"__init__": __init__, **methods})
    return type(name.title(), (Observer,), {"type": name, "watch": lambda self, training: watcher()})


def count(self, training):
    self.seen += 1
    if self.seen > 7:
        training.stop("enough")


def remembered(self):
    return {"seen": self.seen}


def restored(self, memory):
    self.seen = memory["seen"]


def shrink(self, training, gradients):
    gradients.flat *= 0.5


RIGHT = [
    observer("counting", step_end=count, memory=remembered, restore=restored),
    observer("shrinking", gradients=shrink),
    observer("averaging", updates_end=lambda self, training: training.network.params.flat.__imul__(0.5)),
    observer("reading", evaluation=lambda self, training, evaluation: evaluation.results["val_acc"]),
]


@pytest.mark.parametrize("right", RIGHT, ids=lambda found: found.type)
def test_a_right_observer_passes(right):
    assert_right(right)


def spoil(self, training):
    training.network.params.flat[0] = 0


def normalize(self, training, gradients):
    gradients.flat /= np.linalg.norm(gradients.flat)


def jitter(self, training, gradients):
    gradients.flat += np.random.default_rng().normal(size=gradients.flat.shape)


@pytest.mark.parametrize(
    ("broken", "checks"),
    [
        (observer("empty"), {"watch_returns_an_object_with_methods"}),
        (observer("forgetful", step_end=count), {RESTORED}),
        (observer("half", step_end=count, memory=lambda self: {"seen": 0}, restore=restored), {RESTORED}),
        (observer("opaque", step_end=count, memory=lambda self: {"seen": self.seen, "me": self}, restore=restored),
         {"its_memory_is_json_and_arrays", RESTORED}),
        (observer("spoiling", step_end=spoil), {CHANGES}),
        (observer("raising", epoch_end=lambda self, training: 1 / 0),
         {"no_method_raises", CHANGES, RESTORED, "twice_it_does_the_same"}),
        (observer("dividing", gradients=normalize), {"its_gradients_stay_finite"}),
        (observer("jittering", gradients=jitter), {RESTORED, "twice_it_does_the_same"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)  # fmt: skip
def test_a_broken_observer_fails_what_finds_it(broken, checks):
    assert failed(broken) == checks


def test_an_observer_that_hands_out_one_object_for_all_trainings_fails():
    class Shared(Observer):
        type = "shared"

        def watch(self, training):
            return watcher

    watcher = RIGHT[1]().watch(None)
    assert failed(Shared) == {"each_training_has_an_object_of_its_own"}
