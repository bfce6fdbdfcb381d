"""Trainings that run at the same time on one machine, and take turns on its cores where they are asked to.

A linear algebra library's threads wait for each other many times in a step, and busily. Where another program has the
core of one of them, all wait: beside each other, two trainings with as many threads as there are cores take several
times as long as one alone (docs/threads.md). In turns each has half of the time, and computes the same: a turn changes
when, never what. It is for trainings that are independent of each other: one that waits for another would wait long.
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
except ImportError:  # no POSIX: no turns
    fcntl = None  # type: ignore[assignment]

TURN = 0.5
"""Seconds of a turn, while another training waits."""
POLL = 0.005
"""Seconds between two looks at whether it is one's turn."""
PATIENCE = 30.0
"""Seconds after which a training goes on without turns: the one that has its cores was stopped, for example."""

_INSIDE = ContextVar("inside", default=False)


def threads_for(spec: Spec, wanted: int | None = None) -> int:
    """The threads of a training: those that are asked for; without that 1, where no product is large enough for more.

    Raises:
        SpecError: The layers do not fit together.
        ThreadsError: This process cannot have so many.

    >>> import fcframe
    >>> threads_for(fcframe.load_spec("specs/digits.json"))
    1
    """
    found = plan(spec)
    batch = spec.training.batch_size if isinstance(spec, ExperimentSpec) else 1
    products = [batch * parameter.size for parameter in found.parameters.values() if len(parameter.shape) > 1]
    return threads.number(wanted, largest=max(products, default=0))


def lock_folder() -> Path:
    """Where this user's trainings keep the files that they lock: one a core, and one for who is next."""
    return Path(tempfile.gettempdir()) / f"fcframe-{os.getuid() if hasattr(os, 'getuid') else 'user'}"


class Turns:
    """A training's turns: called at the end of each step, it lets others at the cores if some wait.

    Each core has a file, and who has it locked has the core. The operating system takes locks back from a process that
    ends, however it ends.

    Args:
        count: The cores that it needs: a training's threads.
        folder: Where the files are.
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
        """Whether it takes no more turns, and runs without."""
        return self._next.closed

    def __call__(self) -> None:
        """Lets others at the cores, if the turn is over and somebody waits."""
        if time.monotonic() < self._ends:
            return
        with self._without_turns_if_locks_fail():
            if _locked(self._next):  # nobody waits
                _unlock(self._next)
                self._ends = time.monotonic() + TURN
                return
        self.give()
        self.take()

    def take(self) -> None:
        """Waits for the cores: first for the place of the next in turn, then until enough cores are free."""
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
        """Lets others at the cores."""
        with self._without_turns_if_locks_fail():
            for file in self._held:
                _unlock(file)
        self._held = []

    def close(self) -> None:
        """Takes no more turns."""
        self._ends, self._held = inf, []
        for file in (*self._files, self._next):
            with suppress(OSError):
                file.close()  # and with that it is unlocked

    def _have_cores(self) -> bool:
        """Whether it has all the cores that it needs, after it took those that are free."""
        missing = self._count - len(self._held)
        free = (file for file in self._files if file not in self._held and _locked(file))
        self._held += [file for _, file in zip(range(missing), free, strict=False)]
        return len(self._held) == self._count

    @contextmanager
    def _without_turns_if_locks_fail(self) -> Iterator[None]:
        """Some file systems have no locks, or none left (ENOLCK on NFS): the training goes on without turns."""
        try:
            yield
        except OSError:
            self.close()


@contextmanager
def turns(count: int, wanted: bool = True) -> Iterator[list[Turns]]:
    """The block has so many cores, in turns with this user's other trainings; call what it yields after each step.

    There are no turns where they are not wanted, where files cannot be locked, and in a training inside another one.
    """
    found: list[Turns] = []
    if wanted and fcntl is not None and not _INSIDE.get():
        with suppress(OSError):
            found = [Turns(count, _own(lock_folder()))]
    inside = _INSIDE.set(True)
    try:
        for taken in found:
            taken.take()
        yield found
    finally:
        _INSIDE.reset(inside)
        for taken in found:
            taken.close()


def _own(folder: Path) -> Path:
    """The folder, made if it is not there; refused if somebody else made it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(folder)
    return folder


def _locked(file: IO[bytes]) -> bool:
    """Locks a file, if nobody else has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unlock(file: IO[bytes]) -> None:
    fcntl.flock(file, fcntl.LOCK_UN)
