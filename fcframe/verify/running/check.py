"""Runs checks on cases, and keeps what comes of it apart from everything else."""

import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pydantic

from fcframe.verify.report import CheckFailure, Inconclusive, NotApplicable, Result, Status
from fcframe.verify.running.sandbox import ExhaustedError, MisbehaviorError, guarded

Check: TypeAlias = Callable[[Any], None]
"""A function whose name reads on from "for every layer, …"; it takes a fixture, and raises where it does not hold."""

REDRAWS = 3
"""How often a case is drawn anew for a check that could not decide."""
HARNESS = f"{Path(__file__).parents[1]}{os.sep}"
"""Where the harness's own files lie."""
STANDARD_LIBRARY = f"{Path(os.__file__).parent}{os.sep}functools"
"""What may stand between the harness's own frames: its cached properties."""
NOT_THE_AUTHORS = (
    f"{Path(__file__).parents[2]}{os.sep}",
    *(f"{Path(module.__file__ or '').parent}{os.sep}" for module in (np, pydantic)),
)
"""Files in which an exception may come up, and in which its cause does not lie."""
MAX_SHOWN = 500
"""Characters of an exception that are shown."""


def takes_long(cpu_seconds: float) -> Callable[[Check], Check]:
    """Marks a check that computes much itself, with its time limit in seconds."""

    def mark(check: Check) -> Check:
        check.cpu_seconds = cpu_seconds  # type: ignore[attr-defined]
        return check

    return mark


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
    warned: list[str] = []
    for fixture in make:
        result = _judged(result, check, fixture, warned)
        if result.status is not Status.INCONCLUSIVE:
            break
    result.seconds, result.warned = time.perf_counter() - start, warned[0] if warned else ""
    return result


def _judged(result: Result, check: Check, fixture: Callable[[], Any], warned: list[str]) -> Result:
    try:
        guarded(lambda: check(fixture()), seconds=getattr(check, "cpu_seconds", None), warned=warned)
    except (Inconclusive, NotApplicable, CheckFailure) as verdict:
        if not _of_the_harness(verdict, check):
            return _raised(result, verdict)
        return replace(result, **_told_by(verdict))
    except MisbehaviorError as fault:
        exhausted = isinstance(fault, ExhaustedError)
        return replace(result, status=Status.FAILED, message=str(fault), exhausted=exhausted)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the component raises is its failure, and nobody else's
        return _raised(result, error)
    result.status, result.message = Status.PASSED, ""
    return result


def _told_by(verdict: BaseException) -> dict[str, Any]:
    if isinstance(verdict, CheckFailure):
        told = {"message": verdict.message, "diagnosis": verdict.diagnosis, "fact": verdict.fact}
        return {"status": Status.FAILED, **told}
    undecided = isinstance(verdict, Inconclusive)
    return {"status": Status.INCONCLUSIVE if undecided else Status.NOT_APPLICABLE, "message": str(verdict)}


def _of_the_harness(verdict: BaseException, check: Check) -> bool:
    """Whether the harness itself raised it: a component that raises its exceptions has raised, and decided nothing."""
    own = getattr(check, "__code__", None)
    files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(verdict.__traceback__)}
    if own is not None:
        files.discard(own.co_filename)
    return all(file.startswith((HARNESS, STANDARD_LIBRARY)) for file in files)


def _raised(result: Result, error: BaseException) -> Result:
    return replace(result, status=Status.FAILED, message=f"raised {_told(error)}", diagnosis=_where(error))


def _told(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # its __str__ is a stranger's too
        text = ""
    return f"{type(error).__name__}: {text[:MAX_SHOWN]}{'…' * (len(text) > MAX_SHOWN)}".removesuffix(": ")


def _where(error: BaseException) -> str:
    """The last line of the author's own code that an exception went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(HARNESS)]
    own = [frame for frame in frames if not frame.filename.startswith(NOT_THE_AUTHORS)] or frames
    return f"raised at {own[-1].filename}:{own[-1].lineno}: {own[-1].line}" if own else ""
