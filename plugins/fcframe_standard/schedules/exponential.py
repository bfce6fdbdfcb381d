"""Exponential decay."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from fcframe import Example, Progress, Schedule


class Exponential(Schedule):
    """Exponential decay, factor = decay^epoch: after each epoch the learning rate is multiplied by `decay`.

    >>> Exponential(decay=0.5).factor(Progress(step=250, steps_per_epoch=100, steps=1000), {})
    0.25
    """

    type = "exponential"
    examples = (Example(decay=0.95),)

    decay: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Factor by which the learning rate is multiplied after each epoch."""

    def factor(self, progress: Progress, memory: Mapping[str, float]) -> float:
        return self.decay**progress.epoch
