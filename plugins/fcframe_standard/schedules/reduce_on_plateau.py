"""Decay when training stops getting better."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from fcframe import Example, Schedule


class ReduceOnPlateau(Schedule):
    """Decays the learning rate when a watched figure has not improved for `patience` evaluations.

    >>> schedule = ReduceOnPlateau(patience=0)
    >>> memory = schedule.observe(schedule.start(), {"val_loss": 1.0})
    >>> schedule.observe(memory, {"val_loss": 1.0})["factor"]
    0.5
    """

    type = "reduce_on_plateau"
    examples = (Example(watch="train_loss", better="lower", decay=0.3, patience=1),)

    watch: str = "val_loss"
    """The figure that is watched: "val_loss", "train_loss", or the metric, as "val_acc"."""
    better: Literal["lower", "higher"] = "lower"
    """Which way the figure improves."""
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """What the learning rate is multiplied with."""
    patience: NonNegativeInt = 3
    """How many evaluations without improvement are waited for."""
    least: NonNegativeFloat = 0.0
    """The factor is never less."""

    def start(self):
        return {"factor": 1.0, "waited": 0.0}

    def factor(self, progress, memory):
        return memory["factor"]

    def observe(self, memory, results):
        figure = results[self.watch] if self.better == "higher" else -results[self.watch]
        if "best" not in memory or figure > memory["best"]:
            return {"factor": memory["factor"], "best": figure, "waited": 0.0}
        if memory["waited"] < self.patience:
            return {**memory, "waited": memory["waited"] + 1}
        return {**memory, "factor": max(self.least, memory["factor"] * self.decay), "waited": 0.0}
