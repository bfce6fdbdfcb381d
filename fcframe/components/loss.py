"""The contracts of what a network is trained on and measured by: metric, loss and regularizer."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from fcframe.components.base import Component, Shape
from fcframe.context import Array, Context


class Metric(Component):
    """How good scores are, for a person to read. It need not be differentiable.

    >>> import numpy as np
    >>> class Error(Metric):
    ...     type, label, higher_is_better = "error", "err", False
    ...     def value(self, scores, y):
    ...         return float((scores.argmax(axis=1) != y).mean())
    >>> Error().value(np.array([[0.1, 0.9]]), np.array([0]))
    1.0
    """

    kind = "metric"
    plural = "metrics"
    label: ClassVar[str]
    """The short name under which results and progress show it: "acc"."""
    higher_is_better: ClassVar[bool] = True
    """Which way is better when the best parameters are kept."""

    @abstractmethod
    def value(self, scores: Array, y: Array) -> float:
        """The metric of all N rows of scores (N, *output_shape) against their N labels; N is at least 1."""

    def naive(self, scores: Array, y: Array) -> float | None:
        """The same, written as it is defined, row by row and without haste; the harness compares. None by default.

        >>> def naive(self, scores, y):
        ...     wrong = sum(list(row).index(max(row)) != label for row, label in zip(scores, y))
        ...     return wrong / len(y)
        """
        return None

    def example_labels(self, N: int, output_shape: Shape, rng: "np.random.Generator") -> Array | None:
        """As for a loss."""
        return None


class Loss(Component):
    """What training makes small: the mean over the minibatch of how wrong each row of scores is.

    >>> import numpy as np
    >>> class Linear(Loss):
    ...     type = "linear"
    ...     def value_and_grad(self, scores, y, ctx):
    ...         N = max(1, len(scores))
    ...         return float((scores * y).sum() / N), y / N
    >>> Linear().value_and_grad(np.array([[2.0]]), np.array([[3.0]]), Context())
    (6.0, array([[3.]]))
    """

    kind = "loss"
    plural = "losses"
    metric: ClassVar["Metric | None"] = None
    """What an evaluation reports beside the loss, unless the spec names another metric."""

    def check_scores(self, output_shape: Shape) -> None:
        """Refuses a network whose scores, of this shape per example, the loss cannot take.

        Raises:
            ValueError: Says which shapes it takes.
        """

    def check_labels(self, y: Array, output_shape: Shape) -> None:
        """Refuses labels that do not fit scores of `output_shape`; called once for a data set, not in the step.

        Raises:
            ValueError: Says which label is wrong, and where.
        """

    def example_labels(self, N: int, output_shape: Shape, rng: "np.random.Generator") -> Array | None:
        """Labels of N rows for the harness to check with; None, the default, lets it try the usual kinds.

        Those are classes, real and positive numbers, counts, shares, 0 or 1, and signs; one a row or one a score.
        """
        return None

    @abstractmethod
    def value_and_grad(self, scores: Array, y: Array, ctx: Context) -> tuple[float, Array]:
        """The mean loss over the minibatch, and its gradient.

        Args:
            scores: (N, *output_shape), unchanged on return.
            y: N labels that `check_labels` has accepted, unchanged on return.
            ctx: Gives reusable arrays.

        Returns:
            The loss (0.0 for N = 0) and dscores, in the shape and dtype of scores.
        """


class Regularizer(Component):
    """A penalty on a weight, added to the loss; it acts on every parameter with `decay=True`.

    >>> import numpy as np
    >>> class L1(Regularizer):
    ...     type = "l1"
    ...     def value_and_grad(self, w, ctx):
    ...         return float(np.abs(w).sum()), np.sign(w)
    >>> L1().value_and_grad(np.array([-2.0, 3.0]), Context())
    (5.0, array([-1.,  1.]))
    """

    kind = "regularizer"
    plural = "regularizers"

    @abstractmethod
    def value_and_grad(self, w: Array, ctx: Context) -> tuple[float, Array]:
        """The penalty on one parameter, and its gradient in w's shape and dtype; w is unchanged on return."""
