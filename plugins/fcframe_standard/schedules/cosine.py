"""Half a cosine wave."""

from math import cos, pi
from typing import Annotated

from pydantic import Field, NonNegativeInt

from fcframe import Example, Schedule


class Cosine(Schedule):
    """Half a cosine wave from 1 down to `final`, over all updates, after a linear warm-up.

    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, equation 5, one period.

    >>> from fcframe import Progress
    >>> [round(Cosine().factor(Progress(step, 100, 400), {}), 3) for step in (0, 200, 400)]
    [1.0, 0.5, 0.0]
    """

    type = "cosine"
    examples = (Example(final=0.1, warmup=5),)

    final: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The factor at the end."""
    warmup: NonNegativeInt = 0
    """Updates over which the factor first rises to 1."""

    def warmup_steps(self):
        return self.warmup

    def factor(self, progress, memory):
        if progress.step < self.warmup:
            return (progress.step + 1) / (self.warmup + 1)
        share = (progress.step - self.warmup) / max(1, progress.steps - self.warmup)
        return self.final + (1 - self.final) * (1 + cos(pi * min(1.0, share))) / 2
