"""Accuracy."""

from fcframe import Array, Classes, Example, Metric


class Accuracy(Metric):
    """Accuracy, the share of examples whose highest score is that of the true class; of equal scores the first counts.

    Shapes: scores (N, C); y (N,), integers with 0 ≤ y < C.

    >>> import numpy as np
    >>> Accuracy().value(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """

    type = "accuracy"
    label = "acc"
    targets = Classes()
    examples = (Example(),)

    def value(self, scores: Array, y: Array) -> float:
        return float((scores.argmax(axis=1) == y).mean())

    def naive(self, scores: Array, y: Array) -> float:
        right = [list(row).index(max(row)) == label for row, label in zip(scores, y, strict=True)]
        return right.count(True) / len(right)
