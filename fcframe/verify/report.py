"""`Report` and `Result`: how each check of each component ended; and the exceptions that checks raise."""

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any


class Status(Enum):
    """How one check of one case ended."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not applicable"
    NOTED = "noted"
    """The contract allows it, but the author should look at it: a warning."""


BY_SEVERITY = (
    Status.FAILED, Status.INCONCLUSIVE, Status.PASSED, Status.NOTED, Status.SKIPPED, Status.NOT_APPLICABLE,
)  # fmt: skip
"""All statuses; the status of several results is the first one of these that occurs."""


MISSHAPEN = "misshapen"
"""The fact of a failure that makes all other checks of the case meaningless: a result has the wrong form or shape."""


class CheckFailure(Exception):  # noqa: N818 - the verdict of a check, not a programming error
    """Raised by a check if the component fails. The message must be clear to readers who don't know the harness."""

    def __init__(self, message: str, diagnosis: str = "", fact: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.diagnosis = diagnosis
        self.fact = fact
        """Data for comparing results of several cases, for example a `Comparison`."""


class Inconclusive(Exception):  # noqa: N818
    """Raised by a check that could not decide."""


class NotApplicable(Exception):  # noqa: N818
    """Raised by a check that does not apply to this component or case; the message says why."""


@dataclass
class Result:
    """The result of one check of a component in one case."""

    component: str
    """Kind and type: "layer affine"."""
    check: str
    case: str
    status: Status
    message: str = ""
    """What is wrong, or why the check was skipped or does not apply."""
    diagnosis: str = ""
    """The likely cause, and where to look."""
    fact: Any = field(default=None, repr=False)
    seconds: float = 0.0
    """The time that the check took."""
    exhausted: bool = False
    """Whether the check ran out of time or memory; then the component's other checks are skipped."""
    subject: Any = field(default=None, repr=False)
    """What was checked, for comparing results of several cases: the `LayerCase` of a layer."""
    warned: str = ""
    """The first warning that was given while the check ran."""
    rule: Any = field(default=None, repr=False)
    """The function of the check, so that it can be run again on another case."""

    def __str__(self) -> str:
        where = f"{self.component}, {self.case}" if self.case else self.component
        lines = [f"{where}: {self.check.replace('_', ' ')}", *self.message.splitlines(), *self.diagnosis.splitlines()]
        return "\n  ".join(line for line in lines if line)

    def facts(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "component": self.component,
            "check": self.check,
            "case": self.case,
            "status": self.status.value,
            "message": self.message,
            "diagnosis": self.diagnosis,
        }


def is_of_gradients(check: str) -> bool:
    """Whether a check of that name compares gradients with measured derivatives."""
    return check.startswith("the_gradient_of_")


@dataclass(repr=False)
class Report:
    """All results of one or several components.

    >>> report = Report([Result("layer relu", "keeps_the_dtype", "x=3x5", Status.PASSED)])
    >>> report.passed, report.counts()["passed"]
    (True, 1)
    """

    results: list[Result] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether at least one check ran, none failed, and none was left undecided."""
        counts = self.counts()
        return bool(counts["passed"]) and not counts["failed"] and not counts["inconclusive"]

    @property
    def failures(self) -> list[Result]:
        """The results that failed, with component, case, check, message and diagnosis."""
        return [result for result in self.results if result.status is Status.FAILED]

    @property
    def notes(self) -> list[Result]:
        """The results that are no failures but that the author should look at, such as warnings."""
        return [result for result in self.results if result.status is Status.NOTED]

    @property
    def verdict(self) -> str:
        """Whether the gradients are right: "right", "wrong" or "undecided"; other checks do not count.

        It is undecided if a gradient could not be compared, for example because backward does not return it.

        >>> wrong = Result("layer a", "the_gradient_of_x_is_right", "x=3x5", Status.FAILED)
        >>> other = Result("layer a", "the_dtype_is_kept", "x=3x5", Status.FAILED)
        >>> Report([wrong]).verdict, Report([other]).verdict
        ('wrong', 'undecided')
        """
        seen = {result.status for result in self.results if is_of_gradients(result.check)}
        if Status.FAILED in seen:
            return "wrong"
        return (
            "right" if Status.PASSED in seen and seen.isdisjoint({Status.INCONCLUSIVE, Status.SKIPPED}) else "undecided"
        )

    def counts(self) -> Counter[str]:
        """The number of results with each status."""
        return Counter({status.value: 0 for status in Status} | Counter(result.status.value for result in self.results))

    def by_check(self) -> "dict[str, Report]":
        """One report for each check, by its name."""
        return self._by(lambda result: result.check)

    def by_component(self) -> "dict[str, Report]":
        """One report for each component, by its name."""
        return self._by(lambda result: result.component)

    @property
    def status(self) -> Status:
        """The most severe status of all results: failed if one failed, passed if one passed and others were skipped."""
        seen = {result.status for result in self.results}
        return next((status for status in BY_SEVERITY if status in seen), Status.SKIPPED)

    def reasons(self) -> list[str]:
        """The distinct messages of the results that did not pass."""
        return list(dict.fromkeys(result.message for result in self.results if result.status is not Status.PASSED))

    @property
    def cases(self) -> int:
        """The number of distinct cases."""
        return len({(result.component, result.case) for result in self.results if result.case})

    def _by(self, key: Callable[[Result], str]) -> "dict[str, Report]":
        reports: dict[str, Report] = {}
        for result in self.results:
            reports.setdefault(key(result), Report()).results.append(result)
        return reports

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in self.counts().items() if count)
        return "\n".join([*map(str, distinct(self.failures)), *map(str, self.notes), counts])

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in self.counts().items() if count)
        about = "gradients" if any(is_of_gradients(result.check) for result in self.results) else ""
        return f"Report({about and f'gradients {self.verdict}; '}{counts or 'nothing checked'})"


NUMBER = re.compile(r"-?\d[\d.]*(e[+-]?\d+)?")


@dataclass
class Finding:
    """One distinct failure, with all checks and cases in which it occurs."""

    first: Result
    others: list[Result] = field(default_factory=list)

    @property
    def more(self) -> str:
        """Where else it occurs: "and in 1 more check and 7 more cases"."""
        checks = len({result.check for result in self.others} - {self.first.check})
        cases = len({result.case for result in self.others} - {self.first.case})
        counts = ((checks, "check"), (cases, "case"))
        also = " and ".join(f"{count} more {word}{'s' * (count > 1)}" for count, word in counts if count)
        return f"and in {also}" if also else ""

    def __str__(self) -> str:
        return f"{self.first}\n  {self.more}".rstrip()


def distinct(failures: Iterable[Result]) -> list[Finding]:
    """Groups the failures of each component that have the same text, or the same check and diagnosis."""
    findings: list[Finding] = []
    known: dict[tuple[str, ...], Finding] = {}
    for failure in failures:
        words = (failure.component, failure.message, failure.diagnosis)
        cause = (failure.component, failure.check, NUMBER.sub("…", failure.diagnosis or failure.message), "")
        finding = known.get(words) or known.get(cause)
        if finding is None:
            finding = Finding(failure)
            findings.append(finding)
        else:
            finding.others.append(failure)
        known.setdefault(words, finding)
        known.setdefault(cause, finding)
    return findings


def source_location(method: Any) -> str:
    """The file and line of a method, for example "fcframe_swish.py:36"; "" if they are not known."""
    try:
        function = inspect.unwrap(getattr(method, "__func__", method))
        return f"{Path(inspect.getsourcefile(function) or '').name}:{function.__code__.co_firstlineno}"
    except (TypeError, AttributeError):
        return ""


def look_at(owner: Any, method: str) -> str:
    """The advice "look at backward in fcframe_swish.py:36" for a method of a component or its class."""
    kind = owner if isinstance(owner, type) else type(owner)
    return f"look at {method} in {source_location(getattr(kind, method))}"
