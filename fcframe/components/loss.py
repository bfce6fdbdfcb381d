"""The contracts of losses, metrics and regularizers."""

from abc import abstractmethod
from typing import Annotated, ClassVar, TypeAlias

from fcframe.components.base import Component, Shape
from fcframe.components.fields import AnyOf
from fcframe.components.targets import Targets
from fcframe.context import Array, Context


class LossOrMetric(Component):
    """Base class of losses and metrics: they compare scores with targets, and declare the kind of targets."""

    targets: ClassVar[Targets | None] = None
    """The kind of targets in y: Classes(), Numbers(), Binary() and so on. None: not declared; then scores and targets
    are not checked, and the harness tries every kind of target."""

    def check_scores(self, output_shape: Shape) -> None:
        """Refuses scores of a wrong shape (N, *output_shape).

        Raises:
            ValueError: The shape is wrong; the message describes the right ones.
        """
        if self.targets is not None:
            self.targets.row_shape(output_shape)

    def check_labels(self, y: Array, output_shape: Shape) -> None:
        """Refuses targets that do not fit scores of shape (N, *output_shape). Called once for a data set, not per step.

        Raises:
            ValueError: A target is wrong; the message has its value and row.
        """
        if self.targets is not None:
            self.targets.check(y, output_shape)


class Metric(LossOrMetric):
    """A measure of the quality of scores, such as accuracy. It need not be differentiable.

    >>> import numpy as np
    >>> from fcframe import Classes
    >>> class Error(Metric):
    ...     type, label, higher_is_better = "error", "err", False
    ...     targets = Classes()
    ...     def value(self, scores, y):
    ...         return float((scores.argmax(axis=1) != y).mean())
    >>> Error().value(np.array([[0.1, 0.9]]), np.array([0]))
    1.0
    """

    kind = "metric"
    plural = "metrics"
    label: ClassVar[str]
    """Short name in results and progress lines: "acc"."""
    higher_is_better: ClassVar[bool] = True
    """Whether a higher value is better, for the choice of the best parameters."""

    @abstractmethod
    def value(self, scores: Array, y: Array) -> float:
        """The metric of scores (N, *output_shape) and their N targets; N is at least 1."""

    def naive(self, scores: Array, y: Array) -> float | None:
        """The metric by its definition, row by row; the harness compares `value` with it. Default: None, no comparison.

        >>> def naive(self, scores, y):
        ...     wrong = sum(list(row).index(max(row)) != label for row, label in zip(scores, y))
        ...     return wrong / len(y)
        """
        return None


class Loss(LossOrMetric):
    """The function that training minimizes: a mean over the examples of the minibatch.

    >>> import numpy as np
    >>> from fcframe import Numbers
    >>> class Linear(Loss):
    ...     type, targets = "linear", Numbers()
    ...     def value_and_grad(self, scores, y, ctx):
    ...         N = len(scores)
    ...         return float((scores * y).sum() / N), y / N
    >>> Linear().value_and_grad(np.array([[2.0]]), np.array([[3.0]]), Context())
    (6.0, array([[3.]]))
    """

    kind = "loss"
    plural = "losses"
    metric: ClassVar["Metric | None"] = None
    """Metric that evaluations report if the spec names none."""
    takes_weights: ClassVar[bool] = False
    """Whether `value_and_grad` uses `ctx.weights` for a weighted mean."""

    @abstractmethod
    def value_and_grad(self, scores: Array, y: Array, ctx: Context) -> tuple[float, Array]:
        """The mean loss over the minibatch, and its gradient.

        Args:
            scores: (N, *output_shape) with N at least 1, unchanged on return.
            y: N targets that `check_labels` has accepted, unchanged on return.
            ctx: Provides work arrays, and the example weights `ctx.weights`: (N,) or None. With weights w the loss is
                Σ wᵢ lossᵢ / Σ wᵢ. Only a loss with `takes_weights = True` receives weights.

        Returns:
            The loss, and dscores in the shape and dtype of scores.
        """


class Regularizer(Component):
    """A penalty on weights that is added to the loss; it applies to every parameter with `decay=True`.

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
        """The penalty on one parameter w, and its gradient in w's shape and dtype; w is unchanged on return."""


AnyMetric: TypeAlias = Annotated[Metric, AnyOf(Metric)]
AnyLoss: TypeAlias = Annotated[Loss, AnyOf(Loss)]
AnyRegularizer: TypeAlias = Annotated[Regularizer, AnyOf(Regularizer)]
