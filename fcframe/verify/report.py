"""What the harness found: the result of every check of every component, and what failed in words."""

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
    """Worth a look, and nothing that the contract forbids: a warning."""


GRAVITY = (
    Status.FAILED, Status.INCONCLUSIVE, Status.PASSED, Status.NOTED, Status.SKIPPED, Status.NOT_APPLICABLE,
)  # fmt: skip
"""Which status speaks for several."""


MISSHAPEN = "misshapen"
"""The fact of a failure after which no other check of the case can say anything."""


class CheckFailure(Exception):  # noqa: N818 - it is the check's word, not a programming error
    """Raised by a check that does not hold. The message is for a reader who has never seen the harness."""

    def __init__(self, message: str, diagnosis: str = "", fact: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.diagnosis = diagnosis
        self.fact = fact
        """What a later look over all cases may want to know, a `Comparison` say."""


class Inconclusive(Exception):  # noqa: N818
    """Raised by a check that could not decide."""


class NotApplicable(Exception):  # noqa: N818
    """Raised by a check that asks nothing of this component in this case; the message says why."""


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
    """How long it took."""
    exhausted: bool = False
    """Whether it ended because time or memory did; then the component's other checks are left out."""
    subject: Any = field(default=None, repr=False)
    """What was checked, for a look over all cases: the `LayerCase` of a layer."""
    warned: str = ""
    """The first warning that was given while the check ran."""
    rule: Any = field(default=None, repr=False)
    """The check itself, so that it can be run again on another case."""

    def __str__(self) -> str:
        where = f"{self.component}, {self.case}" if self.case else self.component
        lines = [f"{where}: {self.check.replace('_', ' ')}", *self.message.splitlines(), *self.diagnosis.splitlines()]
        return "\n  ".join(line for line in lines if line)

    def facts(self) -> dict[str, Any]:
        """The line as JSON."""
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
        """The lines of what failed: component, case, check, message, diagnosis."""
        return [result for result in self.results if result.status is Status.FAILED]

    @property
    def notes(self) -> list[Result]:
        """What is worth a look and forbids nothing, such as warnings that were given."""
        return [result for result in self.results if result.status is Status.NOTED]

    @property
    def verdict(self) -> str:
        """Whether the gradients are right: "right", "wrong" or "undecided", whatever else the contract asks for.

        >>> wrong = Result("layer a", "the_gradient_of_x_is_right", "x=3x5", Status.FAILED)
        >>> other = Result("layer a", "the_dtype_is_kept", "x=3x5", Status.FAILED)
        >>> Report([wrong]).verdict, Report([other]).verdict
        ('wrong', 'undecided')
        """
        seen = {result.status for result in self.results if is_of_gradients(result.check)}
        if Status.FAILED in seen:
            return "wrong"
        return "right" if Status.PASSED in seen and Status.INCONCLUSIVE not in seen else "undecided"

    def counts(self) -> Counter[str]:
        """How many lines have each status."""
        return Counter({status.value: 0 for status in Status} | Counter(found.status.value for found in self.results))

    def by_check(self) -> "dict[str, Report]":
        """The same, a report a check."""
        return self._by(lambda result: result.check)

    def by_component(self) -> "dict[str, Report]":
        """The same, a report a component."""
        return self._by(lambda result: result.component)

    @property
    def status(self) -> Status:
        """How all lines ended together, the gravest first: one failure fails them, one passed among skipped passes."""
        seen = {result.status for result in self.results}
        return next((status for status in GRAVITY if status in seen), Status.SKIPPED)

    def reasons(self) -> list[str]:
        """Why lines did not pass, each distinct message once."""
        return list(dict.fromkeys(found.message for found in self.results if found.status is not Status.PASSED))

    @property
    def cases(self) -> int:
        """In how many cases something was checked."""
        return len({(result.component, result.case) for result in self.results if result.case})

    def _by(self, key: Callable[[Result], str]) -> "dict[str, Report]":
        found: dict[str, Report] = {}
        for result in self.results:
            found.setdefault(key(result), Report()).results.append(result)
        return found

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
    """What is wrong once, however many checks and cases it shows in."""

    first: Result
    others: list[Result] = field(default_factory=list)

    @property
    def more(self) -> str:
        """Where else it shows: "and in 1 more check and 7 more cases"."""
        checks = len({result.check for result in self.others} - {self.first.check})
        cases = len({result.case for result in self.others} - {self.first.case})
        counts = ((checks, "check"), (cases, "case"))
        also = " and ".join(f"{count} more {word}{'s' * (count > 1)}" for count, word in counts if count)
        return f"and in {also}" if also else ""

    def __str__(self) -> str:
        return f"{self.first}\n  {self.more}".rstrip()


def distinct(failures: Iterable[Result]) -> list[Finding]:
    """Each distinct failure of a component once: those of one check with one diagnosis, or with the same words."""
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
    """The file and line of an author's method, as people write it: "fcframe_swish.py:36"."""
    try:
        function = inspect.unwrap(getattr(method, "__func__", method))
        return f"{Path(inspect.getsourcefile(function) or '').name}:{function.__code__.co_firstlineno}"
    except (TypeError, AttributeError):
        return ""


def look_at(owner: Any, method: str) -> str:
    """Where a reader should look: "look at backward in fcframe_swish.py:36"; of a component, or its class."""
    kind = owner if isinstance(owner, type) else type(owner)
    return f"look at {method} in {source_location(getattr(kind, method))}"
