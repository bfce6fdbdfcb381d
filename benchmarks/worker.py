"""A process that runs one contender, a turn at a time, as its parent asks: `python -m benchmarks.worker NAME TASK …`.

It answers each line on its standard input with a line of JSON: first whether it is there at all, then the seconds a
step of each turn.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any


class AbsentError(Exception):
    """The contender cannot be measured here, and why, in a line."""


@dataclass
class Ready:
    """What a contender's file makes."""

    turn: Callable[[int], Any]
    """Does so many steps, and comes back when they are done."""
    whole: int = 1
    """It does so many steps, or a multiple of them."""
    note: str = ""
    """Which of several ways was taken."""
    versions: dict[str, str] = field(default_factory=dict)

    def timed(self, before: int, steps: int) -> float:
        """Seconds a step of a turn, after others that are not timed: threads wake up in them, and caches fill."""
        before, steps = (-(-asked // self.whole) * self.whole for asked in (before, steps))
        if before:
            self.turn(before)
        start = time.perf_counter()
        self.turn(steps)
        return (time.perf_counter() - start) / steps


def main() -> None:
    """Makes what is measured, then does turns until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes elsewhere
    die_with_parent()
    keep_freed_memory()
    module, packages, task, argument = sys.argv[1:]
    try:
        ready = make(module, packages.split(","), task, argument)
    except AbsentError as error:
        answers.write(json.dumps({"absent": str(error)}) + "\n")
        return
    answers.write(json.dumps({"note": ready.note, "versions": ready.versions}) + "\n")
    for line in sys.stdin:
        answers.write(json.dumps({"seconds": ready.timed(*map(int, line.split()))}) + "\n")


def make(module: str, packages: list[str], task: str, argument: str) -> Ready:
    """The contender's file, asked to make the task."""
    from benchmarks.workloads import WORKLOADS

    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            raise AbsentError(f"{package} is not installed") from None
    room = importlib.import_module(f"benchmarks.workers.{module}")
    ready: Ready = getattr(room, task)(WORKLOADS.get(argument, argument))
    ready.versions |= versions
    return ready


def die_with_parent() -> None:
    """A worker that is stopped could not notice that its parent is gone; Linux can be asked to end it."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def keep_freed_memory() -> None:
    """Makes glibc keep freed arrays for the next ones, as it does once a program has freed a large one.

    Until then each array of a plain text is taken from the system and given back, and most of its time goes into that.
    Whether a program has freed one is chance, so all contenders start like this.
    """
    bytearray(30 * 2**20)  # from 32 MiB on, glibc learns nothing from it


if __name__ == "__main__":
    from benchmarks import worker  # by its name: the errors that contenders' files raise are that module's

    worker.main()
