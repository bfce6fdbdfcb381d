"""Draws scores and targets for losses and metrics.

If the class declares its targets, those are drawn. Otherwise several kinds of targets are tried, and those that the
loss or metric accepts are used.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np

from fcframe.components import Loss, Metric, Shape, Targets
from fcframe.context import Array, Context
from fcframe.verify.running.sandbox import MisbehaviorError, TimeLimitError, guarded

Draw: TypeAlias = Callable[[np.random.Generator, int, Shape], Array | None]
"""A function (rng, N, output_shape) → the targets of N examples, or None if this kind does not fit the shape."""

SHAPES: Sequence[Shape] = ((4,), (1,), (2,), (2, 5))
"""Output shapes, the shape of the scores of one example, that are tried; none of their sizes is N."""
FURTHER_SHAPES: Sequence[Shape] = ((3,), (5,), (6,), (10,))
"""Output shapes that are tried if none of SHAPES is accepted, for example if a field fixes the number of classes."""
N = 3
"""The number of examples in a fixture of a loss."""
TRIAL_SIZE = 12
"""The number of examples when targets are tried: enough to contain values that the component refuses."""


def _classes(rng: np.random.Generator, N: int, shape: Shape) -> Array | None:
    return rng.integers(shape[0], size=N) if len(shape) == 1 and shape[0] > 1 else None


_VALUES: Mapping[str, Callable[[np.random.Generator, Shape], Array]] = {
    "real": lambda rng, shape: rng.normal(size=shape),
    "positive": lambda rng, shape: rng.exponential(size=shape),
    "counts": lambda rng, shape: rng.poisson(3.0, size=shape).astype(np.float64),
    "integer counts": lambda rng, shape: rng.poisson(3.0, size=shape),
    "shares": lambda rng, shape: rng.dirichlet([1.0] * shape[-1], size=shape[:-1]),
    "0 or 1": lambda rng, shape: rng.integers(2, size=shape).astype(np.float64),
    "integer 0 or 1": lambda rng, shape: rng.integers(2, size=shape),
    "signs": lambda rng, shape: rng.choice([-1.0, 1.0], size=shape),
    "integer signs": lambda rng, shape: rng.choice([-1, 1], size=shape),
}
"""Kinds of targets, from the most general to the most special; each is tried if those before it are refused."""


def _one_per_score(draw: Callable[[np.random.Generator, Shape], Array]) -> Draw:
    """Targets in the shape of the scores, (N, *output_shape)."""
    return lambda rng, N, shape: draw(rng, (N, *shape))


def _one_per_example(draw: Callable[[np.random.Generator, Shape], Array]) -> Draw:
    """One target for each example, (N,)."""
    return lambda rng, N, _shape: draw(rng, (N,))


GROUPS: Sequence[Mapping[str, Draw]] = (
    {"classes": _classes} | {f"{name}, one per example": _one_per_example(draw) for name, draw in _VALUES.items()},
    {name: _one_per_score(draw) for name, draw in _VALUES.items()},
)
"""Kinds of targets: one for each example, and one for each score. The first accepted kind of each group is used."""

SCORES: Mapping[str, Callable[[np.random.Generator, Shape], Array]] = {
    "": lambda rng, shape: rng.normal(size=shape),
    "probabilities": lambda rng, shape: rng.dirichlet([2.0] * shape[-1], size=shape[:-1]) * 0.98 + 0.01,
}
"""Kinds of scores: real numbers, and probabilities if real numbers do not give a finite value."""


@dataclass(frozen=True)
class TargetsSample:
    """Draws scores of one output shape with targets of one kind, for any number of examples."""

    output_shape: Shape
    labels: str
    """The kind of targets, as in case names."""
    draw_targets: Draw
    scores: str = ""
    """The kind of scores, a key of SCORES."""

    def __str__(self) -> str:
        shape = "x".join(map(str, (N, *self.output_shape)))
        return ",".join(filter(None, (f"scores={shape}", self.scores, self.labels)))

    @property
    def are_classes(self) -> bool:
        """Whether the targets are class labels, the integers 0 to C − 1."""
        return self.labels == "classes"

    def draw(
        self, N: int, rng: np.random.Generator, dtype: Any = np.float64, ties: bool = False
    ) -> tuple[Array, Array]:
        """Scores (N, *output_shape), and targets of N examples.

        Args:
            N: The number of examples.
            rng: The random generator.
            dtype: The dtype of the scores, and of targets that are not integers.
            ties: Whether values are rounded to integers, so that many are equal.

        Returns:
            The scores and the targets; their values can be represented in float32.
        """
        scores = SCORES[self.scores](rng, (N, *self.output_shape))
        y = self.draw_targets(rng, N, self.output_shape)
        assert y is not None
        if ties and not self.scores:
            scores = np.round(scores)
            y = np.round(y) if self.labels.startswith("real") else y
        return _rounded_to_float32(scores, dtype), y if y.dtype.kind in "biu" else _rounded_to_float32(y, dtype)


def accepted_targets(component: Loss | Metric) -> tuple[list[TargetsSample], str]:
    """The scores and targets that a loss or metric accepts, and the reason of its first refusal, or "nothing"."""
    accepted: list[TargetsSample] = []
    reasons = ["nothing"]
    for shapes in (SHAPES, FURTHER_SHAPES):
        for shape in () if accepted else shapes:
            samples, refusals = _accepted_of_shape(component, shape)
            accepted += samples
            reasons += refusals
    return accepted, reasons[min(1, len(reasons) - 1)]


def refuses_all_scores(component: Loss | Metric) -> str:
    """The first error of `check_scores` if it refuses every shape that is tried; "" if it accepts one."""
    reason = ""
    for shape in (*SHAPES, *FURTHER_SHAPES):
        try:
            component.check_scores(shape)
        except ValueError as error:
            reason = reason or str(error)
        else:
            return ""
    return reason


def targets_for(loss: Loss, output_shape: Shape) -> TargetsSample:
    """Targets that a loss accepts with scores of one output shape.

    Raises:
        ValueError: The loss accepts none of the targets that are tried.
    """
    accepted, refusals = _accepted_of_shape(loss, output_shape)
    if not accepted:
        refusals = refusals or ["scores of this shape have no such targets"]
        raise ValueError(
            "the loss accepts none of the targets that were tried; declare them in the class, targets = … "
            f"({refusals[0]})"
        )
    return accepted[0]


def _accepted_of_shape(component: Loss | Metric, shape: Shape) -> tuple[list[TargetsSample], list[str]]:
    """The first accepted kind of each group, and the reasons of the refusals.

    If the component declares its targets, only these are tried.
    """
    groups = GROUPS if component.targets is None else _declared(component.targets, shape)
    accepted, reasons = [], []
    for group in groups:
        for sample in (TargetsSample(shape, *kind, scores) for kind in group.items() for scores in SCORES):
            reason = refusal(component, sample)
            if not reason:
                accepted.append(sample)
                break
            reasons.append(reason)
    return accepted, reasons


def checks_targets(component: Loss | Metric) -> bool:
    """Whether the component checks its targets: it declares them, or overrides `check_labels`."""
    return component.targets is not None or type(component).check_labels is not Loss.check_labels


def refusal(component: Loss | Metric, targets: TargetsSample) -> str:
    """Why the component refuses these scores and targets; "" if it accepts them."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            return guarded(lambda: _refusal(component, targets), seconds=2.0)
    except (KeyboardInterrupt, TimeLimitError):  # the time limit of an outer `guarded` is reached
        raise
    except MisbehaviorError as fault:
        return str(fault)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def _refusal(component: Loss | Metric, targets: TargetsSample) -> str:
    """As `refusal`, but errors of the component are raised."""
    rng = np.random.default_rng(0)
    if targets.draw_targets(rng, N, targets.output_shape) is None:
        return "there are no such targets"
    scores, y = targets.draw(TRIAL_SIZE, rng)
    if isinstance(component, Metric):
        values = component.value(scores, y), component.naive(scores, y)
        return "" if all(value is None or np.isfinite(value) for value in values) else "it is not finite"
    component.check_scores(targets.output_shape)
    component.check_labels(y, targets.output_shape)
    returned = component.value_and_grad(scores, y, Context())
    if not isinstance(returned, tuple) or len(returned) != 2:  # a check reports this
        return ""
    if np.shape(returned[1]) != scores.shape and not checks_targets(component):
        return "the gradient does not have the scores' shape, and nothing says whether the targets fit"
    return "" if np.isfinite(returned[0]) else "the loss is not finite"


def _declared(targets: Targets, shape: Shape) -> Sequence[Mapping[str, Draw]]:
    """Targets of the declared kind; where an example has one score, in the shapes (N, 1) and (N,)."""
    try:
        row_shape = targets.row_shape(shape)
    except ValueError:
        return ()
    name = type(targets).__name__.lower()
    drawn: Draw = lambda rng, N, shape: targets.draw(rng, N, shape)  # noqa: E731
    if row_shape and prod(row_shape) == 1:
        flat: Draw = lambda rng, N, shape: targets.draw(rng, N, shape).reshape(N)  # noqa: E731
        return {name: drawn}, {f"{name}, one per example": flat}
    return ({name: drawn},)


def _rounded_to_float32(array: Array, dtype: Any) -> Array:
    """The values rounded to float32, in another dtype, so that a case has the same values in every dtype."""
    return np.asarray(array).astype(np.float32).astype(dtype)
