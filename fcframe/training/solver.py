"""The training loop. Everything else, such as progress output or early stopping, is done by observers and hooks."""

from collections.abc import Callable, Sequence
from math import isfinite, isnan, nan
from typing import Any

import numpy as np

from fcframe.components import Data, Optimizer, Progress
from fcframe.consistency import measured_figures, metric_of
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
    """Trains a network: in each step it computes the gradients of a minibatch and updates the parameters.

    It implements the protocol `Training` for observers and hooks.

    Args:
        network: The network; it is trained in place.
        data: Data that fits the network; `fcframe.train` has checked it.
        spec: The settings of the training.
        listeners: The observers and hooks to call.
        pauses: Functions to call after each step, which may wait for other trainings.

    Attributes:
        step: Number of updates completed, of `steps`.
        epoch: Number of epochs completed, of `epochs`.
        loss: Loss of the last minibatch.
        learning_rate: Learning rate of the last update.
        history: All losses and evaluations.
        best: The best evaluation.
        stopped: The reason why the training ended before its last step; empty if it did not.
    """

    def __init__(
        self,
        network: Network,
        data: Data,
        spec: TrainingSpec,
        listeners: Listeners,
        pauses: Sequence[Callable[[], None]] = (),
    ) -> None:
        draws, stochastic, samples = (np.random.default_rng(seed) for seed in _seeds(spec.seed))
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
        self._pass = TrainingPass(network, stochastic, reuse=True)
        optimizer: Optimizer = spec.optimizer
        self._updates = Updates(optimizer, network.parameters, network.params, self._pass.grads, network.kernels)
        self.metric = metric_of(network.spec, spec)
        self._evaluator = Evaluator(network, self.metric, spec.evaluation.batch_size)
        self._samples = samples
        self._memory = spec.schedule.start() if spec.schedule else {}
        self._best_arrays: tuple[Array, Array] | None = None
        self._listeners = listeners
        self._pauses = tuple(pauses)

    @property
    def gradients(self) -> Views:
        """The gradients of the last minibatch, by parameter name."""
        return self._pass.grads

    @property
    def figure(self) -> Figure | None:
        """The figure that decides which evaluation is best; None if there are no validation examples."""
        if len(self.data.X_val) == 0:
            return None
        if self.metric is not None:
            return Figure(f"val_{self.metric.label}", self.metric.higher_is_better)
        return Figure("val_loss", False)

    def stop(self, reason: str) -> None:
        """Ends the training after this step; the reason is stored in the run."""
        self.stopped = self.stopped or str(reason) or "stopped"

    def train(self) -> None:
        """Makes all updates, and restores the best parameters.

        Raises:
            DivergenceError: The loss is no longer a finite number.
        """
        # All floating-point errors are ignored, whatever the caller's settings: a loss that is not finite is reported.
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
            if self._best_arrays is not None:
                self.network.params.flat[...], self.network.state.flat[...] = self._best_arrays
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
        """Evaluates a sample of the training examples and all validation examples; copies the parameters if best."""
        data, count = self.data, self.spec.evaluation.train_sample
        X, y, sample = data.X_train, data.y_train, None
        if count is not None and count < len(X):
            sample = self._samples.choice(len(X), count, replace=False)
        figures = self._evaluator(X, y, "train", sample, data.weights.get("train"))
        figures |= self._evaluator(data.X_val, data.y_val, "val", weights=data.weights.get("val"))
        for name in ("train_loss", "val_loss"):
            if not isfinite(figures.get(name, 0.0)):
                raise DivergenceError(self._diverged(name, figures[name], self.step))
        results = Results({**figures, "learning_rate": self.learning_rate}, measured_figures(self.metric).higher)
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
            if self._best_arrays is None:
                self._best_arrays = best[0].copy(), best[1].copy()
            else:
                self._best_arrays[0][...], self._best_arrays[1][...] = best

    def _is_better(self, evaluation: Evaluation) -> bool:
        """Whether an evaluation is better than the best one so far. With equal metrics, the lower loss decides."""
        figure = self.figure
        if figure is None or self.best is None:
            return True
        new, old = evaluation.results, self.best.results
        if isnan(new[figure.name]) or isnan(old[figure.name]):  # a metric may be undefined
            return not isnan(new[figure.name])
        if new[figure.name] == old[figure.name]:
            return new["val_loss"] < old["val_loss"]
        return (new[figure.name] > old[figure.name]) is figure.higher_is_better

    def test(self) -> dict[str, float]:
        """The figures on the test set, such as "test_loss" and "test_acc"; empty if there are no test examples."""
        data = self.data
        with np.errstate(all="ignore"):
            return self._evaluator(data.X_test, data.y_test, "test", weights=data.weights.get("test"))

    def end(self, run: Any) -> None:
        """Calls the listeners of `training_end`."""
        self._listeners.tell("training_end", self, run)

    def _diverged(self, what: str, value: float, iteration: int) -> str:
        epoch = (iteration - 1) // self.steps_per_epoch + 1
        return (
            f"training diverged: {what} is {value} at iteration {iteration} of {self.steps} "
            f"(epoch {epoch} of {self.epochs}). Try a lower training.optimizer.learning_rate "
            f"(now {self.learning_rate:g}), or inputs of a smaller scale"
        )


def _seeds(seed: int) -> list[np.random.SeedSequence]:
    """Three seeds that are independent of each other, and of the two that the network derives from the same seed."""
    return np.random.SeedSequence(seed, spawn_key=(1,)).spawn(3)
