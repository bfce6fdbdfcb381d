"""What a training leaves in numbers: the loss of every step, and every evaluation."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fcframe.components import Metric


@dataclass(frozen=True)
class Evaluation:
    """What was measured at one moment of a training."""

    epoch: int
    """Epochs done; 0 for the one after the first update."""
    step: int
    """Updates done."""
    results: Mapping[str, float]
    """The figures: "train_loss", "val_loss", the metric as "train_acc" and "val_acc", and "learning_rate"."""

    def facts(self) -> dict[str, Any]:
        """The evaluation as JSON."""
        return {"epoch": self.epoch, "step": self.step, **self.results}


@dataclass
class History:
    """Grows while the solver works."""

    losses: "array[float]" = field(default_factory=lambda: array("d"))
    """The minibatch's loss, regularization included, of every step."""
    evaluations: list[Evaluation] = field(default_factory=list)
    """All evaluations, first to last."""

    def series(self, name: str) -> list[float]:
        """One figure over all evaluations that have it: `history.series("val_acc")`."""
        return [found.results[name] for found in self.evaluations if name in found.results]


def watched(metric: Metric | None, results: Mapping[str, float]) -> tuple[str, bool] | None:
    """The figure that says which evaluation is best, and whether higher is better; None without validation data."""
    if metric is not None and f"val_{metric.label}" in results:
        return f"val_{metric.label}", metric.higher_is_better
    return ("val_loss", False) if "val_loss" in results else None
