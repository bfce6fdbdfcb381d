"""The L2 penalty."""

import numpy as np
from pydantic import NonNegativeFloat

from fcframe import Example, Regularizer


class L2(Regularizer):
    """Weight decay, ½ · strength · ΣW² over weights; biases and scales are left alone.

    >>> from fcframe import Context
    >>> L2(strength=0.5).value_and_grad(np.array([2.0, 4.0]), Context())
    (5.0, array([1., 2.]))
    """

    type = "l2"
    examples = (Example(strength=0.3),)

    strength: NonNegativeFloat = 1e-3
    """λ: how strongly weights are drawn towards 0."""

    def value_and_grad(self, w, ctx):
        dw = np.multiply(w, self.strength, out=ctx.empty("dw", w.shape))
        return 0.5 * self.strength * float(np.vdot(w, w)), dw
