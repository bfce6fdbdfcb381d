"""Stochastic gradient descent."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeFloat

from fcframe import Array, Example, Optimizer, Step


class SGD(Optimizer):
    """Stochastic gradient descent with momentum: v ← momentum · v + dw, then w ← w − learning_rate · v.

    With momentum 0, the default, v is dw itself. Sutskever et al., "On the importance of initialization and momentum in
    deep learning", 2013, section 2; here the learning rate multiplies v, not dw.

    >>> w = np.array([1.0])
    >>> SGD(learning_rate=0.5).update(w, np.array([2.0]), {}, Step(number=1, learning_rate=0.5))
    >>> w
    array([0.])
    """

    type = "sgd"
    examples = (Example(learning_rate=0.05), Example(learning_rate=0.02, momentum=0.9))
    scratch = ("change",)
    uses_decay = False
    also_called = ("gradient_descent", "momentum")

    learning_rate: NonNegativeFloat = 1e-2
    """Step size, before the schedule's factor."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the velocity v that is kept in each step."""

    def slots(self) -> tuple[str, ...]:
        return ("v",) if self.momentum else ()

    def update(self, w: Array, dw: Array, slots: Mapping[str, Array], step: Step) -> None:
        if self.momentum:
            v = slots["v"]
            v *= self.momentum
            v += dw
            dw = v
        w -= np.multiply(dw, step.learning_rate, out=slots.get("change"))
