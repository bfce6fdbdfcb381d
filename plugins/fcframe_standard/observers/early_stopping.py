"""Early stopping."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import NonNegativeFloat, NonNegativeInt

from fcframe import Array, Evaluation, Example, Observer, Training


class EarlyStopping(Observer):
    """Early stopping: ends the training when a figure has not improved for more than `patience` evaluations in a row.

    Prechelt, "Early Stopping – But When?", 1998, section 2.

    >>> EarlyStopping(figure="val_loss", patience=3).watched()
    ('val_loss', None)
    """

    type = "early_stopping"
    also_called = ("earlystopping", "early_stop")
    examples = (Example(patience=2), Example(figure="train_loss", patience=1, smallest_improvement=0.01))

    figure: str | None = None
    """Figure that must improve, such as "val_loss" or "val_acc"; by default the metric on the validation examples, or
    the training loss if there are none."""
    patience: NonNegativeInt = 5
    """Number of evaluations without improvement that are accepted; the next one ends the training."""
    smallest_improvement: NonNegativeFloat = 0.0
    """A figure that changes by no more than this does not count as improved."""
    restore_best: bool = True
    """Whether the parameters of the best evaluation are restored at the end."""

    def watched(self) -> tuple[str, bool | None] | None:
        return None if self.figure is None else (self.figure, None)

    def watch(self, training: Training) -> "_Stopping":
        return _Stopping(self)


class _Stopping:
    def __init__(self, observer: EarlyStopping) -> None:
        self.observer = observer
        self.best: float | None = None
        self.waited = 0
        self.kept: dict[str, Array] = {}

    def evaluation(self, training: Training, evaluation: Evaluation) -> None:
        name = self._name(training)
        value = evaluation.results[name]
        if not evaluation.results.higher_is_better(name):
            value = -value
        if not math.isnan(value) and (self.best is None or value > self.best + self.observer.smallest_improvement):
            self.best, self.waited = value, 0
            if self.observer.restore_best:
                self._keep(training)
            return
        self.waited += 1
        if self.waited > self.observer.patience:
            training.stop(
                f"{name} has not improved for {self.waited} {'evaluation' if self.waited == 1 else 'evaluations'}"
            )

    def updates_end(self, training: Training) -> None:
        if self.kept:
            training.network.params.flat[...] = self.kept["params"]
            training.network.state.flat[...] = self.kept["state"]

    def memory(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited, **self.kept}

    def restore(self, memory: Mapping[str, Any]) -> None:
        self.best, self.waited = memory["best"], memory["waited"]
        self.kept = {name: memory[name].copy() for name in ("params", "state") if name in memory}

    def _name(self, training: Training) -> str:
        if self.observer.figure is not None:
            return self.observer.figure
        return training.figure.name if training.figure is not None else "train_loss"

    def _keep(self, training: Training) -> None:
        arrays = {"params": training.network.params.flat, "state": training.network.state.flat}
        if not self.kept:
            self.kept = {name: array.copy() for name, array in arrays.items()}
        for name, array in arrays.items():
            self.kept[name][...] = array
