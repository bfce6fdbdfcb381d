"""The report of mutation testing: the status of each mutant, and the share that the checks detected."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any


class MutantStatus(Enum):
    """Whether the checks detected a mutant, and if not, why."""

    KILLED = "killed"
    """A check failed, or could not decide."""
    SURVIVED = "survived"
    """No check detected it, though it changes results, or no case runs the changed code."""
    EQUIVALENT = "equivalent"
    """No check can detect it: it gives the same results, or other valid subgradients at a kink."""
    TIMEOUT = "timeout"
    """The time limit was reached before it was tested."""


@dataclass(frozen=True)
class Change:
    """One change of the author's code."""

    operator: str
    """The change in words: "`+` → `-`"."""
    method: str
    file: str
    line: int
    original: str
    """The statement in the author's code."""
    changed: str
    """The statement in the mutant; empty if it was removed."""


@dataclass(frozen=True)
class Mutant(Change):
    """One change of the author's code, and whether the checks detected it."""

    status: MutantStatus
    explanation: str
    """The message of the check that detected it, or the reason why none did."""
    check: str = ""
    """The check that detected it."""
    case: str = ""

    def __str__(self) -> str:
        head = f"{self.status.value}: {self.file}:{self.line} {self.method}, {self.operator}"
        return "\n    ".join([head, self.original, self.changed or "(removed)", self.explanation])

    def facts(self) -> dict[str, Any]:
        """The mutant as JSON."""
        return {**asdict(self), "status": self.status.value}


@dataclass
class MutationReport:
    """All mutants of a component, in the order of their lines."""

    component: str
    """Kind and type."""
    mutants: list[Mutant] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Checks that the component itself does not pass; mutants are not tested with these."""

    @property
    def score(self) -> float:
        """The share of mutants that a check detected, without equivalent and untested ones; 1 if there are none."""
        counts = self.counts()
        detectable = counts[MutantStatus.KILLED.value] + counts[MutantStatus.SURVIVED.value]
        return counts[MutantStatus.KILLED.value] / detectable if detectable else 1.0

    @property
    def survivors(self) -> list[Mutant]:
        """The mutants that change results and that no check detected."""
        return [mutant for mutant in self.mutants if mutant.status is MutantStatus.SURVIVED]

    def counts(self) -> Counter[str]:
        """The number of mutants with each status."""
        return Counter(
            {status.value: 0 for status in MutantStatus} | Counter(mutant.status.value for mutant in self.mutants)
        )

    def facts(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "component": self.component,
            "score": self.score,
            "counts": dict(self.counts()),
            "left_out": list(self.left_out),
            "mutants": [mutant.facts() for mutant in self.mutants],
        }

    def __str__(self) -> str:
        shown = [str(mutant) for mutant in self.mutants if mutant.status is not MutantStatus.KILLED]
        if self.left_out:
            shown.append(f"left out, because the component itself does not pass: {', '.join(self.left_out)}")
        counts = ", ".join(f"{count} {name}" for name, count in self.counts().items() if count)
        return "\n".join([*shown, f"{self.component}: {counts or 'nothing to change'}; score {self.score:.1%}"])
