"""Lets several trainings on one machine take turns on its cores.

The threads of a linear algebra library wait for each other many times in a step, in busy loops. If another program uses
the core of one thread, all threads wait. Two trainings at the same time, each with one thread per core, therefore take
several times as long as one (docs/threads.md). With turns, each runs alone for half of the time. Results do not change.
Turns are for independent trainings only: a training that waits for another one would block it.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from math import inf
from pathlib import Path
from typing import IO

from fcframe import threads
from fcframe.builder import plan
from fcframe.spec.models import ExperimentSpec, Spec

try:
    import fcntl
except ImportError:  # not a POSIX system: there are no turns
    fcntl = None  # type: ignore[assignment]

TURN = 0.5
"""Seconds of a turn while another training waits."""
POLL = 0.005
"""Seconds between two attempts to get the cores."""
PATIENCE = 30.0
"""Seconds after which a waiting training continues without turns, for example because the other one was suspended."""

_INSIDE = ContextVar("inside", default=False)


def threads_for(spec: Spec, requested: int | None = None) -> int:
    """The number of threads for a training: see `fcframe.threads.number`.

    Raises:
        SpecError: The layers do not fit together.
        ThreadsError: The process cannot use this number of threads.

    >>> import fcframe
    >>> threads_for(fcframe.load_spec("specs/digits.json"))
    1
    """
    parameters = plan(spec).parameters.values()
    batch = spec.training.batch_size if isinstance(spec, ExperimentSpec) else 1
    products = [batch * parameter.size for parameter in parameters if len(parameter.shape) > 1]
    return threads.number(requested, largest=max(products, default=0))


def lock_folder() -> Path:
    """The folder with the lock files of this user's trainings: one file for each core, and one for the queue."""
    return Path(tempfile.gettempdir()) / f"fcframe-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


class Turns:
    """The turns of one training. Called after each step, it gives the cores to a waiting training.

    Each core has a file; the training that has locked the file may use the core. The operating system releases the
    locks of a process when it ends, even after a crash.

    Args:
        count: Number of cores that the training needs, one for each thread.
        folder: The folder of the lock files.
    """

    def __init__(self, count: int, folder: Path) -> None:
        self._count = count
        self._ends = inf
        self._held: list[IO[bytes]] = []
        cores = threads.cores()[: threads.available()]
        self._files = [(folder / f"core-{core}").open("ab") for core in cores]
        self._next = (folder / "next").open("ab")

    @property
    def over(self) -> bool:
        """Whether the training continues without turns."""
        return self._next.closed

    def __call__(self) -> None:
        """Ends the turn and waits for the next one, if the time is over and another training waits."""
        if time.monotonic() < self._ends:
            return
        with self._without_turns_if_locks_fail():
            if _locked(self._next):  # no training waits
                _unlock(self._next)
                self._ends = time.monotonic() + TURN
                return
        self.give()
        self.take()

    def take(self) -> None:
        """Waits until this training is the next in the queue and enough cores are free, and locks them."""
        if self.over:
            return
        with self._without_turns_if_locks_fail():
            patience = time.monotonic() + PATIENCE
            while not (_locked(self._next) and self._have_cores()):
                if time.monotonic() > patience:
                    self.close()
                    return
                time.sleep(POLL)
            _unlock(self._next)
            self._ends = time.monotonic() + TURN

    def give(self) -> None:
        """Unlocks the cores."""
        with self._without_turns_if_locks_fail():
            for file in self._held:
                _unlock(file)
        self._held = []

    def close(self) -> None:
        """Stops taking turns, and unlocks everything."""
        self._ends, self._held = inf, []
        for file in (*self._files, self._next):
            with suppress(OSError):
                file.close()  # this also unlocks it

    def _have_cores(self) -> bool:
        """Locks free cores; returns whether the training has all the cores that it needs."""
        missing = self._count - len(self._held)
        free = (file for file in self._files if file not in self._held and _locked(file))
        self._held += [file for _, file in zip(range(missing), free, strict=False)]
        return len(self._held) == self._count

    @contextmanager
    def _without_turns_if_locks_fail(self) -> Iterator[None]:
        """Continues without turns if the file system has no locks, or no more locks (ENOLCK on NFS)."""
        try:
            yield
        except OSError:
            self.close()


@contextmanager
def turns(count: int, enabled: bool = True) -> Iterator[list[Turns]]:
    """Takes turns on `count` cores in the block. Yields a list of functions to call after each step.

    The list is empty if turns are not enabled, if files cannot be locked, and in a training inside another training.
    """
    functions: list[Turns] = []
    if enabled and fcntl is not None and not _INSIDE.get():
        with suppress(OSError):
            functions = [Turns(count, _own(lock_folder()))]
    inside = _INSIDE.set(True)
    try:
        for turn in functions:
            turn.take()
        yield functions
    finally:
        _INSIDE.reset(inside)
        for turn in functions:
            turn.close()


def _own(folder: Path) -> Path:
    """Creates the folder if it does not exist; refuses a folder of another user."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(folder)
    return folder


def _locked(file: IO[bytes]) -> bool:
    """Tries to lock a file; returns whether it succeeded."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unlock(file: IO[bytes]) -> None:
    fcntl.flock(file, fcntl.LOCK_UN)
