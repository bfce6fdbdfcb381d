"""The training loop. Everything that is not the loop itself hangs on the life-cycle hooks."""

from collections.abc import Callable, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING

import numpy as np
import pluggy

from fcframe.components import Data, Progress
from fcframe.context import Array
from fcframe.errors import DataError, DivergenceError
from fcframe.network import Network, TrainingPass
from fcframe.spec.models import TrainingSpec
from fcframe.training.evaluation import Evaluator
from fcframe.training.history import Evaluation, History, watched
from fcframe.training.minibatches import Minibatches
from fcframe.training.updates import Updates

if TYPE_CHECKING:
    from fcframe.training.run import Run


class Solver:
    """Trains a network on data as a spec says: minibatch, loss and gradients, update; evaluations between epochs.

    Args:
        network: Trained in place.
        data: Fits the network; `fcframe.training.train` has made sure.
        spec: How it is trained.
        hooks: Whom to tell; a hook that nobody implements is never called.
        pauses: Called after each step, at the cost of a function: what has nothing to do with this training.

    Attributes:
        step: Updates done, of `steps`; epoch: epochs done, of `epochs`.
        loss: The last minibatch's loss. learning_rate: what the last update used.
        history: All losses and evaluations. best: the evaluation whose parameters are kept.
    """

    def __init__(
        self,
        network: Network,
        data: Data,
        spec: TrainingSpec,
        hooks: pluggy.HookRelay,
        pauses: Sequence[Callable[[], None]] = (),
    ) -> None:
        draws, chance, samples = (np.random.default_rng(seed) for seed in _seeds(spec.seed))
        self.network, self.data, self.spec = network, data, spec
        self.epochs, self.step, self.epoch = spec.epochs, 0, 0
        self.loss, self.learning_rate = float("nan"), spec.optimizer.learning_rate
        self.history = History()
        self.best: Evaluation | None = None
        replacement = spec.sampling == "with_replacement"
        self._minibatches = Minibatches(data.X_train, data.y_train, spec.batch_size, replacement, draws)
        self.steps_per_epoch = self._minibatches.steps_per_epoch
        self.steps = self.epochs * self.steps_per_epoch
        self._pass = TrainingPass(network, chance, reuse=True)
        self._updates = Updates(spec.optimizer, network.params, self._pass.grads, network.kernels)
        self.metric = spec.evaluation.metric or network.spec.loss.metric
        self._evaluator = Evaluator(network, self.metric, spec.evaluation.batch_size)
        self._samples = samples
        self._memory = spec.schedule.start() if spec.schedule else {}
        self._kept: tuple[Array, Array] | None = None
        self._hooks = hooks
        self._pauses = tuple(pauses)
        self._tell_step = hooks.fcframe_step_end if hooks.fcframe_step_end.get_hookimpls() else None

    def train(self) -> None:
        """Makes all updates, and puts the best parameters back.

        Raises:
            DivergenceError: The loss is no longer a finite number.
        """
        self._hooks.fcframe_training_start(solver=self)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # the loss says it, and says it better
            while self.epoch < self.epochs:
                self.train_epoch()
                self.epoch += 1
                if self.epoch % self.spec.evaluation.every == 0 or self.epoch == self.epochs:
                    self._evaluate()
                self._hooks.fcframe_epoch_end(solver=self)
        if self._kept is not None:
            self.network.params.flat[...], self.network.state.flat[...] = self._kept

    def train_epoch(self) -> None:
        """Makes the updates of one epoch."""
        append, loss_and_gradients, update = self.history.losses.append, self._pass, self._updates
        schedule, base = self.spec.schedule, self.spec.optimizer.learning_rate
        for X, y in self._minibatches.epoch():
            self.loss = loss = loss_and_gradients(X, y)
            if not isfinite(loss):
                raise DivergenceError(self._diverged("the minibatch's loss", loss, self.step + 1))
            if schedule is not None:
                progress = Progress(self.step, self.steps_per_epoch, self.steps)
                self.learning_rate = base * schedule.factor(progress, self._memory)
            self.step += 1
            update(self.step, self.learning_rate)
            append(loss)
            if self._tell_step is not None:
                self._tell_step(solver=self)
            for pause in self._pauses:
                pause()
            if self.step == 1:
                self._evaluate()

    def _evaluate(self) -> None:
        """Measures a sample of the training examples and all validation examples; keeps parameters that are best."""
        data, count = self.data, self.spec.evaluation.train_sample
        X, y, sample = data.X_train, data.y_train, None
        if count is not None and count < len(X):
            sample = self._samples.choice(len(X), count, replace=False)
        results = self._evaluator(X, y, "train", sample) | self._evaluator(data.X_val, data.y_val, "val")
        for name in ("train_loss", "val_loss"):
            if not isfinite(results.get(name, 0.0)):
                raise DivergenceError(self._diverged(name, results[name], self.step))
        evaluation = Evaluation(self.epoch, self.step, results | {"learning_rate": self.learning_rate})
        self.history.evaluations.append(evaluation)
        if self.spec.schedule is not None:
            try:
                self._memory = self.spec.schedule.observe(self._memory, evaluation.results)
            except KeyError as error:
                raise DataError(
                    f"training.schedule: it watches {error.args[0]!r}, which is not measured here; "
                    f"measured: {', '.join(evaluation.results)}"
                ) from error
        self._keep_if_best(evaluation)
        self._hooks.fcframe_evaluation(solver=self, evaluation=evaluation)

    def _keep_if_best(self, evaluation: Evaluation) -> None:
        figure = watched(self.metric, evaluation.results)
        if figure is None:
            self.best = evaluation
            return
        name, higher = figure
        sign, new = (1 if higher else -1), evaluation.results[name]
        if self.best is not None and (isnan(new) or sign * new <= sign * self.best.results[name]):
            return  # a metric may have no value
        self.best = evaluation
        if self.spec.evaluation.keep_best:
            best = self.network.params.flat, self.network.state.flat
            if self._kept is None:
                self._kept = best[0].copy(), best[1].copy()
            else:
                self._kept[0][...], self._kept[1][...] = best

    def test(self) -> dict[str, float]:
        """The figures on the test examples, "test_loss" and "test_acc" say; none where there is no example."""
        return self._evaluator(self.data.X_test, self.data.y_test, "test")

    def end(self, run: "Run") -> None:
        """Tells whoever listens that the run is complete."""
        self._hooks.fcframe_training_end(solver=self, run=run)

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
