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
        highest = np.maximum.reduce(scores, axis=1, keepdims=True)
        dscores = np.subtract(scores, highest, out=ctx.empty("dscores", scores.shape))
        numbers = dscores.reshape(-1)
        starts = np.arange(0, numbers.size, scores.shape[1])
        true = np.add(starts, y, dtype=np.intp)  # where each row's true class lies, whatever kind of integer y has
        loss = -np.add.reduce(numbers[true])
        np.exp(dscores, out=dscores)
        sums = np.add.reduce(dscores, axis=1, keepdims=True)
        loss += np.add.reduce(np.log(sums), axis=None)
        dscores /= sums * N
        numbers[true] -= 1 / N
        return float(loss / N), dscores
