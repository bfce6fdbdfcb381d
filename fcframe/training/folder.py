"""The folder of a run. One training claims it, and removes only files that it created itself."""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeAlias

from fcframe.errors import OutputError

UNFINISHED = "unfinished"
"""File that marks the folder as claimed until the run is complete, so that no other training writes to it."""
PARTIAL = ".partial"
"""Suffix of a file while it is written. Files are renamed when all files of the run have been written."""
MAX_TRIES = 10
"""Attempts to create a folder. Another training that fails may remove its empty parent folders at the same time."""

Writer: TypeAlias = Callable[[IO[bytes]], None]
_Identity: TypeAlias = tuple[int, int]


class RunFolder:
    """A folder that one training has claimed.

    It removes only files and folders that it created. They are identified by device and inode, not by name, so that a
    file of another program with the same name is kept, and nothing is removed through a link.

    Attributes:
        path: The folder.
        complete: Whether all files of the run are written. Files of a complete run are never removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.complete = False
        self._files: dict[Path, _Identity] = {}
        self._folders: dict[Path, _Identity] = {}
        try:
            self._claim = self._make_claim()
            self._folder_identity = _identity(path.stat())
        except BaseException:
            self._remove()
            raise

    def write(self, files: Mapping[str, Writer]) -> None:
        """Writes all files of the run under temporary names, and then renames them.

        Raises:
            OSError: A file cannot be written, or a file with its name exists already.
            OutputError: The folder was moved, replaced, or claimed by another training.
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

    def remove_files(self) -> None:
        """Removes the files of a run that is not complete."""
        for path, identity in self._files.items():
            if _has(path, identity):
                with suppress(OSError):
                    path.unlink()
        self._files.clear()

    def release(self) -> None:
        """Releases the folder. Files of an incomplete run, and empty folders that were created, are removed.

        Errors are suppressed, because they would hide the error that ended the training.
        """
        if not self.complete:
            self.remove_files()
        claim = self.path / UNFINISHED
        with suppress(OSError):
            own = _has(claim, _identity(os.fstat(self._claim)))
            os.close(self._claim)  # before unlinking: Windows does not remove open files
            if own:
                claim.unlink()
        self._remove()

    def _make_claim(self) -> int:
        """Creates and claims the folder; returns the descriptor of the claim, kept open so its inode is not reused."""
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
                if error.filename == str(self.path / UNFINISHED):  # another training claimed the folder first
                    raise self._claimed() from None
                raise
        try:
            self._check_empty()  # again: another training may have completed between the first check and the claim
        except BaseException:
            with suppress(OSError):
                (self.path / UNFINISHED).unlink()
            os.close(claim)
            raise
        return claim

    def _check_empty(self) -> None:
        names = {entry.name for entry in self.path.iterdir()} - {UNFINISHED}
        if names and all(name.endswith(PARTIAL) for name in names):
            raise self._claimed()
        if names:
            raise OutputError(f"{self.path}: this folder is not empty; choose another one for the run")

    def _claimed(self) -> OutputError:
        return OutputError(
            f"{self.path}: another training writes to this folder, or was killed while it did; choose another folder, "
            f"or if no training runs there, remove the file {UNFINISHED} and those that end in {PARTIAL}"
        )

    def _check(self) -> None:
        """Refuses a folder that is not the one that was claimed, or that another training has claimed since."""
        if not _has(self.path, self._folder_identity, Path.stat):
            raise OutputError(f"{self.path}: this folder was moved or replaced during the training")
        claim = self.path / UNFINISHED
        if os.path.lexists(claim) and not _has(claim, _identity(os.fstat(self._claim))):
            raise OutputError(f"{self.path}: another training has claimed this folder")

    def _remove(self) -> None:
        remove_folders(self._folders)


@contextmanager
def folder(path: Any) -> Iterator[RunFolder]:
    """Context manager that creates and claims a folder for a run, and cleans up if the run is not completed.

    Args:
        path: The path as text or a Path; "~" at the start is the home folder.

    Raises:
        OutputError: The folder cannot be created, or is not empty.
    """
    path = checked(path)
    try:
        claimed = RunFolder(path)
    except OSError as error:
        raise cannot_create(path, error) from error
    try:
        yield claimed
    finally:
        claimed.release()


@contextmanager
def numbered(parent: Path, name: str) -> Iterator[Path]:
    """Creates the first of the folders name-1, name-2, … that does not exist; removes it if the block fails.

    Raises:
        OutputError: The folder cannot be created.
    """
    path, made = _first_free(parent, name)
    try:
        yield path
    except BaseException:
        remove_folders(made)
        raise


def checked(path: Any) -> Path:
    """Converts the argument `out` to a path.

    Raises:
        OutputError: The argument is not a path.
    """
    if not isinstance(path, (str, Path)):
        raise OutputError(f"out: expected the path of a folder, got {path!r:.100}")
    if "\0" in str(path):
        raise OutputError(f"out: expected the path of a folder, got {str(path)!r:.100}, which has a null character")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # "~name" of an unknown user
        raise OutputError(f"{path}: a run cannot be written there: {error}") from None


def cannot_create(path: Path, error: OSError) -> OutputError:
    """The error for a folder that cannot be created."""
    return OutputError(f"{path}: a run cannot be written there: {error.strerror or error}")


def make_folders(path: Path) -> dict[Path, _Identity]:
    """Creates a folder and its missing parents; returns the folders that were created, outermost first."""
    made: dict[Path, _Identity] = {}
    missing = [parent for parent in reversed(path.parents) if not parent.exists()]
    try:
        for folder in (*missing, path):
            try:
                folder.mkdir()
            except FileExistsError:
                if not folder.is_dir():
                    raise
            else:
                made[folder] = _identity(folder.lstat())
    except BaseException:
        remove_folders(made)
        raise
    return made


def remove_folders(made: dict[Path, _Identity]) -> None:
    """Removes folders that were created here, innermost first, if they are still the same folders and empty."""
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
            path.mkdir()  # fails if it exists, so that two trainings never get the same folder
            return path, made | {path: _identity(path.lstat())}
        except OSError as error:
            remove_folders(made)
            if isinstance(error, FileExistsError) and error.filename == str(path):
                number += 1
            elif isinstance(error, FileNotFoundError) and rest:
                rest -= 1
            else:
                raise cannot_create(path, error) from error


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino


def _has(path: Path, identity: _Identity, look: Callable[[Path], os.stat_result] = Path.lstat) -> bool:
    """Whether the path leads to the file with this identity, and not to another one with the same name."""
    with suppress(OSError):
        return _identity(look(path)) == identity
    return False
