"""Right metrics pass, and broken ones fail exactly the checks that are meant to find them."""

import numpy as np
import pytest

from fcframe import Metric
from tests.verify.checks.judging import assert_right, failed


class MeanError(Metric):
    type, label, higher_is_better = "mean_error", "err", False

    def value(self, scores, y):
        return float(np.abs(scores - y).mean())


class TopTwo(Metric):
    type, label = "top_two", "top2"

    def value(self, scores, y):
        return float((np.argsort(-scores, axis=1, kind="stable")[:, :2] == y[:, None]).any(axis=1).mean())

    def naive(self, scores, y):
        found = 0
        for row, label in zip(scores, y, strict=True):
            found += label in sorted(range(len(row)), key=lambda index: -row[index])[:2]
        return found / len(y)


class NotAsDefined(Metric):
    type, label = "not_as_defined", "nad"

    def value(self, scores, y):
        return float((scores.argmin(axis=1) == y).mean())

    def naive(self, scores, y):
        return sum(list(row).index(max(row)) == label for row, label in zip(scores, y, strict=True)) / len(y)


class FirstRow(Metric):
    type, label = "first_row", "first"

    def value(self, scores, y):
        return float(np.abs(scores - y)[0].sum())


class ARow(Metric):
    type, label = "a_row", "row"

    def value(self, scores, y):
        return np.abs(scores - y).mean(keepdims=True).reshape(1)


class Sorting(Metric):
    type, label = "sorting", "sort"

    def value(self, scores, y):
        order = np.argsort(scores.reshape(len(scores), -1)[:, 0])
        found = float(np.median(np.abs(scores - y)))
        scores[...] = scores[order]
        y[...] = y[order]
        return found


@pytest.mark.parametrize("metric", [MeanError, TopTwo], ids=lambda found: found.type)
def test_a_right_metric_passes(metric):
    assert_right(metric)


@pytest.mark.parametrize(
    ("metric", "checks"),
    [
        (NotAsDefined, {"it_is_what_its_naive_definition_gives"}),
        (FirstRow, {"the_order_of_the_rows_does_not_matter"}),
        (ARow, {"it_is_a_finite_number"}),
        (Sorting, {"it_leaves_scores_and_labels_unchanged"}),
    ],
    ids=lambda found: getattr(found, "type", ""),
)
def test_a_broken_metric_fails_what_finds_it(metric, checks):
    assert failed(metric) == checks
