"""Compares the failed and the passed cases of a layer, and describes what all failed cases have in common.

This can be the value of a field, the mode (training or evaluation), the minibatch size, the rank of x, or the range of
x. The text is added to the diagnosis of the failed checks.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from fcframe.verify.derivatives.layer import Comparison
from fcframe.verify.derivatives.verdict import Verdict
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.generate.input_values import ORDINARY
from fcframe.verify.generate.layer_cases import LayerCase
from fcframe.verify.report import MISSHAPEN, Report, Result, Status
from fcframe.verify.running.check import run_check

MIN_ELEMENTS = 5
"""The smallest number of right elements, and of wrong ones, from which a range of x is concluded."""
SQUARES = (5, 4, 6, 7, 3, 8, 9, 10, 12)
"""Sizes that are tried, in this order, when all axes are to have the same size."""


def add_patterns(report: Report) -> Report:
    """Adds what the failed cases of a check have in common to the diagnosis of each, and returns the same report.

    If the result of forward or backward has a form with which no other check can work, this is reported once. The other
    failures of that case are changed to skipped.
    """
    _skip_consequences(report)
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in report:
        if isinstance(result.subject, LayerCase) and result.status in (Status.PASSED, Status.FAILED):
            groups[result.component, result.check].append(result)
    for results in groups.values():
        failed = [result for result in results if result.status is Status.FAILED]
        passed = [result.subject for result in results if result.status is Status.PASSED]
        if not failed:
            continue
        failed_cases = [result.subject for result in failed]
        text = common_property(failed_cases, passed) or _range_of_x(failed) or _right_when_square(failed)
        for result in failed if text else ():
            result.diagnosis = "\n".join(filter(None, [f"over all cases: {text}", result.diagnosis]))
    return report


def common_property(failed: Sequence[LayerCase], passed: Sequence[LayerCase]) -> str:
    """A property that all failed cases and no passed ones have, in words; "" if none is known.

    Cases with ordinary values of x are compared first. Only if all of them pass, the kind of values is the property.
    """
    ordinary_failed = [case for case in failed if case.values == ORDINARY]
    ordinary_passed = [case for case in passed if case.values == ORDINARY]
    if not ordinary_failed:
        failed_values, passed_values = ({case.values for case in cases} for cases in (failed, passed))
        only_these = ordinary_passed and not passed_values & failed_values
        return f"wrong only for {_values_in_words(sorted(failed_values))}" if only_these else ""
    if not ordinary_passed:
        return ""
    # One property that all failed cases have and no passed case has; otherwise two properties that no passed case has
    # both of. `candidates` are those that all failed cases have and some, but not all, passed ones.
    candidates = []
    for text, holds in _properties(ordinary_failed + ordinary_passed):
        if all(map(holds, ordinary_failed)):
            if not any(map(holds, ordinary_passed)):
                return text
            if not all(map(holds, ordinary_passed)):
                candidates.append((text, holds))
    for (first_text, first), (second_text, second) in combinations(candidates, 2):
        if not any(first(case) and second(case) for case in ordinary_passed):
            return f"{first_text}, and {second_text}"
    return ""


def _properties(cases: Sequence[LayerCase]) -> Iterator[tuple[str, Callable[[LayerCase], bool]]]:
    """Properties of cases, the most specific first: the text for a report, and whether a case has the property."""
    yield "wrong in evaluation only", lambda case: not case.training
    yield "wrong in training only", lambda case: case.training
    yield "wrong only for N > 1", lambda case: case.N > 1
    yield "wrong only for N = 1", lambda case: case.N == 1
    for name, default, values in _fields(cases):
        hint = f"look at the terms that use {name}"
        if default in values:
            text = f"right where {name} is at its default, {default!r}, wrong elsewhere: {hint}"
            yield text, partial(_differs, name, default)
        for value in values:
            yield f"wrong only where {name} = {value!r}: {hint}", partial(_equals, name, value)
        for value in values:
            yield f"right where {name} = {value!r}, wrong elsewhere: {hint}", partial(_differs, name, value)
    for rank in (1, 2, 3):
        yield f"wrong only for inputs of rank {rank}", lambda case, rank=rank: len(case.input_shape) == rank  # type: ignore[misc]
    for rank in (1, 2, 3):
        text = f"right for inputs of rank {rank}, wrong for others: look at how many axes are summed, or counted"
        yield text, lambda case, rank=rank: len(case.input_shape) != rank  # type: ignore[misc]


def _fields(cases: Sequence[LayerCase]) -> Iterator[tuple[str, Any, list[Any]]]:
    """Each field with more than one value in these cases: its name, its default, and the values."""
    for name, field in type(cases[0].layer).model_fields.items():
        values: list[Any] = []
        for case in cases:
            value = getattr(case.layer, name)
            if value not in values:
                values.append(value)
        if len(values) > 1:
            yield name, field.default, values


def _equals(name: str, value: Any, case: LayerCase) -> bool:
    """Whether the field of this name has this value."""
    return bool(getattr(case.layer, name) == value)


def _differs(name: str, value: Any, case: LayerCase) -> bool:
    """Whether the field of this name has another value."""
    return not _equals(name, value, case)


def _values_in_words(kinds: Sequence[str]) -> str:
    """Kinds of values of x, joined by "and for"."""
    words = {
        "ties": "x with exact zeros and ties", "zero": "x = 0", "tiny": "x of about 1e-6", "large": "x of about 1e3",
    }  # fmt: skip
    return " and for ".join(words.get(kind, f"{kind} x") for kind in kinds)


def _range_of_x(failed: Sequence[Result]) -> str:
    """The range of x, or of |x|, in which dx is wrong, in words; "" if right elements lie in it, too."""
    seen = [result for result in failed if isinstance(result.fact, Comparison) and result.fact.array == "dx"]
    seen = [result for result in seen if result.subject.values == ORDINARY]
    seen = [result for result in seen if result.subject.layer == seen[0].subject.layer]
    if not seen:
        return ""
    x = np.concatenate([LayerFixture(result.subject).x.reshape(-1) for result in seen])
    wrong = np.concatenate([result.fact.judgement.verdicts == Verdict.WRONG for result in seen])
    for name, values in (("x", x), ("|x|", np.abs(x))):
        if min(wrong.sum(), (~wrong).sum()) < MIN_ELEMENTS:
            continue
        low, high = values[wrong].min(), values[wrong].max()
        if np.any((values >= low) & (values <= high) & ~wrong):  # a right element lies in the range
            continue
        if name == "x" and (np.all((values < 0) == wrong) or np.all((values > 0) == wrong)):
            return f"wrong only where x is {'negative' if high < 0 else 'positive'}"
        ends = [f"above {low:.3g}"] * bool(low > values.min()) + [f"below {high:.3g}"] * bool(high < values.max())
        return f"wrong only where {name} is {' and '.join(ends)}"
    return ""


def _right_when_square(failed: Sequence[Result]) -> str:
    """Runs the check again with N = D, and with D = C where the layer allows it; says so if it passes then.

    N is the minibatch size, D the number of inputs and C the number of outputs of an example.
    """
    result = failed[0]
    layer = result.subject.layer
    # Only for wrong numbers: a check that raised, warned or took too long is not repeated.
    if not isinstance(result.fact, Comparison) or result.subject.N < 2 or result.subject.values != ORDINARY:
        return ""
    for outputs_too in (True, False):
        for size in SQUARES:
            try:
                if outputs_too and tuple(layer.output_shape((size,))) != (size,):
                    continue
                layer.parameters((size,))
            except ValueError:
                continue
            case = replace(result.subject, input_shape=(size,), N=size)
            subjects = (partial(LayerFixture, replace(case, seed=case.seed + offset)) for offset in range(3))
            results = [run_check(result.component, result.rule, str(case), (subject,)) for subject in subjects]
            if all(repeated.status is Status.PASSED for repeated in results):
                return f"right where all sizes are equal ({size}), wrong elsewhere: one axis is mistaken for another"
            break
    return ""


def _skip_consequences(report: Report) -> None:
    """Changes failures to skipped where they follow from another failure of the same case.

    The cause is a failed check of the form of forward's or backward's result, which all other checks need. A later
    failure is a consequence if the form is wrong, if the component raised, or if the same problem is reported again.
    """
    causes: dict[tuple[str, str], Result] = {}
    for result in report:
        cause = causes.get((result.component, result.case))
        if result.status is not Status.FAILED:
            continue
        if cause is None:
            if getattr(result.rule, "foundation", False):
                causes[result.component, result.case] = result
            continue
        word = result.message.partition(" ")[0]  # "raised", "printed", "warned:" or "took" if no check failed by itself
        repeated = not result.diagnosis and word == cause.message.partition(" ")[0]
        if cause.fact == MISSHAPEN or word == "raised" or repeated:
            result.status, result.diagnosis = Status.SKIPPED, ""
            result.message = f"fails because of another failure: {cause.check.replace('_', ' ')}"
