"""Gradient clipping."""

from typing import Annotated, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from fcframe import Example, FlatArrays, Observer, Rejected, Training


class ClipGradients(Observer):
    """Gradient clipping: in each step, clips every element to [−value, value], then the global norm to `norm`.

    The global norm is that of all gradients g as one vector: g ← g · min(1, norm / ‖g‖₂). Pascanu, Mikolov and Bengio,
    "On the difficulty of training recurrent neural networks", 2013, algorithm 1.

    >>> from types import SimpleNamespace
    >>> gradients = SimpleNamespace(flat=np.array([3.0, -4.0]))
    >>> ClipGradients(norm=1.0).watch(training=None).gradients(None, gradients)
    >>> gradients.flat
    array([ 0.6, -0.8])
    """

    type = "clip_gradients"
    also_called = ("clip", "gradient_clipping", "clip_grad_norm", "clipnorm")
    examples = (Example(norm=1.0), Example(value=0.5), Example(norm=2.0, value=0.1))
    rejected = (Rejected("norm or value"),)

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["norm"], "properties": {"norm": {"type": "number"}}},
                {"required": ["value"], "properties": {"value": {"type": "number"}}},
            ]
        }
    )

    norm: Annotated[float, Field(gt=0)] | None = None
    """Largest global norm."""
    value: Annotated[float, Field(gt=0)] | None = None
    """Largest absolute value of an element."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.norm is None and self.value is None:
            raise ValueError("norm or value is required, or both")
        return self

    def watch(self, training: Training) -> "_Clipping":
        return _Clipping(self.norm, self.value)


class _Clipping:
    def __init__(self, norm: float | None, value: float | None) -> None:
        self.norm, self.value = norm, value

    def gradients(self, training: Training, gradients: FlatArrays) -> None:
        g = gradients.flat
        if self.value is not None:
            np.clip(g, -self.value, self.value, out=g)
        if self.norm is not None:
            norm = float(np.linalg.norm(g))
            if not np.isfinite(norm):  # the sum of squares overflows float32
                norm = float(np.linalg.norm(g.astype(np.float64)))
            if norm > self.norm:
                g *= self.norm / norm
