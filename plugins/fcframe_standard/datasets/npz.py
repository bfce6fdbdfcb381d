"""Data from an npz file."""

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fcframe import Array, Data, Dataset, max_bytes
from fcframe_standard.datasets import examples, files, npy
from fcframe_standard.datasets.splits import Share, divide, parts

SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""The name of a split in a file → its name here."""


class NPZ(Dataset):
    """The arrays of an npz file: X and y, which are split at random, or X_train, y_train, X_val and so on.

    Names may be in lower case, as in Keras (x_train, y_train, x_test, y_test). Labels must be integers from 0. The
    headers of the arrays are checked before memory is allocated, and nothing is unpickled.

    New examples are read from an npz file, in which y may be missing, from an array X, or from a pair (X, y).

    Shapes: X (N, …), real numbers; y (N, …), labels if they are integers or booleans, else numbers to be predicted.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(folder + "/points.npz", X=np.ones((10, 2)), y=np.arange(10))
    ...     points = NPZ(path=folder + "/points.npz")
    ...     data = points.load(np.dtype("float32"), np.random.default_rng(0))
    >>> data.X_train.shape, data.X_val.shape, data.X_test.shape
    ((8, 2), (1, 2), (1, 2))
    >>> points.read([[3, 4]], data.fitted, np.dtype("float32"))
    (array([[3., 4.]], dtype=float32), None)
    """

    type = "npz"

    path: files.DataPath
    """Path of the file. A relative path is looked for in the folder of the spec, in the current folder, and in the
    folder that the environment variable FCFRAME_DATA names."""
    validation: Share = 0.1
    """Fraction of X and y for validation, rounded down to whole examples."""
    test: Share = 0.1
    """Fraction of X and y for the test, rounded down to whole examples."""

    def load(self, dtype: np.dtype[Any], rng: "np.random.Generator") -> Data:
        path = files.find(self.path)
        with _opened(path) as archive:
            pairs = _pairs(archive)
            members = _members(archive, pairs, dtype)
            if "X" in members:
                N = members["X"].shape[0]
                order = rng.permutation(N)
                X, y = (member.read(archive, order) for member in members.values())
                rows_read = np.argsort(order)  # row i of the file is at order[i]
                return divide(X, y, *parts(path, N, self.validation, self.test), rows_read, {}, _Rows(path), str(path))
            arrays = {name: member.read(archive, np.arange(member.shape[0])) for name, member in members.items()}
            empty: dict[str, Any] = {
                f"{kind}_{split}": arrays[f"{kind}_train"][:0] for kind in "Xy" for split in ("val", "test")
            }
            rows: dict[str, Array] = {}
            start = 0
            for name, _ in pairs:
                rows[name.removeprefix("X_")] = np.arange(start, start + len(arrays[name]))
                start += len(arrays[name])
            return Data(**empty | arrays, rows=rows, describe_row=_Rows(path, tuple(rows.items())), source=str(path))

    def read(self, source: Any, fitted: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Array, Array | None]:
        if not isinstance(source, (str, os.PathLike)):
            X, y = examples.given(source)
            return X.astype(dtype), y if y is None else y.astype(np.intp if y.dtype.kind in "biu" else dtype)
        with _opened(files.find(source if isinstance(source, files.SpecPath) else Path(source))) as archive:
            pairs = _pairs(archive, targets=False)
            members = _members(archive, pairs, dtype)
            X = _joined(archive, [members[pair[0]] for pair in pairs])
            return X, _joined(archive, [members[pair[1]] for pair in pairs]) if len(pairs[0]) == 2 else None

    def own_source(self) -> str:
        return str(files.find(self.path))


class _Rows:
    """The name of a row in messages: "points.npz: row 3 of X_test and y_test"."""

    def __init__(self, path: Path, splits: Sequence[tuple[str, Array]] = ()) -> None:
        self.path, self.splits = path, splits

    def __call__(self, row: int) -> str:
        for split, rows in self.splits:
            if len(rows) and rows[0] <= row <= rows[-1]:
                return f"{self.path}: row {row - rows[0]} of X_{split} and y_{split}"
        return f"{self.path}: row {row} of X and y"


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Opens the archive; all errors while it is read become a ValueError that names the file."""
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise ValueError(f"{path}: not a complete npz file: {error}") from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def _pairs(archive: zipfile.ZipFile, targets: bool = True) -> list[tuple[str, ...]]:
    """The names (X, y) of the arrays of each split that the file contains; no other arrays may be in it.

    Args:
        archive: The file.
        targets: Whether there must be a y for each X. If not, all may be missing, and the names are (X,).
    """
    names = _names(archive)
    pairs: list[tuple[str, ...]] = [("X", "y")]
    if "X_train" in names:
        splits = dict.fromkeys(SPLITS.values())
        pairs = [(f"X_{split}", f"y_{split}") for split in splits if {f"X_{split}", f"y_{split}"} & set(names)]
    if not targets and not any(name.startswith("y") for name in names):
        pairs = [pair[:1] for pair in pairs]
    if {name for pair in pairs for name in pair} != set(names):
        raise ValueError(
            "expected the arrays X and y, or X_train and y_train (and X_val and y_val, X_test and y_test); "
            f"the file holds {', '.join(map(ascii, sorted(archive.namelist())[:20])) or 'none'}"
        )
    return pairs


def _names(archive: zipfile.ZipFile) -> dict[str, str]:
    """The name of each array here → its name in the archive: "X_val" → "x_valid.npy"."""
    names: dict[str, str] = {}
    for file in archive.namelist():
        kind, underscore, split = file.removesuffix(".npy").lower().partition("_")
        kind = {"x": "X"}.get(kind, kind)
        name = f"{kind}_{SPLITS.get(split, split)}" if underscore else kind
        if kind not in "Xy" or not file.endswith(".npy"):
            name = file
        if name in names:
            if names[name] == file:
                raise ValueError(f"the file holds two arrays called {file!a}")
            raise ValueError(f"the file holds both {names[name]!a} and {file!a}, which have the same meaning")
        names[name] = file
    return names


def _members(archive: zipfile.ZipFile, pairs: list[tuple[str, ...]], dtype: np.dtype[Any]) -> dict[str, npy.Member]:
    """The arrays by name, after their lengths and the memory that they need are checked."""
    names = _names(archive)
    wanted = [name for pair in pairs for name in pair]
    members = {name: npy.member(archive, name, names[name], dtype, labels=name[0] == "y") for name in wanted}
    for X, *y in pairs:
        N = members[X].shape[0]
        if y and (targets := members[y[0]].shape[0]) != N:
            raise ValueError(f"{X} has {N} {'row' if N == 1 else 'rows'} and {y[0]} has {targets}")
    needed = sum(member.nbytes for member in members.values()) + max(member.beside for member in members.values())
    allowed = max_bytes()
    if needed > allowed:
        raise ValueError(f"the arrays take {needed:,} bytes; {allowed:,} are allowed (FCFRAME_MAX_BYTES)")
    return members


def _joined(archive: zipfile.ZipFile, members: list[npy.Member]) -> Array:
    """The arrays, concatenated along the first axis."""
    first, count = members[0], sum(member.shape[0] for member in members)
    for member in members:
        if member.shape[1:] != first.shape[1:] or member.made != first.made:
            raise ValueError(f"the rows of {member.name} and of {first.name} differ in shape or dtype")
    out, start = np.empty((count, *first.shape[1:]), first.made), 0
    for member in members:
        N = member.shape[0]
        member.read(archive, np.arange(N), out[start : start + N])
        start += N
    return out
