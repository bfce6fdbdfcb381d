"""The softmax loss."""

import numpy as np
from pydantic import NonNegativeFloat

from fcframe import Classes, Example, Loss
from fcframe_standard.metrics.accuracy import Accuracy


class SoftmaxLoss(Loss):
    """Cross-entropy of softmax(scores), the mean over the minibatch of −log of the true class's probability.

    With class weights, or weights of examples, the mean is a weighted one: Σ wᵢ lossᵢ / Σ wᵢ.

    Shapes: scores (N, C); y (N,) integers with 0 ≤ y < C.

    >>> from fcframe import Context
    >>> loss, dscores = SoftmaxLoss().value_and_grad(np.log([[1.0, 3.0], [1.0, 1.0]]), np.array([0, 0]), Context())
    >>> round(loss, 6)  # the mean of log 4 and log 2
    1.039721
    """

    type = "softmax"
    also_called = ("cross_entropy", "crossentropy", "softmax_cross_entropy", "categorical_crossentropy", "log_loss")
    targets = Classes()
    takes_weights = True
    metric = Accuracy()
    examples = (Example(), Example(class_weights=(0.5, 2.0, 1.0, 3.0)), Example(class_weights={1: 2.5}))

    class_weights: tuple[NonNegativeFloat, ...] | dict[int, NonNegativeFloat] | None = None
    """Weight of each class: a list with one number for each class, or an object from class to weight, where a class
    that is not named has weight 1."""

    def check_scores(self, output_shape):
        super().check_scores(output_shape)
        C, weights = output_shape[0], self.class_weights
        if isinstance(weights, dict) and not all(0 <= label < C for label in weights):
            wrong = next(label for label in weights if not 0 <= label < C)
            raise ValueError(f"class_weights names class {wrong}, but there are {C} scores: classes 0 to {C - 1}")
        if isinstance(weights, tuple) and len(weights) != C:
            raise ValueError(f"class_weights has {len(weights)} numbers, but there are {C} scores, one for each class")

    def value_and_grad(self, scores, y, ctx):
        N = len(scores)
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
        shares = self._shares(y, scores, ctx)
        if shares is None:
            sums *= N
            columns /= sums
            return float(np.add.reduce(losses)) / N, columns.T
        columns *= shares / sums
        return float(np.vdot(losses, shares)), columns.T

    def _shares(self, y, scores, ctx):
        """Each example's share of the weighted mean; None where all count the same."""
        weights = ctx.weights
        if self.class_weights is not None:
            of_class = np.ones(scores.shape[1], scores.dtype)
            given = self.class_weights
            for label, weight in given.items() if isinstance(given, dict) else enumerate(given):
                of_class[label] = weight
            weights = of_class[y] if weights is None else of_class[y] * weights
        if weights is None:
            return None
        total = weights.sum()
        return weights / total if total > 0 else np.zeros_like(weights)  # a minibatch of examples that do not count
