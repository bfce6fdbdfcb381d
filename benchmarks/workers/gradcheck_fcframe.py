"""fcframe's two gradient checks."""

from benchmarks.gradcheckers import FCFRAME, fcframe_checkers
from benchmarks.worker import Ready
from benchmarks.workers.gradcheck_rows import checking


def check(name: str) -> Ready:
    """They measure every element of x and of each parameter."""
    return checking(fcframe_checkers()[FCFRAME], name)
