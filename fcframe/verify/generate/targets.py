"""Scores and labels for what takes both: which labels a loss or a metric takes is found out by trying."""

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
"""(rng, N, output_shape) → labels of N rows, or None where there are none of this kind for that shape."""

SHAPES: Sequence[Shape] = ((4,), (1,), (2,), (2, 5))
"""Shapes of one row of scores that are tried; none of their sizes is N."""
FURTHER_SHAPES: Sequence[Shape] = ((3,), (5,), (6,), (10,))
"""Shapes that are tried where none of the others is taken, for example because a field has one number a class."""
N = 3
MANY = 12
"""Rows of a try: so many that numbers which are not taken are among them."""


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
"""From the most general kind of labels to the most special; each is tried where those before it are not taken."""


def _a_number_each(draw: Callable[[np.random.Generator, Shape], Array]) -> Draw:
    return lambda rng, N, shape: draw(rng, (N, *shape))


def _a_number_a_row(draw: Callable[[np.random.Generator, Shape], Array]) -> Draw:
    return lambda rng, N, _shape: draw(rng, (N,))


GROUPS: Sequence[Mapping[str, Draw]] = (
    {"classes": _classes} | {f"{name}, one a row": _a_number_a_row(draw) for name, draw in _VALUES.items()},
    {name: _a_number_each(draw) for name, draw in _VALUES.items()},
)
"""Kinds of labels: one a row, and one for each score; of each group the first kind that is taken is used."""

SCORES: Mapping[str, Callable[[np.random.Generator, Shape], Array]] = {
    "": lambda rng, shape: rng.normal(size=shape),
    "probabilities": lambda rng, shape: rng.dirichlet([2.0] * shape[-1], size=shape[:-1]) * 0.98 + 0.01,
}
"""What scores are drawn from: the second where the first gives no finite number."""


@dataclass(frozen=True)
class TargetsSample:
    """Scores of one shape with labels of one kind, of which any number of rows can be drawn."""

    output_shape: Shape
    labels: str
    draw_targets: Draw
    scores: str = ""

    def __str__(self) -> str:
        shape = "x".join(map(str, (N, *self.output_shape)))
        return ",".join(filter(None, (f"scores={shape}", self.scores, self.labels)))

    @property
    def are_classes(self) -> bool:
        """Whether the labels are the integers 0 to C − 1."""
        return self.labels == "classes"

    def draw(
        self, N: int, rng: np.random.Generator, dtype: Any = np.float64, ties: bool = False
    ) -> tuple[Array, Array]:
        """N rows of scores, and their labels; with values that float32 can hold, and with ties if asked for."""
        scores = SCORES[self.scores](rng, (N, *self.output_shape))
        y = self.draw_targets(rng, N, self.output_shape)
        assert y is not None
        if ties and not self.scores:
            scores = np.round(scores)
            y = np.round(y) if self.labels.startswith("real") else y
        return _as_seen(scores, dtype), y if y.dtype.kind in "biu" else _as_seen(y, dtype)


def accepted_targets(component: Loss | Metric) -> tuple[list[TargetsSample], str]:
    """What the loss or metric takes of all that can be tried, and what it said to the first that it refused."""
    found: list[TargetsSample] = []
    reasons = ["nothing"]
    for shapes in (SHAPES, FURTHER_SHAPES):
        for shape in () if found else shapes:
            targets, refusals = _taken(component, shape)
            found += targets
            reasons += refusals
    return found, reasons[min(1, len(reasons) - 1)]


def refuses_all_scores(component: Loss | Metric) -> str:
    """What `check_scores` says where it refuses every shape that is tried; empty if it takes one."""
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
    """Labels for scores of one shape.

    Raises:
        ValueError: The loss takes none of those that can be tried.
    """
    found, refusals = _taken(loss, output_shape)
    if not found:
        refusals = refusals or ["scores of this shape have no such targets"]
        raise ValueError(
            f"the loss takes no labels that could be tried; declare them in the class, targets = … ({refusals[0]})"
        )
    return found[0]


def _taken(component: Loss | Metric, shape: Shape) -> tuple[list[TargetsSample], list[str]]:
    """Of each group of targets the first that is taken; where targets are declared, those alone."""
    groups = GROUPS if component.targets is None else _declared(component.targets, shape)
    found, reasons = [], []
    for group in groups:
        for targets in (TargetsSample(shape, *kind, scores) for kind in group.items() for scores in SCORES):
            reason = refusal(component, targets)
            if not reason:
                found.append(targets)
                break
            reasons.append(reason)
    return found, reasons


def checks_targets(component: Loss | Metric) -> bool:
    """Whether the component refuses wrong targets: it declares what is right, or looks itself."""
    return component.targets is not None or type(component).check_labels is not Loss.check_labels


def refusal(component: Loss | Metric, targets: TargetsSample) -> str:
    """Why these scores with these labels are not taken; empty if they are."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            return guarded(lambda: _refusal(component, targets), seconds=2.0)
    except (KeyboardInterrupt, TimeLimitError):  # the time of a guard around this is over
        raise
    except MisbehaviorError as fault:
        return str(fault)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def _refusal(component: Loss | Metric, targets: TargetsSample) -> str:
    rng = np.random.default_rng(0)
    if targets.draw_targets(rng, N, targets.output_shape) is None:
        return "there are no such labels"
    scores, y = targets.draw(MANY, rng)
    if isinstance(component, Metric):
        values = component.value(scores, y), component.naive(scores, y)
        return "" if all(value is None or np.isfinite(value) for value in values) else "it is not finite"
    component.check_scores(targets.output_shape)
    component.check_labels(y, targets.output_shape)
    given = component.value_and_grad(scores, y, Context())
    if not isinstance(given, tuple) or len(given) != 2:  # which a check will say
        return ""
    if np.shape(given[1]) != scores.shape and not checks_targets(component):
        return "the gradient does not have the scores' shape, and nothing says whether the labels fit"
    return "" if np.isfinite(given[0]) else "the loss is not finite"


def _declared(targets: Targets, shape: Shape) -> Sequence[Mapping[str, Draw]]:
    """Targets of the declared kind; where an example has one score, also with one target a row instead of (N, 1)."""
    try:
        row_shape = targets.row_shape(shape)
    except ValueError:
        return ()
    name = type(targets).__name__.lower()
    drawn: Draw = lambda rng, N, shape: targets.draw(rng, N, shape)  # noqa: E731
    if row_shape and prod(row_shape) == 1:
        flat: Draw = lambda rng, N, shape: targets.draw(rng, N, shape).reshape(N)  # noqa: E731
        return {name: drawn}, {f"{name}, one a row": flat}
    return ({name: drawn},)


def _as_seen(array: Array, dtype: Any) -> Array:
    return np.asarray(array).astype(np.float32).astype(dtype)
