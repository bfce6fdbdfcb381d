"""The layers whose gradients are checked, and a turn of a checker: the same text and arrays for all of them."""

from dataclasses import replace

from benchmarks.gradcheckers import BATCHNORM, TIMED, Checker, Row
from benchmarks.worker import Ready

ROWS = {
    "affine 6→5": next(row for row in TIMED if row.name.startswith("affine")),
    "batchnorm of 20": Row(
        "batchnorm", True, replace(BATCHNORM, params={"gamma": (20,), "beta": (20,)}), shape=(5, 20)
    ),
    "15-20-30-10 with its loss": next(row for row in TIMED if row.name.startswith("15-20-30-10")),
}


def checking(check: Checker, name: str) -> Ready:
    """Checks a row on other numbers each time."""
    row = ROWS[name]

    def turn(count: int) -> None:
        for seed in range(count):
            assert check(row, row.arrays(seed), seed) is False, "the layer is right"

    return Ready(turn)
