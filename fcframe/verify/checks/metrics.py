"""For every metric, … : it is one number, and the one that its definition gives."""

import numpy as np

from fcframe.verify.report import CheckFailure, NotApplicable, place
from fcframe.verify.subjects import MetricTrial, drawing


def it_is_a_finite_number(trial: MetricTrial) -> None:
    """It is written into reports and compared to keep the best parameters; of one row as of many, in either dtype."""
    scores, y = trial.drawn
    seen = {"12 rows": (scores, y), "one row": (scores[:1], y[:1]), "float32": (scores.astype(np.float32), y)}
    for what, (some, labels) in seen.items():
        value = trial.metric.value(some, labels)
        if not isinstance(value, float):
            raise CheckFailure(f"value returned a {type(value).__name__}, expected a float", _at(trial))
        if not np.isfinite(value):
            raise CheckFailure(f"the metric of {what} is {value}", _at(trial))


def it_is_what_its_naive_definition_gives(trial: MetricTrial) -> None:
    """A fast text may say something else than the plain one."""
    scores, y = trial.drawn
    for rows in (len(y), 5, 1):
        expected = trial.metric.naive(scores[:rows], y[:rows])
        if expected is None:
            raise NotApplicable("it gives no naive definition")
        value = trial.metric.value(scores[:rows], y[:rows])
        if not abs(value - expected) <= 1e-9 * (1 + abs(expected)):
            raise CheckFailure(f"of {rows} rows value gives {value:.10g}, naive {expected:.10g}", _at(trial))


def the_order_of_the_rows_does_not_matter(trial: MetricTrial) -> None:
    """An evaluation's examples have no order."""
    scores, y = trial.drawn
    order = drawing(trial.metric, trial.seed + 1).permutation(len(y))
    first, second = trial.metric.value(scores, y), trial.metric.value(scores[order], y[order])
    if not abs(first - second) <= 1e-9 * (1 + abs(first)):
        raise CheckFailure(f"the metric is {first:.10g}, of the same rows in another order {second:.10g}", _at(trial))


def it_leaves_scores_and_labels_unchanged(trial: MetricTrial) -> None:
    """The labels are the data set's, and the scores are measured by others too."""
    scores, y = (array.copy() for array in trial.drawn)
    trial.metric.value(scores, y)
    for name, now, before in zip(("scores", "y"), (scores, y), trial.drawn, strict=True):
        if now.tobytes() != before.tobytes():
            raise CheckFailure(f"value changed {name}", f"{_at(trial)}; work on a copy")


def twice_gives_the_same_number(trial: MetricTrial) -> None:
    """Two runs are compared by it."""
    scores, y = trial.drawn
    first = trial.metric.value(scores, y)
    trial.metric.value(scores[:2], y[:2])
    if trial.metric.value(scores, y) != first:
        raise CheckFailure("the metric of the same scores and labels is another one", "it keeps something, or draws")


def _at(trial: MetricTrial) -> str:
    return f"look at value in {place(type(trial.metric).value)}"


CHECKS = (
    it_is_a_finite_number,
    it_is_what_its_naive_definition_gives,
    the_order_of_the_rows_does_not_matter,
    it_leaves_scores_and_labels_unchanged,
    twice_gives_the_same_number,
)
