"""Runs checks on cases, and keeps what comes of it apart from everything else."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from fcframe.verify.report import CheckFailure, Inconclusive, NotApplicable, Result, Status
from fcframe.verify.running.sandbox import ExhaustedError, MisbehaviorError, guarded

Check: TypeAlias = Callable[[Any], None]
"""A function whose name reads on from "for every layer, …"; it takes a fixture, and raises where it does not hold."""

REDRAWS = 3
"""How often a case is drawn anew for a check that could not decide."""
MAX_SHOWN = 500
"""Characters of an exception that are shown."""


def foundation(check: Check) -> Check:
    """Marks a check on which all others of its fixture stand: where it fails, their failures are its consequences."""
    check.foundation = True  # type: ignore[attr-defined]
    return check


@dataclass(frozen=True)
class CheckRun:
    """One check of a component on one fixture, ready to run."""

    component: str
    check: Check
    case: str
    make: tuple[Callable[[], Any], ...]
    """Each makes the fixture, with other random numbers; the later ones are used where the check cannot decide."""
    subject: Any = None
    """What the result is about, for a look over all of them: a layer's `LayerCase`."""

    def run(self) -> Result:
        """Runs it."""
        result = run_check(self.component, self.check, self.case, self.make)
        result.subject, result.rule = self.subject, self.check
        return result


def run_check(component: str, check: Check, case: str, make: Sequence[Callable[[], Any]]) -> Result:
    """Runs one check on a case.

    Args:
        component: The component's kind and type.
        check: The check.
        case: The case's name.
        make: Each makes the fixture that the check takes; the later ones are other draws of the same case, used one
            after the other for as long as the check cannot decide.
    """
    start = time.perf_counter()
    result = Result(component, check.__name__, case, Status.PASSED)
    for fixture in make:
        result = _judged(result, lambda fixture=fixture: check(fixture()))  # type: ignore[misc]
        if result.status is not Status.INCONCLUSIVE:
            break
    return replace(result, seconds=time.perf_counter() - start)


def _judged(result: Result, call: Callable[[], None]) -> Result:
    try:
        guarded(call)
    except Inconclusive as reason:
        return replace(result, status=Status.INCONCLUSIVE, message=str(reason))
    except NotApplicable as reason:
        return replace(result, status=Status.NOT_APPLICABLE, message=str(reason))
    except CheckFailure as failure:
        found = {"message": failure.message, "diagnosis": failure.diagnosis, "fact": failure.fact}
        return replace(result, status=Status.FAILED, **found)
    except MisbehaviorError as fault:
        exhausted = isinstance(fault, ExhaustedError)
        return replace(result, status=Status.FAILED, message=str(fault), exhausted=exhausted)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the component raises is its failure, and nobody else's
        return replace(result, status=Status.FAILED, message=f"raised {_told(error)}", diagnosis=_where(error))
    return replace(result, status=Status.PASSED, message="")


def _told(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # its __str__ is a stranger's too
        text = ""
    return f"{type(error).__name__}: {text[:MAX_SHOWN]}{'…' * (len(text) > MAX_SHOWN)}".removesuffix(": ")


def _where(error: BaseException) -> str:
    """The last line of the author's own code that an exception went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/fcframe/verify/" not in frame.filename]
    return f"raised at {frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}" if frames else ""
