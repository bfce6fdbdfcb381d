"""What a component's failures have in common, over all its cases: the value of a field, the mode, the shape."""

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
from fcframe.verify.generate.layer_cases import LayerCase
from fcframe.verify.report import MISSHAPEN, Report, Result, Status
from fcframe.verify.running.check import run_check

ORDINARY = "gaussian"
"""The kind of values from which most is seen: at 0, or far out, many a wrong term vanishes."""
ENOUGH = 5
"""How many right and wrong elements must be seen to say where the wrong ones lie."""
SQUARES = (5, 4, 6, 7, 3, 8, 9, 10, 12)
"""Sizes that are tried where all shall be equal."""


def add_patterns(report: Report) -> Report:
    """Adds to the diagnosis of each failed check what its failing cases share and its passing ones do not.

    A fault that stands in the way of all other checks of a case is reported once; they are skipped, and say why.
    """
    _skip_consequences(report)
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in report:
        if isinstance(result.subject, LayerCase) and result.status in (Status.PASSED, Status.FAILED):
            groups[result.component, result.check].append(result)
    for results in groups.values():
        failed = [result for result in results if result.status is Status.FAILED]
        passed = [result.subject for result in results if result.status is Status.PASSED]
        found = pattern([result.subject for result in failed], passed) if failed else ""
        if failed and not found:
            found = _range(failed) or _right_when_square(failed)
        for result in failed if found else ():
            result.diagnosis = "\n".join(filter(None, [f"over all cases: {found}", result.diagnosis]))
    return report


def pattern(failed: Sequence[LayerCase], passed: Sequence[LayerCase]) -> str:
    """In words, what tells the failed cases from the passed ones; nothing, if nothing does."""
    ordinary_failed, ordinary_passed = ([case for case in some if case.values == ORDINARY] for some in (failed, passed))
    if not ordinary_failed:
        kinds = sorted({case.values for case in failed})
        passes = {case.values for case in passed}
        return f"wrong only for {_shown_kinds(kinds)}" if ordinary_passed and not passes & set(kinds) else ""
    if not ordinary_passed:
        return ""
    shared = []
    for text, holds in _features(ordinary_failed + ordinary_passed):
        if all(map(holds, ordinary_failed)):
            if not any(map(holds, ordinary_passed)):
                return text
            if not all(map(holds, ordinary_passed)):
                shared.append((text, holds))
    for (first, one), (second, other) in combinations(shared, 2):
        if not any(one(case) and other(case) for case in ordinary_passed):
            return f"{first}, and {second}"
    return ""


def _features(cases: Sequence[LayerCase]) -> Iterator[tuple[str, Callable[[LayerCase], bool]]]:
    """What may tell cases apart, the most telling first: the words if all failed cases have it and no passed one."""
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
    """Each field that has several values over the cases: its name, its default, and the values."""
    for name, field in type(cases[0].layer).model_fields.items():
        values: list[Any] = []
        for case in cases:
            value = getattr(case.layer, name)
            if value not in values:
                values.append(value)
        if len(values) > 1:
            yield name, field.default, values


def _equals(name: str, value: Any, case: LayerCase) -> bool:
    return bool(getattr(case.layer, name) == value)


def _differs(name: str, value: Any, case: LayerCase) -> bool:
    return not _equals(name, value, case)


def _shown_kinds(kinds: Sequence[str]) -> str:
    words = {
        "ties": "x with exact zeros and ties", "nought": "x = 0", "tiny": "x of about 1e-6", "large": "x of about 1e3",
    }  # fmt: skip
    return " and for ".join(words.get(kind, f"{kind} x") for kind in kinds)


def _range(failed: Sequence[Result]) -> str:
    """Where x lies where dx is wrong, if no right element of these cases lies there."""
    seen = [result for result in failed if isinstance(result.fact, Comparison) and result.fact.array == "dx"]
    seen = [found for found in seen if found.subject.values == ORDINARY]
    seen = [found for found in seen if found.subject.layer == seen[0].subject.layer]
    if not seen:
        return ""
    x = np.concatenate([LayerFixture(result.subject).x.reshape(-1) for result in seen])
    wrong = np.concatenate([result.fact.judgement.verdicts == Verdict.WRONG for result in seen])
    for name, values in (("x", x), ("|x|", np.abs(x))):
        if min(wrong.sum(), (~wrong).sum()) < ENOUGH:
            continue
        low, high = values[wrong].min(), values[wrong].max()
        if np.any((values >= low) & (values <= high) & ~wrong):
            continue
        if name == "x" and (np.all((values < 0) == wrong) or np.all((values > 0) == wrong)):
            return f"wrong only where x is {'negative' if high < 0 else 'positive'}"
        ends = [f"above {low:.3g}"] * bool(low > values.min()) + [f"below {high:.3g}"] * bool(high < values.max())
        return f"wrong only where {name} is {' and '.join(ends)}"
    return ""


def _right_when_square(failed: Sequence[Result]) -> str:
    """Runs the check again where N, the number of inputs and, if it can be, that of outputs are one and the same."""
    result = failed[0]
    layer = result.subject.layer
    # A wrong number alone: what raised, warned or took too long is not run again, and a wrong shape proves nothing.
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
            subjects = (partial(LayerFixture, replace(case, seed=case.seed + turn)) for turn in range(3))
            again = [run_check(result.component, result.rule, str(case), (subject,)) for subject in subjects]
            if all(found.status is Status.PASSED for found in again):
                return f"right where all sizes are equal ({size}), wrong elsewhere: one axis is taken for another"
            break
    return ""


def _skip_consequences(report: Report) -> None:
    """In a case whose forward or backward has not the form that all else needs, everything else is skipped."""
    first: dict[tuple[str, str], Result] = {}
    for result in report:
        cause = first.get((result.component, result.case))
        if result.status is not Status.FAILED:
            continue
        if cause is None:
            if getattr(result.rule, "foundation", False):
                first[result.component, result.case] = result
            continue
        word = result.message.partition(" ")[0]  # "raised", "printed", "warned:", "took" …: no check's own words
        again = not result.diagnosis and word == cause.message.partition(" ")[0]
        if cause.fact == MISSHAPEN or word == "raised" or again:
            result.status, result.diagnosis = Status.SKIPPED, ""
            result.message = f"needs what fails already: {cause.check.replace('_', ' ')}"
