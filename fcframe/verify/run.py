"""Runs checks on cases, and keeps what comes of it apart from everything else."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from fcframe.verify.guard import ExhaustedError, MisbehaviorError, guarded
from fcframe.verify.report import CheckFailure, Inconclusive, NotApplicable, Result, Status

Check: TypeAlias = Callable[[Any], None]
"""A function whose name reads on from "for every layer, …"; it takes a subject, and raises where it does not hold."""

REDRAWS = 3
"""How often a case is drawn anew for a check that could not decide."""
LONGEST = 500
"""Characters of an exception that are shown."""


def run_check(component: str, check: Check, case: str, subjects: Sequence[Callable[[], Any]]) -> Result:
    """Runs one check on a case.

    Args:
        component: The component's kind and type.
        check: The check.
        case: The case's name.
        subjects: Each makes what the check takes; the later ones are other draws of the same case, used one after
            the other for as long as the check cannot decide.
    """
    start = time.perf_counter()
    result = Result(component, check.__name__, case, Status.PASSED)
    for subject in subjects:
        result = _judged(result, lambda subject=subject: check(subject()))  # type: ignore[misc]
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
    return f"{type(error).__name__}: {text[:LONGEST]}{'…' * (len(text) > LONGEST)}".removesuffix(": ")


def _where(error: BaseException) -> str:
    """The last line of the author's own code that an exception went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/fcframe/verify/" not in frame.filename]
    return f"raised at {frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}" if frames else ""
