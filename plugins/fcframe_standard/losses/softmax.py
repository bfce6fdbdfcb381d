"""The softmax loss."""

import numpy as np
from pydantic import NonNegativeFloat, NonNegativeInt

from fcframe import Array, Classes, Context, Example, Loss, Shape
from fcframe_standard.metrics.accuracy import Accuracy


class SoftmaxLoss(Loss):
    """Softmax cross-entropy, the mean over the minibatch of −log softmax(scores)[y].

    With class weights or example weights w it is the weighted mean Σ wᵢ lossᵢ / Σ wᵢ over the minibatch.

    Shapes: scores (N, C); y (N,), integers with 0 ≤ y < C.

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

    class_weights: tuple[NonNegativeFloat, ...] | dict[NonNegativeInt, NonNegativeFloat] | None = None
    """Weight of each class: a list with one number per class, or an object that maps numbers of classes to
    weights, as in {"2": 3.5}, in which a missing class has weight 1."""

    def check_scores(self, output_shape: Shape) -> None:
        super().check_scores(output_shape)
        C, weights = output_shape[0], self.class_weights
        if isinstance(weights, dict) and not all(0 <= label < C for label in weights):
            wrong = next(label for label in weights if not 0 <= label < C)
            raise ValueError(f"class_weights names class {wrong}, but there are {C} scores: classes 0 to {C - 1}")
        if isinstance(weights, tuple) and len(weights) != C:
            raise ValueError(f"class_weights has {len(weights)} numbers, but there are {C} scores, one for each class")

    def value_and_grad(self, scores: Array, y: Array, ctx: Context) -> tuple[float, Array]:
        N = len(scores)
        # One row per class: NumPy is much faster along many examples than along few classes.
        columns = ctx.empty("columns", scores.shape[::-1])
        columns[...] = scores.T
        columns -= np.maximum.reduce(columns)
        numbers = columns.reshape(-1)
        true = np.multiply(y, N, dtype=np.intp)  # flat index of each example's true class; y has any integer dtype
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

    def _shares(self, y: Array, scores: Array, ctx: Context) -> Array | None:
        """Each example's weight in the mean, wᵢ / Σ w; None if all are equal."""
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
        return weights / total if total > 0 else np.zeros_like(weights)  # all weights of this minibatch are 0
