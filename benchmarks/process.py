"""A worker's process, from its parent's side: started, asked, stopped while others are measured, and ended."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from benchmarks.contenders import Contender
from benchmarks.worker import AbsentError

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 900.0
"""Seconds for one answer; a compiler may take minutes."""
PAUSE = 0.005
"""Seconds between a stop and the next turn, in which the machine comes to rest."""


class CrashedError(Exception):
    """The worker ended, or did not answer; with the last that it wrote."""


class Worker:
    """One contender in a process of its own, which runs only while it is asked for something.

    Raises:
        AbsentError: It cannot be measured here.
        CrashedError: It ended before it was ready.
    """

    def __init__(self, contender: Contender, task: str, argument: str) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        packages = ",".join(contender.packages)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", contender.module, packages, task, argument],
            cwd=contender.root,
            env=os.environ | contender.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            process_group=0,  # a signal reaches what it starts itself
        )
        self.pid = self._process.pid
        self._steps = (0, 1)
        try:
            facts = self._answer()
            if "absent" in facts:
                raise AbsentError(facts["absent"])
        except BaseException:
            self.end()
            raise
        self.note: str = facts["note"]
        self.versions: dict[str, str] = facts["versions"]
        self._signal(signal.SIGSTOP)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def turn(self, before: int | None = None, steps: int | None = None) -> float:
        """Seconds a step of a turn; as many steps as `calibrate` found, unless told otherwise."""
        if before is None or steps is None:
            before, steps = self._steps
        time.sleep(PAUSE)
        self._signal(signal.SIGCONT)
        self._ask(f"{before} {steps}\n")
        seconds: float = self._answer()["seconds"]
        self._signal(signal.SIGSTOP)
        return seconds

    def calibrate(self, before: int, steps: int, longest: float) -> None:
        """Warms up, and finds how many steps a turn may have so that it does not take too long."""
        self.turn(before, steps)
        second = self.turn(0, steps)
        fits = min(steps, max(2, int(longest / second)))
        self._steps = min(before, fits), fits

    def end(self) -> None:
        """Ends the process, and what it started."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _ask(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise CrashedError(self._last_words("it ended")) from None

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
            raise CrashedError(self._last_words(f"no answer in {PATIENCE:.0f} s"))
        line = self._process.stdout.readline()
        if not line:
            raise CrashedError(self._last_words("it ended"))
        return json.loads(line)

    def _last_words(self, what: str) -> str:
        self._errors.seek(0)
        return f"{what}: {last_line(self._errors.read().decode(errors='replace'))}"


def answer_of(module: str, argument: str, environment: dict[str, str]) -> Any:
    """What a module of this folder prints when it is run alone in a fresh process.

    Raises:
        AbsentError: It cannot be measured here.
        CrashedError: It failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", argument],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise CrashedError(f"{module} {argument}: it ended with {done.returncode}: {last_line(done.stderr)}")
    facts = json.loads(done.stdout)
    if "absent" in facts:
        raise AbsentError(facts["absent"])
    return facts


def last_line(text: str) -> str:
    """The last one that is not empty, where an exception says what it is."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it wrote nothing")
