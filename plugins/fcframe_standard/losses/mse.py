"""Mean squared error."""

import numpy as np

from fcframe import Example, Loss
from fcframe_standard.metrics.r2 import R2


class MSE(Loss):
    """Mean squared error, the mean of (scores − y)² over the minibatch and over each example's numbers.

    Shapes: scores (N, …); y the same, or (N,) where an example has one score.

    >>> from fcframe import Context
    >>> MSE().value_and_grad(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]]), Context())
    (2.0, array([[ 0., -2.]]))
    """

    type = "mse"
    metric = R2()
    examples = (Example(),)

    def check_labels(self, y, output_shape):
        single = y.ndim == 1 and np.prod(output_shape) == 1
        if y.dtype.kind not in "fiu" or (y.shape[1:] != tuple(output_shape) and not single):
            raise ValueError(f"targets are numbers of shape (N, {str(output_shape)[1:-1]}), got {y.dtype} of {y.shape}")
        wrong = np.argwhere(~np.isfinite(y))
        if len(wrong):
            raise ValueError(f"target {y[tuple(wrong[0])]} in row {wrong[0][0]} is not finite")

    def value_and_grad(self, scores, y, ctx):
        if scores.size == 0:
            return 0.0, np.zeros_like(scores)
        dscores = np.subtract(scores, y.reshape(scores.shape), out=ctx.empty("dscores", scores.shape))
        loss = np.vdot(dscores, dscores) / scores.size
        dscores *= 2 / scores.size
        return float(loss), dscores
