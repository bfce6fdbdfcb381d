"""Adam."""

from collections.abc import Mapping
from math import sqrt
from typing import Annotated

import numpy as np
from pydantic import Field, PositiveFloat

from fcframe import Array, Example, Optimizer, Step

Decay = Annotated[float, Field(ge=0, lt=1)]


class Adam(Optimizer):
    """Adam, w ← w − learning_rate · m̂ / (√v̂ + eps): steps of about learning_rate, whatever the gradient's scale.

    m̂ and v̂ are the running means of the gradient and of its square, corrected for their start at 0. Kingma and Ba,
    "Adam: A Method for Stochastic Optimization", 2015, algorithm 1; both corrections are part of the step size, as at
    the end of its section 2.

    >>> w = np.array([1.0])
    >>> slots = {"m": np.zeros(1), "v": np.zeros(1)}
    >>> Adam().update(w, np.array([300.0]), slots, Step(number=1, learning_rate=0.001))
    >>> w.round(6)
    array([0.999])
    """

    type = "adam"
    examples = (Example(learning_rate=0.01), Example(learning_rate=0.02, beta1=0.8, beta2=0.95, eps=1e-6))
    scratch = ("scale",)
    uses_decay = False

    beta1: Decay = 0.9
    """Share of m, the running mean of the gradient, that is kept in each step."""
    beta2: Decay = 0.999
    """Share of v, the running mean of the squared gradient, that is kept in each step."""
    eps: PositiveFloat = 1e-8
    """Added to √v, to avoid a division by zero for a parameter without gradient."""

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def update(self, w: Array, dw: Array, slots: Mapping[str, Array], step: Step) -> None:
        # m and v are kept without the paper's factors 1 − beta, which are part of the step size and of eps below
        m, v = slots["m"], slots["v"]
        m *= self.beta1
        m += dw
        v *= self.beta2
        scale = np.multiply(dw, dw, out=slots.get("scale"))
        v += scale
        np.sqrt(v, out=scale)
        correction = sqrt((1 - self.beta2**step.number) / (1 - self.beta2))
        scale += self.eps * correction
        np.divide(m, scale, out=scale)
        scale *= step.learning_rate * correction * (1 - self.beta1) / (1 - self.beta1**step.number)
        w -= scale
