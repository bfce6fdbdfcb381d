"""The contracts of what a network is trained on and measured by: metric, loss and regularizer."""

from abc import abstractmethod
from typing import Annotated, ClassVar, TypeAlias

from fcframe.components.base import Component, Shape
from fcframe.components.fields import AnyOf
from fcframe.components.targets import Targets
from fcframe.context import Array, Context


class Judge(Component):
    """What a loss and a metric share: they compare scores with targets, and declare which targets these are."""

    targets: ClassVar[Targets | None] = None
    """What y holds: Classes(), Numbers(), Binary() and so on. None means undeclared: then nothing is checked with the
    spec and the data, and the harness tries every kind of target."""

    def check_scores(self, output_shape: Shape) -> None:
        """Refuses a network whose scores, of this shape per example, cannot be taken.

        Raises:
            ValueError: Says which shapes are taken.
        """
        if self.targets is not None:
            self.targets.row_shape(output_shape)

    def check_labels(self, y: Array, output_shape: Shape) -> None:
        """Refuses targets that do not fit scores of `output_shape`; called once for a data set, not in the step.

        Raises:
            ValueError: Says which target is wrong, and in which row.
        """
        if self.targets is not None:
            self.targets.check(y, output_shape)


class Metric(Judge):
    """How good scores are, for a person to read. It need not be differentiable.

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
    """The short name under which results and progress show it: "acc"."""
    higher_is_better: ClassVar[bool] = True
    """Which way is better when the best parameters are kept."""

    @abstractmethod
    def value(self, scores: Array, y: Array) -> float:
        """The metric of all N rows of scores (N, *output_shape) against their N targets; N is at least 1."""

    def naive(self, scores: Array, y: Array) -> float | None:
        """The same as its definition says it, row by row; the harness compares both. None by default.

        >>> def naive(self, scores, y):
        ...     wrong = sum(list(row).index(max(row)) != label for row, label in zip(scores, y))
        ...     return wrong / len(y)
        """
        return None


class Loss(Judge):
    """What training minimizes: the mean over the minibatch of how wrong each row of scores is.

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
    """What an evaluation reports beside the loss, unless the spec names another metric."""
    takes_weights: ClassVar[bool] = False
    """Whether `value_and_grad` looks at `ctx.weights`, and gives the weighted mean where there are weights."""

    @abstractmethod
    def value_and_grad(self, scores: Array, y: Array, ctx: Context) -> tuple[float, Array]:
        """The mean loss over the minibatch, and its gradient.

        Args:
            scores: (N, *output_shape) with N at least 1, unchanged on return.
            y: N targets that `check_labels` has accepted, unchanged on return.
            ctx: Gives reusable arrays, and in `ctx.weights` None or the examples' weights (N,). With weights w the loss
                is Σ wᵢ lossᵢ / Σ wᵢ. Only a loss that declares `takes_weights = True` is given weights.

        Returns:
            The loss and dscores, in the shape and dtype of scores.
        """


class Regularizer(Component):
    """A penalty on a weight, added to the loss; it acts on every parameter with `decay=True`.

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


AnyMetric: TypeAlias = Annotated[Metric, AnyOf(Metric)]
AnyLoss: TypeAlias = Annotated[Loss, AnyOf(Loss)]
AnyRegularizer: TypeAlias = Annotated[Regularizer, AnyOf(Regularizer)]
