"""The folder of a run: claimed by one training, and cleaned of nothing but what this training put there."""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeAlias

from fcframe.errors import OutputError

UNFINISHED = "unfinished"
"""The file that is in a run's folder until the run is complete, so that no other training writes there."""
PARTIAL = ".partial"
"""Added to the name of a file while it is written; it gets its own name when the whole run is on the disk."""
MAX_TRIES = 10
"""How often a folder may vanish while it is made: another training that fails removes the empty folders it made."""

Writer: TypeAlias = Callable[[IO[bytes]], None]
_Identity: TypeAlias = tuple[int, int]


class RunFolder:
    """A folder that one training has claimed.

    It removes only files and folders that it made itself. It knows them by their identity in the file system, not by
    their name: a file of somebody else's that took the name stays, and nothing is removed through a link.

    Attributes:
        path: The folder.
        complete: Whether all files of the run are written. Nothing of a complete run is ever removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.complete = False
        self._files: dict[Path, _Identity] = {}
        self._folders: dict[Path, _Identity] = {}
        try:
            self._claim = self._claimed()
            self._itself = _identity(path.stat())
        except BaseException:
            self._remove()
            raise

    def write(self, files: Mapping[str, Writer]) -> None:
        """Writes the files of the run: all of them under another name first, and then each gets its own.

        Raises:
            OSError: One of them cannot be written, or there is one of its name already.
            OutputError: The folder is another one now.
        """
        self._check()
        for name, write in files.items():
            partial = self.path / f"{name}{PARTIAL}"
            with partial.open("xb") as file:
                self._files[partial] = _identity(os.fstat(file.fileno()))
                write(file)
        self._check()
        for name in files:
            partial, final = self.path / f"{name}{PARTIAL}", self.path / name
            if os.path.lexists(final):
                raise FileExistsError(errno.EEXIST, f"it has a file {name} that is not of this run", str(final))
            self._files[final] = self._files[partial]
            partial.rename(final)
        self.complete = True

    def take_back(self) -> None:
        """Removes the files of a run that is not complete."""
        for path, identity in self._files.items():
            if _has(path, identity):
                with suppress(OSError):
                    path.unlink()
        self._files.clear()

    def release(self) -> None:
        """Gives the folder up: what is not complete is removed, and folders that were made and are empty too.

        No error comes from here, so that none hides the one that ended the training.
        """
        if not self.complete:
            self.take_back()
        claim = self.path / UNFINISHED
        with suppress(OSError):
            own = _has(claim, _identity(os.fstat(self._claim)))
            os.close(self._claim)  # before it is removed: Windows removes no open file
            if own:
                claim.unlink()
        self._remove()

    def _claimed(self) -> int:
        """Makes the folder and claims it; gives the descriptor of the claim, which stays open to keep its identity."""
        for rest in reversed(range(MAX_TRIES)):
            try:
                self._folders |= make_folders(self.path)
                self._check_empty()
                claim = os.open(self.path / UNFINISHED, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
                break
            except FileNotFoundError:
                remove_folders(self._folders)
                if not rest:
                    raise
            except FileExistsError as error:
                if error.filename == str(self.path / UNFINISHED):  # another training was faster
                    raise self._not_empty() from None
                raise
        try:
            self._check_empty()  # again: a training may have ended here between the first look and the claim
        except BaseException:
            with suppress(OSError):
                (self.path / UNFINISHED).unlink()
            os.close(claim)
            raise
        return claim

    def _check_empty(self) -> None:
        if any(found.name != UNFINISHED for found in self.path.iterdir()):
            raise self._not_empty()

    def _not_empty(self) -> OutputError:
        return OutputError(f"{self.path}: this folder is not empty; choose another one for the run")

    def _check(self) -> None:
        """Refuses a folder that is not the one that was claimed, or that another training has claimed since."""
        if not _has(self.path, self._itself, Path.stat):
            raise OutputError(f"{self.path}: this folder was moved or replaced during the training")
        claim = self.path / UNFINISHED
        if os.path.lexists(claim) and not _has(claim, _identity(os.fstat(self._claim))):
            raise OutputError(f"{self.path}: another training has claimed this folder")

    def _remove(self) -> None:
        remove_folders(self._folders)


@contextmanager
def folder(path: Any) -> Iterator[RunFolder]:
    """A new or empty folder for a run; what was made of it is removed where the block does not complete the run.

    Args:
        path: Text or a Path; "~" at its start is the home folder.

    Raises:
        OutputError: The folder cannot be made, or holds something already.
    """
    path = checked(path)
    try:
        claimed = RunFolder(path)
    except OSError as error:
        raise not_there(path, error) from error
    try:
        yield claimed
    finally:
        claimed.release()


@contextmanager
def numbered(parent: Path, name: str) -> Iterator[Path]:
    """A new empty folder, the first free one of name-1, name-2, …; it is removed if the block fails and it is empty.

    Raises:
        OutputError: None can be made.
    """
    path, made = _first_free(parent, name)
    try:
        yield path
    except BaseException:
        remove_folders(made)
        raise


def checked(path: Any) -> Path:
    """A folder that somebody asks for, as a path.

    Raises:
        OutputError: It is no path.
    """
    if not isinstance(path, (str, Path)):
        raise OutputError(f"out: expected the path of a folder, got {path!r:.100}")
    if "\0" in str(path):
        raise OutputError(f"out: expected the path of a folder, got {str(path)!r:.100}, which has a null character")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # "~name" of nobody
        raise OutputError(f"{path}: a run cannot be written there: {error}") from None


def not_there(path: Path, error: OSError) -> OutputError:
    """The error of a folder that cannot be made."""
    return OutputError(f"{path}: a run cannot be written there: {error.strerror or error}")


def make_folders(path: Path) -> dict[Path, _Identity]:
    """Makes a folder and those around it that are missing; those that were made, outermost first."""
    made: dict[Path, _Identity] = {}
    around = [parent for parent in reversed(path.parents) if not parent.exists()]
    try:
        for place in (*around, path):
            try:
                place.mkdir()
            except FileExistsError:
                if not place.is_dir():
                    raise
            else:
                made[place] = _identity(place.lstat())
    except BaseException:
        remove_folders(made)
        raise
    return made


def remove_folders(made: dict[Path, _Identity]) -> None:
    """Removes folders that were made here, innermost first, if they are still the same ones and empty."""
    for path, identity in reversed(made.items()):
        if _has(path, identity):
            with suppress(OSError):
                path.rmdir()
    made.clear()


def _first_free(parent: Path, name: str) -> tuple[Path, dict[Path, _Identity]]:
    number, rest = 1, MAX_TRIES
    while True:
        path = parent / f"{name}-{number}"
        made: dict[Path, _Identity] = {}
        try:
            made = make_folders(parent)
            path.mkdir()  # fails if it exists: of two trainings that see the same name free, one gets it
            return path, made | {path: _identity(path.lstat())}
        except OSError as error:
            remove_folders(made)
            if isinstance(error, FileExistsError) and error.filename == str(path):
                number += 1
            elif isinstance(error, FileNotFoundError) and rest:
                rest -= 1
            else:
                raise not_there(path, error) from error


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino


def _has(path: Path, identity: _Identity, look: Callable[[Path], os.stat_result] = Path.lstat) -> bool:
    """Whether this is the file, and not another one of its name."""
    with suppress(OSError):
        return _identity(look(path)) == identity
    return False
