"""Muon."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveInt

from fcframe import AnyOptimizer, Array, Example, Optimizer, Step
from fcframe_standard.optimizers.adam import Adam

# Coefficients of a x + b x³ + c x⁵, which moves singular values x towards 1 when it is applied repeatedly.
A, B, C = 3.4445, -4.7750, 2.0315


class Muon(Optimizer):
    """Muon: momentum, orthogonalized by a Newton–Schulz iteration, for matrices; `others` updates the other parameters.

    w ← w − learning_rate · sqrt(max(1, rows / columns)) · U Vᵀ, where U S Vᵀ is the singular value decomposition of the
    gradient with Nesterov momentum. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.

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
    """Step size for matrices, before the schedule's factor."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.95
    """Share of the velocity v that is kept in each step."""
    iterations: PositiveInt = 5
    """Number of Newton–Schulz iterations."""
    others: AnyOptimizer = Adam()
    """Optimizer of parameters that are not matrices, such as biases; the schedule acts on its learning rate too."""

    def slots(self) -> tuple[str, ...]:
        return ("v", *(f"others.{name}" for name in self.others.slots()))

    def update(self, w: Array, dw: Array, slots: Mapping[str, Array], step: Step) -> None:
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


def orthogonalized(matrix: Array, iterations: int) -> Array:
    """Approximately U Vᵀ, for the singular value decomposition U S Vᵀ of the matrix; zeros stay zeros."""
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x: Array = wide / (np.linalg.norm(wide) + 1e-7)
    for _ in range(iterations):
        gram = x @ x.T
        x = A * x + (B * gram + C * (gram @ gram)) @ x
    return x if wide is matrix else x.T
