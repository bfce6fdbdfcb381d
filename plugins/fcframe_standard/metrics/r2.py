"""The coefficient of determination."""

import numpy as np

from fcframe import Example, Metric, Numbers


class R2(Metric):
    """Coefficient of determination, 1 − Σ(y − scores)² / Σ(y − mean of y)², over all numbers of all rows.

    1 is perfect, 0 as good as always answering the mean. Where y is constant: 1 if the scores equal it, else 0.

    Shapes: scores (N, …); y the same, or (N,).

    >>> R2().value(np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 4.0])).__round__(3)
    0.786
    """

    type = "r2"
    label = "r2"
    targets = Numbers()
    examples = (Example(),)

    def value(self, scores, y):
        y = y.reshape(scores.shape)
        residual = float(np.square(y - scores, dtype=np.float64).sum())
        spread = float(np.square(y - y.mean(axis=0, dtype=np.float64)).sum())
        if spread == 0:
            return float(residual == 0)
        return 1 - residual / spread

    def naive(self, scores, y):
        residual = spread = 0.0
        for column, targets in zip(scores.reshape(len(y), -1).T, y.reshape(len(y), -1).T, strict=True):
            mean = sum(targets) / len(targets)
            for score, target in zip(column, targets, strict=True):
                residual += (target - score) ** 2
                spread += (target - mean) ** 2
        return 1 - residual / spread if spread else float(residual == 0)
