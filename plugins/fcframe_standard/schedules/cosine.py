"""Cosine annealing."""

from collections.abc import Mapping
from math import cos, pi
from typing import Annotated

from pydantic import Field, NonNegativeInt

from fcframe import Example, Progress, Schedule


class Cosine(Schedule):
    """Cosine annealing, factor = final + (1 − final) · (1 + cos(π · t)) / 2, with t from 0 to 1 over the training.

    Before it, the factor may rise linearly from 0 to 1 (warm-up). Loshchilov and Hutter, "SGDR: Stochastic Gradient
    Descent with Warm Restarts", 2017, equation 5, without restarts.

    >>> [round(Cosine().factor(Progress(step, 100, 400), {}), 3) for step in (0, 200, 400)]
    [1.0, 0.5, 0.0]
    """

    type = "cosine"
    examples = (Example(final=0.1, warmup=5),)

    final: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Factor of the learning rate at the end of the training."""
    warmup: NonNegativeInt = 0
    """Number of updates of the warm-up; 0 for none."""

    def warmup_steps(self) -> int:
        return self.warmup

    def factor(self, progress: Progress, memory: Mapping[str, float]) -> float:
        if progress.step < self.warmup:
            return (progress.step + 1) / (self.warmup + 1)
        share = (progress.step - self.warmup) / max(1, progress.steps - self.warmup)
        return self.final + (1 - self.final) * (1 + cos(pi * min(1.0, share))) / 2
