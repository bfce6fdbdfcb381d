"""Gradient clipping."""

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from fcframe import Example, Observer, Rejected


class ClipGradients(Observer):
    """Limits the gradients of each step: each number to [−value, value], then their global norm to `norm`.

    The global norm is that of all gradients as one vector, g ← g · min(1, norm / ‖g‖₂). Pascanu, Mikolov and Bengio,
    "On the difficulty of training recurrent neural networks", 2013, algorithm 1.
    """

    type = "clip_gradients"
    also_called = ("clip", "gradient_clipping", "clip_grad_norm", "clipnorm")
    examples = (Example(norm=1.0), Example(value=0.5), Example(norm=2.0, value=0.1))
    rejected = (Rejected("norm or value"),)

    norm: Annotated[float, Field(gt=0)] | None = None
    """Largest norm of all gradients together."""
    value: Annotated[float, Field(gt=0)] | None = None
    """Largest absolute value of a single number."""

    @model_validator(mode="after")
    def _limits_something(self):
        if self.norm is None and self.value is None:
            raise ValueError("it needs norm or value, or both: the largest norm, the largest absolute value")
        return self

    def watch(self, training):
        return _Clipping(self.norm, self.value)


class _Clipping:
    def __init__(self, norm, value):
        self.norm, self.value = norm, value

    def gradients(self, training, gradients):
        g = gradients.flat
        if self.value is not None:
            np.clip(g, -self.value, self.value, out=g)
        if self.norm is not None:
            norm = float(np.linalg.norm(g))
            if not np.isfinite(norm):  # the sum of squares is too large for float32
                norm = float(np.linalg.norm(g.astype(np.float64)))
            if norm > self.norm:
                g *= self.norm / norm
