"""What became of each mutant of a component, and the share that the checks noticed."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any


class MutantStatus(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    """A check failed on it, or could not decide."""
    SURVIVED = "survived"
    """No check noticed it, though it changes what the component gives, or no case gets there."""
    EQUIVALENT = "equivalent"
    """No check noticed it, and none should: it gives the same results, or other subgradients at a kink."""
    TIMEOUT = "timeout"
    """The time was up before it was judged."""


@dataclass(frozen=True)
class Mutant:
    """One change of the author's text, and whether the checks noticed it."""

    operator: str
    """What was done: "`+` → `-`"."""
    method: str
    file: str
    line: int
    original: str
    """The statement as it stands."""
    changed: str
    """The statement as the mutant has it; empty where it is left out."""
    status: MutantStatus
    explanation: str
    """What the check said, or why none did."""
    check: str = ""
    """The check that noticed it."""
    case: str = ""

    def __str__(self) -> str:
        head = f"{self.status.value}: {self.file}:{self.line} {self.method}, {self.operator}"
        return "\n    ".join([head, self.original, self.changed or "(left out)", self.explanation])

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
    """Checks that the component itself does not pass; no mutant was held against these."""

    @property
    def score(self) -> float:
        """The share of the judged mutants that a check noticed, without the equivalent ones; 1 if there are none."""
        counts = self.counts()
        noticeable = counts[MutantStatus.KILLED.value] + counts[MutantStatus.SURVIVED.value]
        return counts[MutantStatus.KILLED.value] / noticeable if noticeable else 1.0

    @property
    def survivors(self) -> list[Mutant]:
        """The changes that no check noticed and that matter."""
        return [mutant for mutant in self.mutants if mutant.status is MutantStatus.SURVIVED]

    def counts(self) -> Counter[str]:
        """How many mutants have each status."""
        return Counter(
            {fate.value: 0 for fate in MutantStatus} | Counter(mutant.status.value for mutant in self.mutants)
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
