"""Decay when training stops getting better."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from fcframe import Example, Schedule


class ReduceOnPlateau(Schedule):
    """Decays the learning rate when a watched figure has not improved for `patience` evaluations.

    >>> from fcframe import Results
    >>> schedule = ReduceOnPlateau(patience=0)
    >>> memory = schedule.observe(schedule.start(), Results({"val_loss": 1.0}))
    >>> schedule.observe(memory, Results({"val_loss": 1.0}))["factor"]
    0.5
    """

    type = "reduce_on_plateau"
    examples = (Example(watch="train_loss", better="lower", decay=0.3, patience=1),)

    watch: str = "val_loss"
    """Figure that is watched: "val_loss", "train_loss", or the metric, as "val_acc"."""
    better: Literal["lower", "higher"] | None = None
    """Which way the figure improves; by default as the figure itself says: a loss is better lower, accuracy higher."""
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Factor of the learning rate."""
    patience: NonNegativeInt = 3
    """Number of evaluations without improvement after which the learning rate is reduced."""
    least: NonNegativeFloat = 0.0
    """Smallest factor of the learning rate."""

    def watched(self):
        return self.watch, None if self.better is None else self.better == "higher"

    def start(self):
        return {"factor": 1.0, "waited": 0.0}

    def factor(self, progress, memory):
        return memory["factor"]

    def observe(self, memory, results):
        higher = results.higher_is_better(self.watch) if self.better is None else self.better == "higher"
        figure = results[self.watch] if higher else -results[self.watch]
        if "best" not in memory or figure > memory["best"]:
            return {"factor": memory["factor"], "best": figure, "waited": 0.0}
        if memory["waited"] < self.patience:
            return {**memory, "waited": memory["waited"] + 1}
        return {**memory, "factor": max(self.least, memory["factor"] * self.decay), "waited": 0.0}
