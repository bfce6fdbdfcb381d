"""Muon."""

from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveInt

from fcframe import AnyOptimizer, Example, Optimizer
from fcframe_standard.optimizers.adam import Adam

# Coefficients of the odd polynomial that drives singular values towards 1.
A, B, C = 3.4445, -4.7750, 2.0315


class Muon(Optimizer):
    """Momentum orthogonalized by a Newton–Schulz iteration, for matrices; another optimizer serves the rest.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024: Nesterov momentum, then about
    U Vᵀ of its singular value decomposition, scaled by sqrt(max(1, rows / columns)).

    >>> from fcframe import Step
    >>> w = np.eye(2)
    >>> Muon().update(w, np.eye(2), {"v": np.zeros((2, 2))}, Step(number=1, learning_rate=0.1))
    >>> bool((np.diag(w) < 1).all())
    True
    """

    type = "muon"
    examples = (
        Example(learning_rate=0.02),
        Example(learning_rate=0.01, momentum=0.8, iterations=6),
    )
    per_tensor = True

    learning_rate: NonNegativeFloat = 0.02
    """The step size of matrices before the schedule's factor."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.95
    """Share of the velocity v that is kept in each step."""
    iterations: PositiveInt = 5
    """Newton–Schulz iterations."""
    others: AnyOptimizer = Adam()
    """Optimizer of parameters that are not matrices, such as biases; its own learning rate, on the same schedule."""

    def slots(self):
        return ("v", *(f"others.{name}" for name in self.others.slots()))

    def update(self, w, dw, slots, step):
        if w.ndim != 2:
            inner = {name: slots[f"others.{name}"] for name in self.others.slots()}
            factor = step.learning_rate / self.learning_rate if self.learning_rate else 0.0
            self.others.update(w, dw, inner, step._replace(learning_rate=factor * self.others.learning_rate))
            return
        v = slots["v"]
        v *= self.momentum
        v += dw
        direction = orthogonalized(dw + self.momentum * v, self.iterations)
        w -= step.learning_rate * max(1.0, w.shape[0] / w.shape[1]) ** 0.5 * direction


def orthogonalized(matrix, iterations):
    """About the nearest matrix with orthonormal rows or columns; zeros stay zeros."""
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = wide / (np.linalg.norm(wide) + 1e-7)
    for _ in range(iterations):
        gram = x @ x.T
        x = A * x + (B * gram + C * (gram @ gram)) @ x
    return x if wide is matrix else x.T
