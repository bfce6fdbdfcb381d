"""AdamW."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat

from fcframe import Example, Optimizer
from fcframe_standard.optimizers.adam import Adam, Decay


class AdamW(Optimizer):
    """Adam with decoupled weight decay: w ← w − learning_rate · weight_decay · w, then Adam's step.

    Weights shrink by the same share whatever their gradients are; biases and scales do not shrink. Loshchilov and
    Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2, with the schedule's factor in learning_rate.

    >>> import numpy as np
    >>> from fcframe import Step
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
    """Added to sqrt(v), so that a parameter without gradient does not divide by 0."""
    weight_decay: Annotated[NonNegativeFloat, Field(lt=1e3)] = 1e-2
    """λ: the share of each weight that is subtracted in a step of learning rate 1."""

    def slots(self):
        return ("m", "v")

    def update(self, w, dw, slots, step):
        if step.decay:
            w *= 1 - step.learning_rate * self.weight_decay
        adam = Adam.model_construct(beta1=self.beta1, beta2=self.beta2, eps=self.eps)
        adam.update(w, dw, slots, step)
