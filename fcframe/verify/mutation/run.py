"""Mutation testing: which small changes of an author's own text would the checks not notice?

Each mutant is a class in memory, derived from the component, with one changed method; the checks of its kind are run on
it until one fails. For a mutant that passes them all, what its methods gave in every call of every check is held
against what the component's gave in the same calls, and tells why.
"""

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any, TypeAlias

import numpy as np

from fcframe.components import Component
from fcframe.plugins import Registry
from fcframe.plugins import registry as installed
from fcframe.verify.derivatives.layer import comparisons
from fcframe.verify.derivatives.verdict import Verdict
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.mutation.mutants import Change, changes
from fcframe.verify.mutation.recorder import Recorder, differences, is_gradient
from fcframe.verify.mutation.report import Mutant, MutantStatus, MutationReport
from fcframe.verify.report import Result, Status
from fcframe.verify.running.check import CheckRun
from fcframe.verify.suite import check_runs

SECONDS = 300.0
"""The time that all mutants of a component have together."""
MAX_SHOWN = 200
"""Characters of a check's message that are shown."""

REFERENCE = "only a reference for the value can tell, an example in the class's documentation say"

CLASS = "class"
"""The case of the checks that are about the class alone; they come last."""

Key: TypeAlias = tuple[str, str, int]
"""A case, a check, and the how-manieth of that name it is: two configurations may make cases of one name."""


def mutate(
    component: type[Component], *, seed: int = 0, seconds: float = SECONDS, registry: Registry | None = None
) -> MutationReport:
    """Changes a component's own forward and backward, operator by operator, and says which changes pass the checks.

    Args:
        component: A class whose methods give a value and its gradient: of a layer, a loss or a regularizer.
        seed: Draws everything that the cases need.
        seconds: Seconds for all mutants together; what is not judged by then is reported as such.
        registry: Where components inside the component are looked up; all that is installed, by default.

    Returns:
        The mutants, each with its line and its fate; the score.

    Raises:
        ContractError: The text of a method cannot be read.

    >>> import fcframe
    >>> report = mutate(fcframe.registry().layers["relu"])
    >>> report.score
    1.0
    """
    end = time.monotonic() + seconds
    jury = _Jury(component, seed, installed() if registry is None else registry)
    return MutationReport(
        f"{component.kind} {component.type}", [jury.judge(change, end) for change in changes(component)], jury.left_out
    )


class _Jury:
    """The checks that a component passes, and what its methods give in them; it judges the mutants."""

    def __init__(self, component: type[Component], seed: int, registry: Registry) -> None:
        self.recorder = Recorder(component)
        self.seed = seed
        self.registry = registry
        self.left_out: list[str] = []
        self._items: dict[Key, CheckRun] = {}
        self._digests: dict[Key, list[Any]] = {}
        self._reached: dict[Any, bool] = {}
        for case in self._all_cases({}):
            noted = self.recorder.run_all(list(case.values())) or map(self._alone, case.values())
            for (key, item), calls in zip(case.items(), noted, strict=True):
                if calls:  # a check that calls none of the methods has nothing to say about a mutant
                    self._items[key], self._digests[key] = item, calls

    def judge(self, change: Change, end: float) -> Mutant:
        """Runs the checks on a mutant until one fails or the time is up."""
        differing: dict[Key, CheckRun] = {}
        missing = set(self._items)
        for turn, case in enumerate(self._cases({change.method: change.function})):
            if time.monotonic() > end:
                return _mutant(change, MutantStatus.TIMEOUT, "the time was up before it was judged")
            items = list(case.values())
            noted = self.recorder.run_all(items) if turn else None  # most mutants do not live through the first case
            if noted is None:
                noted = []
                for item in items:
                    result, calls = self.recorder.run(item)
                    if _noticed(result):
                        message = result.message.partition("\n")[0][:MAX_SHOWN]
                        return _mutant(change, MutantStatus.KILLED, message, result.check, result.case)
                    noted.append(calls)
            differing |= {key: case[key] for key, calls in zip(case, noted, strict=True) if calls != self._digests[key]}
            missing -= set(case)
        if missing:
            return _mutant(change, MutantStatus.SURVIVED, f"{min(missing)[0]} is a case no more, and no check says so")
        return _mutant(change, *self._explained(change, differing))

    def _explained(self, change: Change, differing: Mapping[Key, CheckRun]) -> tuple[MutantStatus, str]:
        """Why no check failed."""
        shown = ""
        moved: dict[str, tuple[CheckRun, CheckRun]] = {}
        for key, item in differing.items():
            found = self._difference(self._items[key], item)
            shown = shown or ", ".join(_in_words(name, off) for name, off in found.items()) + f" ({item.case})"
            if not all(map(is_gradient, found)):
                return MutantStatus.SURVIVED, f"{shown}, and its derivatives are right for that: {REFERENCE}"
            if found:
                moved[item.case] = self._items[key], item
        if moved and all(_differ_only_at_kinks(*pair) for pair in moved.values()):
            return MutantStatus.EQUIVALENT, f"another subgradient at a kink, as right as the author's: {shown}"
        if moved:
            return MutantStatus.SURVIVED, shown
        if not self._is_reached(change):
            return MutantStatus.SURVIVED, "no case gets there"
        count = len({case for case, _, _ in self._items} - {CLASS})
        return (
            MutantStatus.EQUIVALENT,
            f"the same results{' but for rounding' if differing else ''} in all {count} cases",
        )

    def _difference(self, ours: CheckRun, theirs: CheckRun) -> dict[str, float]:
        """What differs by more than rounding in the first call of a check that differs, and by how much."""
        _, expected = self.recorder.run(ours, whole=True)
        _, found = self.recorder.run(theirs, whole=True)
        found_in = (dict(differences(first, second)) for first, second in zip(expected, found, strict=False))
        return next(filter(None, found_in), {})

    def _is_reached(self, change: Change) -> bool:
        """Whether an exception in the place of the change is noticed."""
        place = change.probe.__code__
        if place not in self._reached:
            cases = self._cases({change.method: change.probe})
            self._reached[place] = any(self.recorder.run_all(list(case.values())) is None for case in cases)
        return self._reached[place]

    def _alone(self, item: CheckRun) -> list[Any] | None:
        """The digests of a check's calls; None if the component does not pass it."""
        result, calls = self.recorder.run(item)
        if not _noticed(result):
            return calls
        if result.check not in self.left_out:
            self.left_out.append(result.check)
        return None

    def _cases(self, changed: Mapping[str, FunctionType]) -> Iterator[dict[Key, CheckRun]]:
        """The checks that the component passes, of a variant of it."""
        for case in self._all_cases(changed):
            yield {key: item for key, item in case.items() if key in self._items}

    def _all_cases(self, changed: Mapping[str, FunctionType]) -> Iterable[dict[Key, CheckRun]]:
        """All checks of a variant, case by case and in each those of gradients first; at last those of the class."""
        cases: dict[str, dict[Key, CheckRun]] = {}
        seen: Counter[tuple[str, str]] = Counter()
        for item in check_runs(self.recorder.variant(changed), self.registry, self.seed):
            name = item.case, item.check.__name__
            seen[name] += 1
            cases.setdefault(item.case, {})[*name, seen[name]] = item
        for case in sorted(cases, key=lambda case: case == CLASS):
            yield dict(sorted(cases[case].items(), key=lambda found: "gradient" not in found[1].check.__name__))


def _differ_only_at_kinks(ours: CheckRun, theirs: CheckRun) -> bool:
    """Whether in the case of these checks gradients differ where the slopes from both sides do, and nowhere else."""
    own, mutant = ours.make[0](), theirs.make[0]()
    if not (isinstance(own, LayerFixture) and isinstance(mutant, LayerFixture)):
        return False
    differ, kinks = set(), set()
    for found in comparisons(mutant):
        expected = own.gradients(own.douts[found.dout])[found.array]
        differ |= {(found.array, place) for place in np.flatnonzero(found.analytic != expected)}
        kinks |= {(found.array, place) for place in found.judgement.where(Verdict.KINK)}
    return bool(differ) and differ <= kinks


def _noticed(result: Result) -> bool:
    return result.status in (Status.FAILED, Status.INCONCLUSIVE)


def _mutant(change: Change, status: MutantStatus, explanation: str, check: str = "", case: str = "") -> Mutant:
    return Mutant(
        change.operator, change.method, change.file, change.line, change.original, change.changed,
        status, explanation, check, case,
    )  # fmt: skip


def _in_words(name: str, off: float) -> str:
    return (
        f"{name} differs by {off:.3g}" if math.isfinite(off) else f"{name} is missing, not finite or of another shape"
    )
