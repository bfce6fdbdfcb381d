"""The softmax loss."""

import numpy as np

from fcframe import Example, Loss
from fcframe_standard.metrics.accuracy import Accuracy


class SoftmaxLoss(Loss):
    """Cross-entropy of softmax(scores), the mean over the minibatch of −log of the true class's probability.

    Shapes: scores (N, C); y (N,) integers with 0 ≤ y < C.

    >>> from fcframe import Context
    >>> loss, dscores = SoftmaxLoss().value_and_grad(np.log([[1.0, 3.0], [1.0, 1.0]]), np.array([0, 0]), Context())
    >>> round(loss, 6)  # the mean of log 4 and log 2
    1.039721
    """

    type = "softmax"
    metric = Accuracy()
    examples = (Example(),)

    def check_scores(self, output_shape):
        if len(output_shape) != 1:
            raise ValueError("it takes one score a class, shape (C,)")

    def check_labels(self, y, output_shape):
        classes = output_shape[0]
        if y.ndim != 1 or y.dtype.kind not in "iu":
            raise ValueError(f"labels are integers of shape (N,), got {y.dtype} of shape {y.shape}")
        wrong = np.flatnonzero((y < 0) | (y >= classes))
        if len(wrong):
            raise ValueError(
                f"label {y[wrong[0]]} in row {wrong[0]} is out of range: {classes} scores an example mean labels 0 to "
                f"{classes - 1} ({len(wrong)} of {len(y)} labels are wrong)"
            )

    def value_and_grad(self, scores, y, ctx):
        N = len(scores)
        if N == 0:
            return 0.0, np.zeros_like(scores)
        # A row for each class: NumPy walks along many examples much faster than along few classes.
        columns = ctx.empty("columns", scores.shape[::-1])
        columns[...] = scores.T
        columns -= np.maximum.reduce(columns)
        numbers = columns.reshape(-1)
        true = np.multiply(y, N, dtype=np.intp)  # where each row's true class lies, whatever kind of integer y has
        true += np.arange(N)
        chosen = numbers[true]
        np.exp(columns, out=columns)
        sums = ctx.kernels.sum_rows(columns, out=ctx.empty("sums", (N,)))
        losses = np.log(sums)
        losses -= chosen
        numbers[true] -= sums
        sums *= N
        columns /= sums
        return float(np.add.reduce(losses)) / N, columns.T
