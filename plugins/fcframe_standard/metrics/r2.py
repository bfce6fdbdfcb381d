"""The coefficient of determination."""

import numpy as np

from fcframe import Example, Metric, Numbers

ROUNDING = 4
"""How many steps of the type's precision may lie between numbers that are equal but for rounding."""


class R2(Metric):
    """Coefficient of determination, 1 − Σ(y − scores)² / Σ(y − mean of y)², over all numbers of all rows.

    1 is perfect, 0 as good as always answering the mean. Where y is constant, 1 if the scores equal it, else 0; numbers
    that differ by rounding alone count as equal there.

    Shapes: scores (N, …); y the same, or (N,).

    >>> R2().value(np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 4.0])).__round__(3)
    0.786
    >>> R2().value(np.array([[0.1], [0.2]]), np.array([0.1, 0.1]))
    0.0
    """

    type = "r2"
    label = "r2"
    targets = Numbers()
    examples = (Example(),)

    def value(self, scores, y):
        y = y.reshape(scores.shape)
        rounding = _rounding(y)
        spread = np.square(y - y.mean(axis=0, dtype=np.float64)).sum(axis=0)
        # the mean of equal numbers is rounded too: what is left of their spread is noise
        varies = np.subtract(y.max(axis=0), y.min(axis=0), dtype=np.float64) > rounding
        if not varies.any():
            return float((np.abs(y - scores) <= rounding).all())
        residual = float(np.square(y - scores, dtype=np.float64).sum())
        return 1 - residual / float(spread[varies].sum())

    def naive(self, scores, y):
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


def _rounding(y):
    """How far apart numbers of each column may be that are equal but for rounding."""
    precision = np.finfo(y.dtype).eps if y.dtype.kind == "f" else 0
    return np.asarray(ROUNDING * precision * np.abs(y).max(axis=0))
