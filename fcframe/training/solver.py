"""The training loop. Everything beside the loop itself is done by observers and hooks."""

from collections.abc import Callable, Sequence
from math import isfinite, isnan, nan
from typing import Any

import numpy as np

from fcframe.components import Data, Optimizer, Progress
from fcframe.consistency import measured
from fcframe.context import Array
from fcframe.errors import DivergenceError
from fcframe.events import Evaluation, Figure, History, Results
from fcframe.network import Network, TrainingPass
from fcframe.parameters import Views
from fcframe.spec.models import TrainingSpec
from fcframe.training.evaluation import Evaluator
from fcframe.training.listeners import Listeners
from fcframe.training.minibatches import Minibatches
from fcframe.training.updates import Updates


class Solver:
    """Trains a network on data as a spec says: minibatch, loss and gradients, update; evaluations between epochs.

    It is the `Training` that observers and hooks see.

    Args:
        network: Trained in place.
        data: Fits the network; `fcframe.training.train` has checked it.
        spec: How it is trained.
        listeners: What is told about the training; nothing, by default.
        pauses: Functions that are called after each step, and have nothing to do with this training.

    Attributes:
        step: Updates done, of `steps`; epoch: epochs done, of `epochs`.
        loss: The last minibatch's loss. learning_rate: that of the last update.
        history: All losses and evaluations. best: the evaluation whose parameters are kept.
        stopped: Why the training ended before its last step; empty if it did not.
    """

    def __init__(
        self,
        network: Network,
        data: Data,
        spec: TrainingSpec,
        listeners: Listeners,
        pauses: Sequence[Callable[[], None]] = (),
    ) -> None:
        draws, chance, samples = (np.random.default_rng(seed) for seed in _seeds(spec.seed))
        self.network, self.data, self.spec = network, data, spec
        self.epochs, self.step, self.epoch = spec.epochs, 0, 0
        self.loss, self.learning_rate = nan, spec.optimizer.learning_rate
        self.history = History()
        self.best: Evaluation | None = None
        self.stopped = ""
        replacement = spec.sampling == "with_replacement"
        weights = data.weights.get("train")
        self._minibatches = Minibatches(data.X_train, data.y_train, spec.batch_size, replacement, draws, weights)
        self.steps_per_epoch = self._minibatches.steps_per_epoch
        self.steps = self.epochs * self.steps_per_epoch
        self._pass = TrainingPass(network, chance, reuse=True)
        optimizer: Optimizer = spec.optimizer
        self._updates = Updates(optimizer, network.parameters, network.params, self._pass.grads, network.kernels)
        self.metric = spec.evaluation.metric or network.spec.loss.metric
        self._evaluator = Evaluator(network, self.metric, spec.evaluation.batch_size)
        self._samples = samples
        self._memory = spec.schedule.start() if spec.schedule else {}
        self._kept: tuple[Array, Array] | None = None
        self._listeners = listeners
        self._pauses = tuple(pauses)

    @property
    def gradients(self) -> Views:
        """The gradients of the last minibatch, by parameter name."""
        return self._pass.grads

    @property
    def figure(self) -> Figure | None:
        """The figure that says which evaluation is best; None where there are no validation examples."""
        if len(self.data.X_val) == 0:
            return None
        if self.metric is not None:
            return Figure(f"val_{self.metric.label}", self.metric.higher_is_better)
        return Figure("val_loss", False)

    def stop(self, reason: str) -> None:
        """Ends the training after this step; the reason is kept in the run."""
        self.stopped = self.stopped or str(reason) or "stopped"

    def train(self) -> None:
        """Makes all updates, and puts the best parameters back.

        Raises:
            DivergenceError: The loss is no longer a finite number.
        """
        # The error state is set whole: a program or a plugin may have changed it, and the loss tells what went wrong.
        with np.errstate(all="ignore"):
            self._listeners.tell("training_start", self)
            while self.epoch < self.epochs and not self.stopped:
                self.train_epoch()
                if self.stopped and self.step < (self.epoch + 1) * self.steps_per_epoch:
                    break
                self.epoch += 1
                if self.epoch % self.spec.evaluation.every == 0 or self.epoch == self.epochs or self.stopped:
                    self._evaluate()
                self._listeners.tell("epoch_end", self)
            if not self.history.evaluations or self.history.evaluations[-1].step < self.step:
                self._evaluate()
            if self._kept is not None:
                self.network.params.flat[...], self.network.state.flat[...] = self._kept
            self._listeners.tell("updates_end", self)

    def train_epoch(self) -> None:
        """Makes the updates of one epoch."""
        append, loss_and_gradients, update = self.history.losses.append, self._pass, self._updates
        schedule, base = self.spec.schedule, self.spec.optimizer.learning_rate
        tell_gradients, tell_step = self._listeners.wants("gradients"), self._listeners.wants("step_end")
        for X, y, weights in self._minibatches.epoch():
            self.loss = loss = loss_and_gradients(X, y, weights)
            if not isfinite(loss):
                raise DivergenceError(self._diverged("the minibatch's loss", loss, self.step + 1))
            if tell_gradients:
                self._listeners.tell("gradients", self, self._pass.grads)
            if schedule is not None:
                progress = Progress(self.step, self.steps_per_epoch, self.steps)
                self.learning_rate = base * schedule.factor(progress, self._memory)
            self.step += 1
            update(self.step, self.learning_rate)
            append(loss)
            if tell_step:
                self._listeners.tell("step_end", self)
            for pause in self._pauses:
                pause()
            if self.step == 1:
                self._evaluate()
            if self.stopped:
                return

    def _evaluate(self) -> None:
        """Measures a sample of the training examples and all validation examples; keeps parameters that are best."""
        data, count = self.data, self.spec.evaluation.train_sample
        X, y, sample = data.X_train, data.y_train, None
        if count is not None and count < len(X):
            sample = self._samples.choice(len(X), count, replace=False)
        figures = self._evaluator(X, y, "train", sample, data.weights.get("train"))
        figures |= self._evaluator(data.X_val, data.y_val, "val", weights=data.weights.get("val"))
        for name in ("train_loss", "val_loss"):
            if not isfinite(figures.get(name, 0.0)):
                raise DivergenceError(self._diverged(name, figures[name], self.step))
        results = Results({**figures, "learning_rate": self.learning_rate}, measured(self.metric).higher)
        evaluation = Evaluation(self.epoch, self.step, results)
        self.history.evaluations.append(evaluation)
        if self.spec.schedule is not None:
            self._memory = self.spec.schedule.observe(self._memory, results)
        self._keep_if_best(evaluation)
        self._listeners.tell("evaluation", self, evaluation)

    def _keep_if_best(self, evaluation: Evaluation) -> None:
        if not self._is_better(evaluation):
            return
        self.best = evaluation
        if self.spec.evaluation.keep_best and self.figure is not None:
            best = self.network.params.flat, self.network.state.flat
            if self._kept is None:
                self._kept = best[0].copy(), best[1].copy()
            else:
                self._kept[0][...], self._kept[1][...] = best

    def _is_better(self, evaluation: Evaluation) -> bool:
        """Whether this evaluation beats the best one so far; where their metrics are equal, the lower loss does."""
        figure = self.figure
        if figure is None or self.best is None:
            return True
        new, old = evaluation.results, self.best.results
        if isnan(new[figure.name]) or isnan(old[figure.name]):  # a metric may have no value
            return not isnan(new[figure.name])
        if new[figure.name] == old[figure.name]:
            return new["val_loss"] < old["val_loss"]
        return (new[figure.name] > old[figure.name]) is figure.higher_is_better

    def test(self) -> dict[str, float]:
        """The figures on the test examples, such as "test_loss" and "test_acc"; none where there is no example."""
        data = self.data
        with np.errstate(all="ignore"):
            return self._evaluator(data.X_test, data.y_test, "test", weights=data.weights.get("test"))

    def end(self, run: Any) -> None:
        """Tells everything that listens that the run is complete."""
        self._listeners.tell("training_end", self, run)

    def _diverged(self, what: str, value: float, iteration: int) -> str:
        epoch = (iteration - 1) // self.steps_per_epoch + 1
        return (
            f"training diverged: {what} is {value} at iteration {iteration} of {self.steps} "
            f"(epoch {epoch} of {self.epochs}). Try a lower training.optimizer.learning_rate "
            f"(now {self.learning_rate:g}), or inputs of a smaller scale"
        )


def _seeds(seed: int) -> list[np.random.SeedSequence]:
    """Three independent streams beside the two that the network makes of the same seed."""
    return np.random.SeedSequence(seed, spawn_key=(1,)).spawn(3)
