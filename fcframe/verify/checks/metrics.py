"""Checks for metrics: the value is one finite number and agrees with the definition."""

import numpy as np

from fcframe.verify.checks.numbers import require_number
from fcframe.verify.fixtures.metric import MetricFixture
from fcframe.verify.generate.names import generator_for
from fcframe.verify.report import CheckFailure, NotApplicable, look_at


def it_is_a_finite_number(fixture: MetricFixture) -> None:
    """The value is a finite number for many rows, for one row, and in float32."""
    scores, y = fixture.drawn
    inputs = {"12 rows": (scores, y), "one row": (scores[:1], y[:1]), "float32": (scores.astype(np.float32), y)}
    for what, (part, labels) in inputs.items():
        value = fixture.metric.value(part, labels)
        require_number("the metric", value, _at(fixture))
        if not np.isfinite(value):
            raise CheckFailure(f"the metric of {what} is {value}", _at(fixture))


def it_is_what_its_naive_definition_gives(fixture: MetricFixture) -> None:
    """`value` agrees with `naive`, the plain definition of the metric."""
    scores, y = fixture.drawn
    for rows in (len(y), 5, 1):
        expected = fixture.metric.naive(scores[:rows], y[:rows])
        if expected is None:
            raise NotApplicable("it has no method `naive`")
        value = fixture.metric.value(scores[:rows], y[:rows])
        if not abs(value - expected) <= 1e-9 * (1 + abs(expected)):
            raise CheckFailure(f"for {rows} rows value returns {value:.10g}, naive {expected:.10g}", _at(fixture))


def the_order_of_the_rows_does_not_matter(fixture: MetricFixture) -> None:
    """The value does not depend on the order of the examples."""
    scores, y = fixture.drawn
    order = generator_for(fixture.metric, fixture.seed + 1).permutation(len(y))
    first, second = fixture.metric.value(scores, y), fixture.metric.value(scores[order], y[order])
    if not abs(first - second) <= 1e-9 * (1 + abs(first)):
        raise CheckFailure(
            f"the metric is {first:.10g}, for the same rows in another order {second:.10g}", _at(fixture)
        )


def it_leaves_scores_and_labels_unchanged(fixture: MetricFixture) -> None:
    """`value` does not change its arguments, which belong to the dataset and are used by other metrics."""
    scores, y = (array.copy() for array in fixture.drawn)
    fixture.metric.value(scores, y)
    for name, now, before in zip(("scores", "y"), (scores, y), fixture.drawn, strict=True):
        if now.tobytes() != before.tobytes():
            raise CheckFailure(f"value changed {name}", f"{_at(fixture)}; work on a copy")


def twice_gives_the_same_number(fixture: MetricFixture) -> None:
    """The value is the same in a second call with the same arguments."""
    scores, y = fixture.drawn
    first = fixture.metric.value(scores, y)
    fixture.metric.value(scores[:2], y[:2])
    if fixture.metric.value(scores, y) != first:
        raise CheckFailure(
            "a second call with the same scores and labels returns another value",
            "it stores something between calls, or draws random numbers",
        )


def _at(fixture: MetricFixture) -> str:
    return look_at(fixture.metric, "value")


CHECKS = (
    it_is_a_finite_number,
    it_is_what_its_naive_definition_gives,
    the_order_of_the_rows_does_not_matter,
    it_leaves_scores_and_labels_unchanged,
    twice_gives_the_same_number,
)
