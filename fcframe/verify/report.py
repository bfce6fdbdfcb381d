"""What the harness found: a ledger of every check of every component, and what failed in words."""

import inspect
from collections import Counter
from collections.abc import Iterator
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
    """One line of the ledger: a check of a component in a case."""

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

    def __str__(self) -> str:
        lines = [f"{self.component}, {self.case}: {self.check.replace('_', ' ')}", self.message]
        return "\n  ".join(line for line in (*lines, *self.diagnosis.splitlines()) if line)

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


@dataclass
class Report:
    """The ledger of one or several components.

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

    def counts(self) -> Counter[str]:
        """How many lines have each status."""
        return Counter({status.value: 0 for status in Status} | Counter(found.status.value for found in self.results))

    def by_component(self) -> "dict[str, Report]":
        """The same, a report a component."""
        found: dict[str, Report] = {}
        for result in self.results:
            found.setdefault(result.component, Report()).results.append(result)
        return found

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in self.counts().items() if count)
        return "\n".join([*(str(failure) for failure in self.failures), counts])


def place(method: Any) -> str:
    """The file and line of an author's method, as people write it: "fcframe_swish.py:36"."""
    try:
        function = inspect.unwrap(getattr(method, "__func__", method))
        return f"{Path(inspect.getsourcefile(function) or '').name}:{function.__code__.co_firstlineno}"
    except (TypeError, AttributeError):
        return ""
