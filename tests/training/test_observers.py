"""Observers: when they are called, what they may do, and that none of them can harm a training."""

import logging
import re

import numpy as np
import pytest

import fcframe
from tests.training.toys import Toy, experiment


class Watcher:
    """Notes the events, and raises in the one that it is told."""

    def __init__(self, calls, fails=""):
        self.calls, self.fails = calls, fails

    def _note(self, event):
        self.calls.append(event)
        if event == self.fails:
            raise RuntimeError("no room left")

    def training_start(self, training):
        self._note("training_start")

    def gradients(self, training, gradients):
        self._note("gradients")

    def step_end(self, training):
        self._note("step_end")

    def evaluation(self, training, evaluation):
        self._note("evaluation")

    def epoch_end(self, training):
        self._note("epoch_end")

    def updates_end(self, training):
        self._note("updates_end")

    def training_end(self, training, run):
        self._note("training_end")


CALLS = []


class Noting(fcframe.Observer):
    """Watches as its field says."""

    type = "noting"
    fails: str = ""

    def watch(self, training):
        if self.fails == "watch":
            raise RuntimeError("cannot watch")
        return Watcher(CALLS, self.fails)


def params(run):
    return run.network.params.flat.tobytes()


@pytest.fixture(autouse=True)
def _forget():
    CALLS.clear()


def test_an_observer_of_the_spec_goes_through_the_life_cycle():
    fcframe.train(experiment(observers=[Noting()], epochs=1, batch_size=30))
    assert CALLS == [
        "training_start", "gradients", "step_end", "evaluation", "gradients", "step_end", "evaluation", "epoch_end",
        "updates_end", "training_end",
    ]  # fmt: skip


@pytest.mark.parametrize("observer", [Noting(), Watcher(CALLS)], ids=["a component", "an object with its methods"])
def test_an_observer_can_be_handed_in(observer):
    fcframe.train(experiment(epochs=1, batch_size=60), observers=[observer])
    assert CALLS[0] == "training_start"
    assert CALLS[-1] == "training_end"


EVENTS = ["watch", "training_start", "gradients", "step_end", "evaluation", "epoch_end", "updates_end", "training_end"]


@pytest.mark.parametrize("event", EVENTS)
def test_an_observer_that_raises_is_named_and_switched_off_and_the_training_goes_on(event, caplog):
    with caplog.at_level(logging.WARNING, logger="fcframe"):
        run = fcframe.train(experiment(observers=[Noting(fails=event)]))
    assert params(run) == params(fcframe.train(experiment()))
    assert CALLS.count(event) == (event != "watch")
    (line,) = caplog.messages
    assert f"observer noting [0]: {event} raised RuntimeError: " in line
    assert "it is switched off, and the training continues" in line
    if event != "training_end":  # by then the run is complete
        assert run.notes == (line.removeprefix("fcframe: "),)


def test_an_observer_without_any_method_of_the_life_cycle_is_refused():
    class Empty(Noting):
        type = "empty"

        def watch(self, training):
            return object()

    with pytest.raises(fcframe.ContractError, match=r"observer empty \[0\] has none of the methods training_start, "):
        fcframe.train(experiment(observers=[Empty()]))


class StopAt:
    """Stops at the given step, or at once."""

    def __init__(self, step):
        self.step = step

    def training_start(self, training):
        if self.step == 0:
            training.stop("enough")

    def step_end(self, training):
        if training.step == self.step:
            training.stop("enough")


@pytest.mark.parametrize("step", [0, 1, 4, 6, 7, 12, 18])
def test_a_training_can_be_stopped_after_any_step_and_is_evaluated_there(step):
    run = fcframe.train(experiment(epochs=3), observers=[StopAt(step)])
    assert len(run.history.losses) == step
    assert run.history.evaluations[-1].step == step
    assert run.stopped == "enough"
    assert set(run.test) == {"test_loss", "test_acc"}


def test_a_training_that_is_stopped_is_the_beginning_of_one_that_is_not():
    whole = fcframe.train(experiment(epochs=3, evaluation={"keep_best": False}))
    part = fcframe.train(experiment(epochs=3, evaluation={"keep_best": False}), observers=[StopAt(7)])
    assert part.history.losses.tolist() == whole.history.losses.tolist()[:7]
    assert whole.stopped == ""


# Early stopping.


def test_early_stopping_ends_a_training_that_no_longer_improves_and_puts_the_best_parameters_back():
    early = {"type": "early_stopping", "figure": "val_loss", "patience": 2}
    spec = experiment(
        observers=[early], epochs=200, optimizer={"type": "sgd", "learning_rate": 5.0}, evaluation={"keep_best": False}
    )
    run = fcframe.train(spec)
    losses = run.history.series("val_loss")
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 3
    assert run.stopped == "val_loss has not improved for 3 evaluations"
    data = spec.data.load(np.dtype("float32"), np.random.default_rng(0))
    loss, _ = run.network.loss(data.X_val, data.y_val)
    assert loss == pytest.approx(losses[best], rel=1e-5)


def test_early_stopping_watches_the_metric_unless_told_otherwise():
    run = fcframe.train(experiment(observers=[{"type": "early_stopping", "patience": 1}], epochs=100))
    assert run.stopped.startswith("val_acc has not improved")
    run = fcframe.train(
        experiment(observers=[{"type": "early_stopping", "patience": 0}], epochs=400, data=Toy(held_out=0))
    )
    assert run.stopped.startswith("train_loss") or run.stopped == ""


def test_a_change_below_the_smallest_improvement_is_none():
    early = {"type": "early_stopping", "figure": "train_loss", "patience": 3, "smallest_improvement": 100.0}
    run = fcframe.train(experiment(observers=[early], epochs=50))
    assert len(run.history.evaluations) == 1 + 4


def test_early_stopping_that_is_taken_up_again_goes_on_where_it_was():
    class Figures:
        figure = None

        def __init__(self):
            self.network = fcframe.build(experiment())
            self.stopped = ""

        def stop(self, reason):
            self.stopped = reason

    def evaluation(loss):
        return fcframe.Evaluation(0, 0, fcframe.Results({"train_loss": loss}))

    observer = fcframe.registry().observers["early_stopping"](patience=1)
    training, again = Figures(), Figures()
    watcher, restored = observer.watch(training), observer.watch(again)
    for loss in (1.0, 0.5, 0.7):
        watcher.evaluation(training, evaluation(loss))
    restored.restore(watcher.memory())
    for each, seen in ((watcher, training), (restored, again)):
        each.evaluation(seen, evaluation(0.6))
        assert seen.stopped == "train_loss has not improved for 2 evaluations"
        each.updates_end(seen)
    assert training.network.params.flat.tobytes() == again.network.params.flat.tobytes()


@pytest.mark.parametrize(
    ("observer", "message"),
    [
        (
            {"type": "early_stopping", "figure": "val_r2"},
            r"observers\[0\]: early_stopping watches 'val_r2', which is never",
        ),
        ({"type": "early_stopping", "figure": "loss"}, r"never measured; measured: train_loss, train_acc, val_loss"),
    ],
)
def test_an_observer_that_watches_what_is_never_measured_is_refused(observer, message):
    with pytest.raises(fcframe.SpecError, match=message):
        fcframe.train(experiment(observers=[observer]))


# Gradient clipping.


class Seeing:
    """Keeps the gradients of every step as the update will see them."""

    def __init__(self):
        self.norms, self.largest = [], []

    def gradients(self, training, gradients):
        self.norms.append(float(np.linalg.norm(gradients.flat)))
        self.largest.append(float(np.abs(gradients.flat).max()))


def test_gradients_are_clipped_by_their_global_norm_and_by_value():
    seen, free = Seeing(), Seeing()
    fcframe.train(experiment(observers=[{"type": "clip_gradients", "norm": 0.05}]), observers=[seen])
    fcframe.train(experiment(), observers=[free])
    assert max(seen.norms) <= 0.05 * (1 + 1e-6) < max(free.norms)
    by_value = Seeing()
    fcframe.train(experiment(observers=[{"type": "clip_gradients", "value": 0.01}]), observers=[by_value])
    assert max(by_value.largest) <= 0.01 * (1 + 1e-6) < max(free.largest)


def test_clipping_that_never_applies_changes_nothing():
    clipped = fcframe.train(experiment(observers=[{"type": "clip_gradients", "norm": 1e6, "value": 1e6}]))
    assert params(clipped) == params(fcframe.train(experiment()))


def test_a_clipping_without_a_limit_is_refused():
    with pytest.raises(fcframe.SpecError, match=r"training\.observers\[0\]: norm or value is required, or both"):
        fcframe.load_spec(experiment().model_dump(mode="json") | {
            "data": {"type": "digits"},
            "training": {"optimizer": {"type": "sgd"}, "epochs": 1, "observers": [{"type": "clip_gradients"}]},
        })  # fmt: skip


# Observers that are handed in.


class Arguments:
    """Notes the arguments of its methods, which name them in any order, or leave some out."""

    def __init__(self):
        self.seen = {}

    def evaluation(self, evaluation, training):
        self.seen["evaluation"] = type(evaluation).__name__, training.step

    def step_end(self):
        self.seen["step_end"] = ()

    def gradients(self, gradients, /, *, every=10):
        self.seen["gradients"] = sorted(gradients), every

    def updates_end(self, _training):
        self.seen["updates_end"] = type(_training).__name__

    def training_end(self, **arguments):
        self.seen["training_end"] = sorted(arguments)

    def epoch_end(self, *arguments):
        self.seen["epoch_end"] = len(arguments)


def test_a_method_gets_the_arguments_that_its_parameters_name():
    observer = Arguments()
    run = fcframe.train(experiment(epochs=1), observers=[observer])
    assert observer.seen == {
        "evaluation": ("Evaluation", len(run.history.losses)),
        "step_end": (),
        "gradients": (sorted(run.network.params), 10),
        "updates_end": "Solver",
        "training_end": ["run", "training"],
        "epoch_end": 1,
    }


class Swapped:
    def evaluation(self, solver, evaluation):
        raise AssertionError


class Misspelt:
    def step_ned(self, training):
        raise AssertionError


@pytest.mark.parametrize(
    ("observers", "message"),
    [
        ([Swapped()], r"observer Swapped \[0\]: evaluation has an argument 'solver', which is not passed\. "
         r"Expected: def evaluation\(self, training, evaluation\)"),
        ([Misspelt()], r"observer Misspelt \[0\] has none of the methods training_start, .*"
         r"\. Did you mean 'step_end'\?"),
        ([object()], r"observer object \[0\] has none of the methods training_start, [^?]*\."),
        (Arguments(), r"observers: expected a list of observers, got a value of type Arguments; pass one observer as "
         r"\[observer\]"),
        (Noting(), r"observers: expected a list of observers, got a value of type Noting; .*"),
        ("early_stopping", r"observers: expected a list of observers, got a value of type str; .*"),
        (None, r"observers: expected a list of observers, got a value of type NoneType; .*"),
        ([Arguments], r"observers\[0\]: Arguments is a class; pass an instance: Arguments\(\)"),
        ([Noting], r"observers\[0\]: Noting is a class; pass an instance: Noting\(\)"),
        (["early_stopping"], r'observers\[0\]: .*, got "early_stopping"; .* belongs to the spec: training\.observers'),
        ([{"type": "early_stopping"}], r'observers\[0\]: .*, got \{"type": "early_stopping"\}; .*'),
    ],
)  # fmt: skip
def test_what_is_no_observer_is_refused_before_the_training(observers, message):
    with pytest.raises(fcframe.FcframeError) as refused:
        fcframe.train(experiment(epochs=1), observers=observers)
    assert CALLS == []
    assert re.fullmatch(message, str(refused.value))


def test_an_object_may_have_hooks_and_methods_of_the_life_cycle():
    class Both:
        def __init__(self):
            self.steps = self.evaluations = 0

        def evaluation(self):
            self.evaluations += 1

        @fcframe.hookimpl
        def fcframe_step_end(self, training):
            self.steps = training.step

    both = Both()
    run = fcframe.train(experiment(epochs=1), observers=[both])
    assert (both.steps, both.evaluations) == (len(run.history.losses), len(run.history.evaluations))
