"""Runs one check on one case, and turns what it raises into a result."""

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
"""Takes a fixture and raises CheckFailure if the component fails; its name continues "for every layer, …"."""

REDRAWS = 3
"""How many draws of a case are tried until the check can decide."""
HARNESS = f"{Path(__file__).parents[1]}{os.sep}"
"""The folder of the harness."""
STANDARD_LIBRARY = f"{Path(os.__file__).parent}{os.sep}functools"
"""The file of functools, whose frames occur between those of the harness (cached properties)."""
NOT_THE_AUTHORS = (
    f"{Path(__file__).parents[2]}{os.sep}",
    *(f"{Path(module.__file__ or '').parent}{os.sep}" for module in (np, pydantic)),
)
"""Folders whose code may raise an exception, though the cause lies in the author's code that called it."""
MAX_SHOWN = 500
"""Characters shown of an exception's message."""


def takes_long(cpu_seconds: float) -> Callable[[Check], Check]:
    """Gives a check that computes much by itself a time limit of its own, in seconds of CPU time."""

    def mark(check: Check) -> Check:
        check.cpu_seconds = cpu_seconds  # type: ignore[attr-defined]
        return check

    return mark


def foundation(check: Check) -> Check:
    """Marks a check on which all other checks of a fixture depend: if it fails, their failures follow from it."""
    check.foundation = True  # type: ignore[attr-defined]
    return check


@dataclass(frozen=True)
class CheckRun:
    """One check of a component on one fixture, ready to run."""

    component: str
    check: Check
    case: str
    make: tuple[Callable[[], Any], ...]
    """Functions that make the fixture, each with other random numbers; used in order until the check can decide."""
    subject: Any = None
    """What is checked, for comparing results of several cases: the `LayerCase` of a layer."""

    def run(self) -> Result:
        """Runs the check and returns its result."""
        result = run_check(self.component, self.check, self.case, self.make)
        result.subject, result.rule = self.subject, self.check
        return result


def run_check(component: str, check: Check, case: str, make: Sequence[Callable[[], Any]]) -> Result:
    """Runs one check on one case and returns its result.

    Args:
        component: The component's kind and type.
        check: The check.
        case: The case's name.
        make: Functions that make the fixture of the check. The first one is used; the others make the fixture with
            other random numbers and are used in order until the check can decide.
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
        if not _raised_by_harness(verdict, check):
            return _raised(result, verdict)
        return replace(result, **_verdict_fields(verdict))
    except MisbehaviorError as fault:
        exhausted = isinstance(fault, ExhaustedError)
        return replace(result, status=Status.FAILED, message=str(fault), exhausted=exhausted)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # any exception of the component is a failure of the component
        return _raised(result, error)
    result.status, result.message = Status.PASSED, ""
    return result


def _verdict_fields(verdict: BaseException) -> dict[str, Any]:
    """The fields of the result that an exception of a check stands for."""
    if isinstance(verdict, CheckFailure):
        fields = {"message": verdict.message, "diagnosis": verdict.diagnosis, "fact": verdict.fact}
        return {"status": Status.FAILED, **fields}
    undecided = isinstance(verdict, Inconclusive)
    return {"status": Status.INCONCLUSIVE if undecided else Status.NOT_APPLICABLE, "message": str(verdict)}


def _raised_by_harness(verdict: BaseException, check: Check) -> bool:
    """Whether the harness raised the exception; a component that raises one of these has only raised an exception."""
    own = getattr(check, "__code__", None)
    files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(verdict.__traceback__)}
    if own is not None:
        files.discard(own.co_filename)
    return all(file.startswith((HARNESS, STANDARD_LIBRARY)) for file in files)


def _raised(result: Result, error: BaseException) -> Result:
    return replace(result, status=Status.FAILED, message=f"raised {_shown(error)}", diagnosis=_location(error))


def _shown(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # its __str__ is the author's code too
        text = ""
    return f"{type(error).__name__}: {text[:MAX_SHOWN]}{'…' * (len(text) > MAX_SHOWN)}".removesuffix(": ")


def _location(error: BaseException) -> str:
    """The last line of the author's code in the exception's traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(HARNESS)]
    own = [frame for frame in frames if not frame.filename.startswith(NOT_THE_AUTHORS)] or frames
    return f"raised at {own[-1].filename}:{own[-1].lineno}: {own[-1].line}" if own else ""
