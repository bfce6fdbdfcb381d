"""AdamW."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat

from fcframe import Array, Example, Optimizer, Step
from fcframe_standard.optimizers.adam import Adam, Decay


class AdamW(Optimizer):
    """Adam with decoupled weight decay: w ← w − learning_rate · weight_decay · w, then Adam's step.

    The decay does not depend on the gradients, and acts on weights, not on biases and scales. Loshchilov and Hutter,
    "Decoupled Weight Decay Regularization", 2019, algorithm 2; learning_rate includes the schedule's factor.

    >>> import numpy as np
    >>> w = np.array([1.0])
    >>> slots = {"m": np.zeros(1), "v": np.zeros(1)}
    >>> AdamW(weight_decay=0.5).update(w, np.zeros(1), slots, Step(number=1, learning_rate=0.1))
    >>> w.round(6)
    array([0.95])
    """

    type = "adamw"
    examples = (
        Example(learning_rate=0.01),
        Example(learning_rate=0.02, beta1=0.8, beta2=0.95, eps=1e-6, weight_decay=0.1),
    )
    scratch = Adam.scratch

    beta1: Decay = 0.9
    """Share of m, the running mean of the gradient, that is kept in each step."""
    beta2: Decay = 0.999
    """Share of v, the running mean of the squared gradient, that is kept in each step."""
    eps: PositiveFloat = 1e-8
    """Added to √v, to avoid a division by zero for a parameter without gradient."""
    weight_decay: Annotated[NonNegativeFloat, Field(lt=1e3)] = 1e-2
    """λ: the share of each weight that a step with learning rate 1 subtracts."""

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def update(self, w: Array, dw: Array, slots: Mapping[str, Array], step: Step) -> None:
        if step.decay:
            w *= 1 - step.learning_rate * self.weight_decay
        adam = Adam.model_construct(beta1=self.beta1, beta2=self.beta2, eps=self.eps)
        adam.update(w, dw, slots, step)
