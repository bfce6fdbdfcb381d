"""The coefficient of determination."""

import numpy as np

from fcframe import Array, Example, Metric, Numbers

ROUNDING = 4
"""Numbers count as equal if they differ by at most this many machine epsilons, relative to the largest."""


class R2(Metric):
    """Coefficient of determination, 1 − Σ(y − scores)² / Σ(y − ȳ)², with ȳ the mean of each output over the examples.

    The sums go over all examples and outputs. 1 is perfect, and 0 is as good as always predicting ȳ. If y is constant,
    the result is 1 where the scores equal y up to rounding, and 0 otherwise.

    Shapes: scores (N, …); y of the same shape, or (N,) if an example has one score.

    >>> round(R2().value(np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 4.0])), 3)
    0.786
    >>> R2().value(np.array([[0.1], [0.2]]), np.array([0.1, 0.1]))
    0.0
    """

    type = "r2"
    label = "r2"
    targets = Numbers()
    examples = (Example(),)

    def value(self, scores: Array, y: Array) -> float:
        y = y.reshape(scores.shape)
        rounding = _rounding(y)
        spread = np.square(y - y.mean(axis=0, dtype=np.float64)).sum(axis=0)
        # the mean of equal numbers is rounded, so their computed spread may be slightly above 0
        varies = np.subtract(y.max(axis=0), y.min(axis=0), dtype=np.float64) > rounding
        if not varies.any():
            return float((np.abs(y - scores) <= rounding).all())
        residual = float(np.square(y - scores, dtype=np.float64).sum())
        return 1 - residual / float(spread[varies].sum())

    def naive(self, scores: Array, y: Array) -> float:
        residual = spread = 0.0
        equal, rounding = True, _rounding(y.reshape(scores.shape)).ravel()
        scores, y = (array.reshape(len(y), -1).astype(np.float64) for array in (scores, y))
        columns = zip(scores.T, y.T, rounding, strict=True)
        for column, targets, unit in columns:
            mean = sum(targets) / len(targets)
            constant = max(targets) - min(targets) <= unit
            for score, target in zip(column, targets, strict=True):
                residual += (target - score) ** 2
                spread += 0 if constant else (target - mean) ** 2
                equal = equal and abs(target - score) <= unit
        return 1 - residual / spread if spread else float(equal)


def _rounding(y: Array) -> Array:
    """The largest difference, for each output, at which numbers count as equal."""
    precision = np.finfo(y.dtype).eps if y.dtype.kind == "f" else 0
    return np.asarray(ROUNDING * precision * np.abs(y).max(axis=0))
