"""Mutation testing: finds small changes of an author's code that the checks do not detect.

Each mutant is a subclass of the component in memory with one changed method. The checks of its kind run on it until one
fails. If all pass, the results of its methods in every call are compared with those of the component, which shows
whether the mutant is equivalent to it.
"""

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from types import FunctionType
from typing import Any, TypeAlias

import numpy as np

from fcframe.components import Component
from fcframe.plugins import Registry
from fcframe.plugins import registry as installed
from fcframe.verify.derivatives.layer import comparisons
from fcframe.verify.derivatives.verdict import Verdict
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.mutation.mutants import ChangedMethod, changes
from fcframe.verify.mutation.recorder import Recorder, differences, is_gradient
from fcframe.verify.mutation.report import Change, Mutant, MutantStatus, MutationReport
from fcframe.verify.report import Result, Status
from fcframe.verify.running.check import CheckRun
from fcframe.verify.suite import check_runs

SECONDS = 300.0
"""The default time limit for all mutants of a component together."""
MAX_SHOWN = 200
"""Characters shown of a check's message."""

NEEDS_REFERENCE = "only expected values can detect this, for example in a docstring"

CLASS = "class"
"""The case of checks that need only the class; they are run last."""

Key: TypeAlias = tuple[str, str, int]
"""Case, check, and a count from 1, because two configurations may have cases of the same name."""


def mutate(
    component: type[Component], *, seed: int = 0, seconds: float = SECONDS, registry: Registry | None = None
) -> MutationReport:
    """Makes small changes in a component's methods and reports which of them the checks do not detect.

    Args:
        component: The class of a layer, a loss or a regularizer.
        seed: Seed of all random numbers in the cases.
        seconds: The time limit for all mutants together; mutants that are not tested by then have the status "timeout".
        registry: The registry in which inner components are looked up; all installed components by default.

    Returns:
        The mutants, each with its line and status, and the score.

    Raises:
        ContractError: The source of a method cannot be read.

    >>> import fcframe
    >>> report = mutate(fcframe.registry().layers["relu"])
    >>> report.score
    1.0
    """
    end = time.monotonic() + seconds
    tester = _MutantTester(component, seed, installed() if registry is None else registry)
    return MutationReport(
        f"{component.kind} {component.type}",
        [tester.test(change, end) for change in changes(component)],
        tester.left_out,
    )


class _MutantTester:
    """Tests mutants with the checks that a component passes; has the results of its methods in these checks."""

    def __init__(self, component: type[Component], seed: int, registry: Registry) -> None:
        self.recorder = Recorder(component)
        self.seed = seed
        self.registry = registry
        self.left_out: list[str] = []
        self._items: dict[Key, CheckRun] = {}
        self._digests: dict[Key, list[Any]] = {}
        self._reached: dict[Any, bool] = {}
        for case in self._all_cases({}):
            digests = self.recorder.run_all(list(case.values())) or map(self._alone, case.values())
            for (key, item), calls in zip(case.items(), digests, strict=True):
                if calls:  # a check that calls none of the methods cannot detect a mutant
                    self._items[key], self._digests[key] = item, calls

    def test(self, change: ChangedMethod, end: float) -> Mutant:
        """Runs the checks on a mutant until one fails or the time limit is reached."""
        differing: dict[Key, CheckRun] = {}
        missing = set(self._items)
        for turn, case in enumerate(self._cases({change.method: change.function})):
            if time.monotonic() > end:
                return _mutant(change, MutantStatus.TIMEOUT, "the time limit was reached before it was tested")
            items = list(case.values())
            digests = self.recorder.run_all(items) if turn else None  # most mutants fail in the first case
            if digests is None:
                digests = []
                for item in items:
                    result, calls = self.recorder.run(item)
                    if _detected(result):
                        message = result.message.partition("\n")[0][:MAX_SHOWN]
                        return _mutant(change, MutantStatus.KILLED, message, result.check, result.case)
                    digests.append(calls)
            differing |= {
                key: case[key] for key, calls in zip(case, digests, strict=True) if calls != self._digests[key]
            }
            missing -= set(case)
        if missing:
            return _mutant(
                change, MutantStatus.SURVIVED, f"the case {min(missing)[0]} is missing, and no check detects that"
            )
        return _mutant(change, *self._explained(change, differing))

    def _explained(self, change: ChangedMethod, differing: Mapping[Key, CheckRun]) -> tuple[MutantStatus, str]:
        """The status of a mutant that passes all checks, and the reason."""
        shown = ""
        changed: dict[str, tuple[CheckRun, CheckRun]] = {}
        for key, item in differing.items():
            arrays = self._difference(self._items[key], item)
            shown = shown or f"{', '.join(map(_difference_text, arrays, arrays.values()))} ({item.case})"
            if not all(map(is_gradient, arrays)):
                return (
                    MutantStatus.SURVIVED,
                    f"{shown}, and its derivatives are right for that: {NEEDS_REFERENCE}",
                )
            if arrays:
                changed[item.case] = self._items[key], item
        if changed and all(_differ_only_at_kinks(*pair) for pair in changed.values()):
            return MutantStatus.EQUIVALENT, f"another valid subgradient at a kink: {shown}"
        if changed:
            return MutantStatus.SURVIVED, shown
        if not self._is_reached(change):
            return MutantStatus.SURVIVED, "no case runs this code"
        count = len({case for case, _, _ in self._items} - {CLASS})
        return (
            MutantStatus.EQUIVALENT,
            f"the same results{' except for rounding' if differing else ''} in all {count} cases",
        )

    def _difference(self, ours: CheckRun, theirs: CheckRun) -> dict[str, float]:
        """The arrays that differ by more than rounding in the first call that differs, and their differences."""
        _, expected = self.recorder.run(ours, whole=True)
        _, results = self.recorder.run(theirs, whole=True)
        by_call = (dict(differences(first, second)) for first, second in zip(expected, results, strict=False))
        return next(filter(None, by_call), {})

    def _is_reached(self, change: ChangedMethod) -> bool:
        """Whether any case runs the changed code: an exception in its place makes a check fail."""
        code = change.probe.__code__
        if code not in self._reached:
            cases = self._cases({change.method: change.probe})
            self._reached[code] = any(self.recorder.run_all(list(case.values())) is None for case in cases)
        return self._reached[code]

    def _alone(self, item: CheckRun) -> list[Any] | None:
        """The digests of a check's calls; None if the component does not pass the check."""
        result, calls = self.recorder.run(item)
        if not _detected(result):
            return calls
        if result.check not in self.left_out:
            self.left_out.append(result.check)
        return None

    def _cases(self, changed: Mapping[str, FunctionType]) -> Iterator[dict[Key, CheckRun]]:
        """The checks of a variant of the component, without those that the component does not pass."""
        for case in self._all_cases(changed):
            yield {key: item for key, item in case.items() if key in self._items}

    def _all_cases(self, changed: Mapping[str, FunctionType]) -> Iterable[dict[Key, CheckRun]]:
        """All checks of a variant by case, those of gradients first in each case; the checks of the class are last."""
        cases: dict[str, dict[Key, CheckRun]] = {}
        seen: Counter[tuple[str, str]] = Counter()
        for item in check_runs(self.recorder.variant(changed), self.registry, self.seed):
            name = item.case, item.check.__name__
            seen[name] += 1
            cases.setdefault(item.case, {})[*name, seen[name]] = item
        for case in sorted(cases, key=lambda case: case == CLASS):
            yield dict(
                sorted(
                    cases[case].items(),
                    key=lambda entry: "gradient" not in entry[1].check.__name__,
                )
            )


def _differ_only_at_kinks(ours: CheckRun, theirs: CheckRun) -> bool:
    """Whether the gradients of a mutant differ only in elements where the left and right derivatives differ."""
    own, mutant = ours.make[0](), theirs.make[0]()
    if not (isinstance(own, LayerFixture) and isinstance(mutant, LayerFixture)):
        return False
    differ, kinks = set(), set()
    for comparison in comparisons(mutant):
        expected = own.gradients(own.douts[comparison.dout])[comparison.array]
        differ |= {(comparison.array, index) for index in np.flatnonzero(comparison.analytic != expected)}
        kinks |= {(comparison.array, index) for index in comparison.judgement.where(Verdict.KINK)}
    return bool(differ) and differ <= kinks


def _detected(result: Result) -> bool:
    """Whether a check detected something."""
    return result.status in (Status.FAILED, Status.INCONCLUSIVE)


def _mutant(change: Change, status: MutantStatus, explanation: str, check: str = "", case: str = "") -> Mutant:
    described = {field.name: getattr(change, field.name) for field in fields(Change)}
    return Mutant(**described, status=status, explanation=explanation, check=check, case=case)


def _difference_text(name: str, difference: float) -> str:
    return (
        f"{name} differs by {difference:.3g}"
        if math.isfinite(difference)
        else f"{name} is missing, not finite or of another shape"
    )
