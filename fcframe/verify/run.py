"""Runs checks on cases, and keeps what comes of it apart from everything else."""

import traceback
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from fcframe.verify.guard import MisbehaviorError, guarded
from fcframe.verify.report import CheckFailure, Inconclusive, NotApplicable, Result, Status

Check: TypeAlias = Callable[[Any], None]
"""A function whose name reads on from "for every layer, …"; it takes a subject, and raises where it does not hold."""

REDRAWS = 3
"""How often a case is drawn anew for a check that could not decide."""


def run_check(component: str, check: Check, case: str, subjects: Sequence[Callable[[], Any]]) -> Result:
    """Runs one check on a case.

    Args:
        component: The component's kind and type.
        check: The check.
        case: The case's name.
        subjects: Each makes what the check takes; the later ones are other draws of the same case, used one after
            the other for as long as the check cannot decide.
    """

    def result(status: Status, message: str = "", diagnosis: str = "", fact: Any = None) -> Result:
        return Result(component, check.__name__, case, status, message, diagnosis, fact)

    undecided = ""
    for subject in subjects:
        try:
            guarded(lambda subject=subject: check(subject()))  # type: ignore[misc]
        except Inconclusive as reason:
            undecided = str(reason)
            continue
        except NotApplicable as reason:
            return result(Status.NOT_APPLICABLE, str(reason))
        except CheckFailure as failure:
            return result(Status.FAILED, failure.message, failure.diagnosis, failure.fact)
        except MisbehaviorError as fault:
            return result(Status.FAILED, str(fault))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever the component raises is its failure, and nobody else's
            return result(Status.FAILED, f"raised {type(error).__name__}: {error}", _where(error))
        return result(Status.PASSED)
    return result(Status.INCONCLUSIVE, undecided)


def _where(error: BaseException) -> str:
    """The last line of the author's own code that an exception went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/fcframe/verify/" not in frame.filename]
    return f"raised at {frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line}" if frames else ""
