"""Mean squared error."""

import numpy as np

from fcframe import Example, Loss, Numbers
from fcframe_standard.metrics.r2 import R2


class MSE(Loss):
    """Mean squared error, the mean of (scores − y)² over the minibatch and over each example's numbers.

    Shapes: scores (N, …); y the same, or (N,) where an example has one score.

    >>> from fcframe import Context
    >>> MSE().value_and_grad(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]), Context())
    (2.0, array([[ 0., -2.]]))
    """

    type = "mse"
    also_called = ("mean_squared_error", "squared_error", "l2_loss")
    targets = Numbers()
    takes_weights = True
    metric = R2()
    examples = (Example(),)

    def value_and_grad(self, scores, y, ctx):
        dscores = np.subtract(scores, y.reshape(scores.shape), out=ctx.empty("dscores", scores.shape))
        if ctx.weights is None:
            loss = np.vdot(dscores, dscores) / scores.size
            dscores *= 2 / scores.size
            return float(loss), dscores
        numbers = scores.size // len(scores)
        share = ctx.weights / (ctx.weights.sum() * numbers)  # of each number in the mean
        share = share.reshape(-1, *[1] * (scores.ndim - 1))
        loss = np.vdot(dscores * share, dscores)
        dscores *= 2 * share
        return float(loss), dscores
