"""Reduction of the learning rate on a plateau."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from fcframe import Example, Progress, Results, Schedule


class ReduceOnPlateau(Schedule):
    """Reduces the learning rate when a figure has not improved for more than `patience` evaluations in a row.

    >>> schedule = ReduceOnPlateau(patience=0)
    >>> memory = schedule.observe(schedule.start(), Results({"val_loss": 1.0}))
    >>> schedule.observe(memory, Results({"val_loss": 1.0}))["factor"]
    0.5
    """

    type = "reduce_on_plateau"
    examples = (Example(watch="train_loss", better="lower", decay=0.3, patience=1),)

    watch: str = "val_loss"
    """Figure that must improve: "val_loss", "train_loss", or the metric, for example "val_acc"."""
    better: Literal["lower", "higher"] | None = None
    """Whether lower or higher is better; by default as the figure itself says: "lower" for a loss."""
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Factor by which the learning rate is multiplied at each reduction."""
    patience: NonNegativeInt = 3
    """Number of evaluations without improvement that are accepted; the next one reduces the learning rate."""
    least: NonNegativeFloat = 0.0
    """Smallest factor of the learning rate, below which it is not reduced."""

    def watched(self) -> tuple[str, bool | None]:
        return self.watch, None if self.better is None else self.better == "higher"

    def start(self) -> Mapping[str, float]:
        return {"factor": 1.0, "waited": 0.0}

    def factor(self, progress: Progress, memory: Mapping[str, float]) -> float:
        return memory["factor"]

    def observe(self, memory: Mapping[str, float], results: Results) -> Mapping[str, float]:
        higher = results.higher_is_better(self.watch) if self.better is None else self.better == "higher"
        figure = results[self.watch] if higher else -results[self.watch]
        if "best" not in memory or figure > memory["best"]:
            return {"factor": memory["factor"], "best": figure, "waited": 0.0}
        if memory["waited"] < self.patience:
            return {**memory, "waited": memory["waited"] + 1}
        return {**memory, "factor": max(self.least, memory["factor"] * self.decay), "waited": 0.0}
