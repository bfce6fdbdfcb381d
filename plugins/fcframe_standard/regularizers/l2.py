"""The L2 penalty."""

import numpy as np
from pydantic import NonNegativeFloat

from fcframe import Array, Context, Example, Regularizer


class L2(Regularizer):
    """L2 penalty, ½ · strength · ΣW² over all weights; biases and scales are not penalized.

    >>> L2(strength=0.5).value_and_grad(np.array([2.0, 4.0]), Context())
    (5.0, array([1., 2.]))
    """

    type = "l2"
    examples = (Example(strength=0.3),)

    strength: NonNegativeFloat = 1e-3
    """λ: the factor of the penalty; the larger it is, the smaller the weights become."""

    def value_and_grad(self, w: Array, ctx: Context) -> tuple[float, Array]:
        dw = np.multiply(w, self.strength, out=ctx.empty("dw", w.shape))
        return 0.5 * self.strength * float(np.vdot(w, w)), dw
