"""For every metric, … : it is one number, and the one that its definition gives."""

import numpy as np

from fcframe.verify.checks.numbers import need_number
from fcframe.verify.fixtures.metric import MetricFixture
from fcframe.verify.generate.names import generator_for
from fcframe.verify.report import CheckFailure, NotApplicable, look_at


def it_is_a_finite_number(fixture: MetricFixture) -> None:
    """It is written into reports and compared to keep the best parameters; of one row as of many, in either dtype."""
    scores, y = fixture.drawn
    seen = {"12 rows": (scores, y), "one row": (scores[:1], y[:1]), "float32": (scores.astype(np.float32), y)}
    for what, (some, labels) in seen.items():
        value = fixture.metric.value(some, labels)
        need_number("the metric", value, _at(fixture))
        if not np.isfinite(value):
            raise CheckFailure(f"the metric of {what} is {value}", _at(fixture))


def it_is_what_its_naive_definition_gives(fixture: MetricFixture) -> None:
    """A fast text may say something else than the plain one."""
    scores, y = fixture.drawn
    for rows in (len(y), 5, 1):
        expected = fixture.metric.naive(scores[:rows], y[:rows])
        if expected is None:
            raise NotApplicable("it gives no naive definition")
        value = fixture.metric.value(scores[:rows], y[:rows])
        if not abs(value - expected) <= 1e-9 * (1 + abs(expected)):
            raise CheckFailure(f"of {rows} rows value gives {value:.10g}, naive {expected:.10g}", _at(fixture))


def the_order_of_the_rows_does_not_matter(fixture: MetricFixture) -> None:
    """An evaluation's examples have no order."""
    scores, y = fixture.drawn
    order = generator_for(fixture.metric, fixture.seed + 1).permutation(len(y))
    first, second = fixture.metric.value(scores, y), fixture.metric.value(scores[order], y[order])
    if not abs(first - second) <= 1e-9 * (1 + abs(first)):
        raise CheckFailure(f"the metric is {first:.10g}, of the same rows in another order {second:.10g}", _at(fixture))


def it_leaves_scores_and_labels_unchanged(fixture: MetricFixture) -> None:
    """The labels are the data set's, and the scores are measured by others too."""
    scores, y = (array.copy() for array in fixture.drawn)
    fixture.metric.value(scores, y)
    for name, now, before in zip(("scores", "y"), (scores, y), fixture.drawn, strict=True):
        if now.tobytes() != before.tobytes():
            raise CheckFailure(f"value changed {name}", f"{_at(fixture)}; work on a copy")


def twice_gives_the_same_number(fixture: MetricFixture) -> None:
    """Two runs are compared by it."""
    scores, y = fixture.drawn
    first = fixture.metric.value(scores, y)
    fixture.metric.value(scores[:2], y[:2])
    if fixture.metric.value(scores, y) != first:
        raise CheckFailure("the metric of the same scores and labels is another one", "it keeps something, or draws")


def _at(fixture: MetricFixture) -> str:
    return look_at(fixture.metric, "value")


CHECKS = (
    it_is_a_finite_number,
    it_is_what_its_naive_definition_gives,
    the_order_of_the_rows_does_not_matter,
    it_leaves_scores_and_labels_unchanged,
    twice_gives_the_same_number,
)
