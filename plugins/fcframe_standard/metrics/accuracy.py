"""Accuracy."""

from fcframe import Classes, Example, Metric


class Accuracy(Metric):
    """The share of rows whose highest score is the true class's; of equal scores the first counts.

    Shapes: scores (N, C); y (N,) integers.

    >>> import numpy as np
    >>> Accuracy().value(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """

    type = "accuracy"
    label = "acc"
    targets = Classes()
    examples = (Example(),)

    def value(self, scores, y):
        return float((scores.argmax(axis=1) == y).mean())

    def naive(self, scores, y):
        return sum(list(row).index(max(row)) == label for row, label in zip(scores, y, strict=True)) / len(y)
