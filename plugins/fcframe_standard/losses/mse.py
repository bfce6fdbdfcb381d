"""Mean squared error."""

import numpy as np

from fcframe import Array, Context, Example, Loss, Numbers
from fcframe_standard.metrics.r2 import R2


class MSE(Loss):
    """Mean squared error, the mean of (scores − y)² over the minibatch and over the scores of each example.

    With example weights w it is the weighted mean Σ wᵢ lossᵢ / Σ wᵢ over the minibatch.

    Shapes: scores (N, …); y of the same shape, or (N,) if an example has one score.

    >>> MSE().value_and_grad(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]), Context())
    (2.0, array([[ 0., -2.]]))
    """

    type = "mse"
    also_called = ("mean_squared_error", "squared_error", "l2_loss")
    targets = Numbers()
    takes_weights = True
    metric = R2()
    examples = (Example(),)

    def value_and_grad(self, scores: Array, y: Array, ctx: Context) -> tuple[float, Array]:
        dscores = np.subtract(scores, y.reshape(scores.shape), out=ctx.empty("dscores", scores.shape))
        if ctx.weights is None:
            loss = np.vdot(dscores, dscores) / scores.size
            dscores *= 2 / scores.size
            return float(loss), dscores
        numbers = scores.size // len(scores)
        share = ctx.weights / (ctx.weights.sum() * numbers)  # the weight of each squared error
        share = share.reshape(-1, *[1] * (scores.ndim - 1))
        loss = np.vdot(dscores * share, dscores)
        dscores *= 2 * share
        return float(loss), dscores
