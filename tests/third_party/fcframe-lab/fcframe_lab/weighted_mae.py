"""A loss that takes weights, and declares its targets."""

import numpy as np

from fcframe import Example, Loss, Numbers


class WeightedMAE(Loss):
    """Mean absolute error, the weighted mean over the minibatch of the mean of |scores − y| over an example's numbers.

    Shapes: scores (N, …); y the same, or (N,) where an example has one score.
    """

    type = "weighted_mae"
    targets = Numbers()
    takes_weights = True
    examples = (Example(),)

    def value_and_grad(self, scores, y, ctx):
        N = len(scores)
        weights = np.ones(N, scores.dtype) if ctx.weights is None else ctx.weights
        share = (weights / weights.sum()).reshape(N, *[1] * (scores.ndim - 1)) * (N / scores.size)
        off = scores - y.reshape(scores.shape)
        return float((share * np.abs(off)).sum()), (share * np.sign(off)).astype(scores.dtype)
