"""torch's gradient check in slow mode."""

from benchmarks.gradcheckers import SLOW, torch_checkers
from benchmarks.worker import Ready
from benchmarks.workers.gradcheck_rows import checking


def check(name: str) -> Ready:
    """`torch.autograd.gradcheck` at its defaults."""
    return checking(torch_checkers()[SLOW], name)
