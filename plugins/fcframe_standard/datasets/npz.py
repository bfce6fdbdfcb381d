"""Arrays from an npz file."""

import os
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fcframe import Data, Dataset, max_bytes
from fcframe_standard.datasets import examples, files, npy
from fcframe_standard.datasets.splits import Share, divide, parts

SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""What splits are called in files → what they are called here."""


class NPZ(Dataset):
    """The arrays of an npz file: X and y, which are split at random, or X_train, y_train and so on, which are not.

    Names may be in lower case, as Keras has them (x_train, y_train, x_test, y_test). What the arrays' headers declare
    is checked before memory is taken, and nothing is unpickled. Labels count from 0, as the losses want them.

    New examples are read from an npz file, where y may be missing, from an array X, or a pair (X, y).

    Shapes: X (N, …) of real numbers; y (N, …), where integers and booleans are labels, other numbers targets.

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
    """The file. A relative path is looked for in the folder of the spec, in the current folder, and in the folder that
    FCFRAME_DATA names."""
    validation: Share = 0.1
    """The validation split's part of X and y, rounded down to whole examples."""
    test: Share = 0.1
    """The test split's part of X and y, rounded down to whole examples."""

    def load(self, dtype, rng):
        path = files.find(self.path)
        with _opened(path) as archive:
            pairs = _pairs(archive)
            members = _members(archive, pairs, dtype)
            if "X" in members:
                N = members["X"].shape[0]
                order = rng.permutation(N)
                X, y = (member.read(archive, order) for member in members.values())
                rows = np.argsort(order)  # row i of the file came to order[i]
                return divide(X, y, *parts(path, N, self.validation, self.test), rows, {}, _Rows(path))
            arrays = {name: member.read(archive, np.arange(member.shape[0])) for name, member in members.items()}
            empty = {f"{kind}_{split}": arrays[f"{kind}_train"][:0] for kind in "Xy" for split in ("val", "test")}
            rows, start = {}, 0
            for X, _ in pairs:
                rows[X.removeprefix("X_")] = np.arange(start, start + len(arrays[X]))
                start += len(arrays[X])
            return Data(**empty | arrays, rows=rows, describe_row=_Rows(path, tuple(rows.items())))

    def read(self, source, fitted, dtype):
        if not isinstance(source, (str, os.PathLike)):
            X, y = examples.given(source)
            return X.astype(dtype), y if y is None else y.astype(np.intp if y.dtype.kind in "biu" else dtype)
        with _opened(files.find(source if isinstance(source, files.SpecPath) else Path(source))) as archive:
            pairs = _pairs(archive, targets=False)
            members = _members(archive, pairs, dtype)
            X = _joined(archive, [members[pair[0]] for pair in pairs])
            return X, _joined(archive, [members[pair[1]] for pair in pairs]) if len(pairs[0]) == 2 else None

    def own_source(self):
        return str(files.find(self.path))


class _Rows:
    """What messages call a row: row 3 of y_test, of the file."""

    def __init__(self, path, splits=()):
        self.path, self.splits = path, splits

    def __call__(self, row):
        for split, rows in self.splits:
            if len(rows) and rows[0] <= row <= rows[-1]:
                return f"{self.path}: row {row - rows[0]} of y_{split}"
        return f"{self.path}: row {row} of y"


@contextmanager
def _opened(path):
    """The archive; whatever is wrong with it is a ValueError that names the file."""
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise ValueError(f"{path}: not a whole npz file: {error}") from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def _pairs(archive, targets=True):
    """The names (X, y) of the arrays that the file must hold, going by those that it does.

    Args:
        archive: The file.
        targets: Whether every X must have its y; if not, none may have one, and the names are (X,).
    """
    names = _names(archive)
    pairs = [("X", "y")]
    if "X_train" in names:
        splits = dict.fromkeys(SPLITS.values())
        pairs = [(f"X_{split}", f"y_{split}") for split in splits if {f"X_{split}", f"y_{split}"} & set(names)]
    if not targets and not any(name.startswith("y") for name in names):
        pairs = [(X,) for X, _ in pairs]
    if {name for pair in pairs for name in pair} != set(names):
        raise ValueError(
            "expected the arrays X and y, or X_train and y_train (and X_val and y_val, X_test and y_test); "
            f"the file holds {', '.join(map(ascii, sorted(archive.namelist())[:20])) or 'none'}"
        )
    return pairs


def _names(archive):
    """What the arrays are called here → what the archive calls them: X_val for "x_valid.npy"."""
    names = {}
    for file in dict.fromkeys(archive.namelist()):
        kind, underscore, split = file.removesuffix(".npy").lower().partition("_")
        kind = {"x": "X"}.get(kind, kind)
        name = f"{kind}_{SPLITS.get(split, split)}" if underscore else kind
        if kind not in "Xy" or not file.endswith(".npy"):
            name = file
        if name in names:
            raise ValueError(f"the file holds both {names[name]!a} and {file!a}, which are taken for the same")
        names[name] = file
    return names


def _members(archive, pairs, dtype):
    """The arrays by name, once they are known to fit each other and the memory."""
    names = _names(archive)
    wanted = [name for pair in pairs for name in pair]
    members = {name: npy.member(archive, name, names[name], dtype, labels=name[0] == "y") for name in wanted}
    for X, *y in pairs:
        if y and members[X].shape[0] != members[y[0]].shape[0]:
            raise ValueError(f"{X} has {members[X].shape[0]} rows and {y[0]} has {members[y[0]].shape[0]}")
    needed = sum(member.bytes for member in members.values()) + max(member.beside for member in members.values())
    allowed = max_bytes()
    if needed > allowed:
        raise ValueError(f"the arrays take {needed:,} bytes; {allowed:,} are allowed (FCFRAME_MAX_BYTES)")
    return members


def _joined(archive, members):
    """The rows of several arrays, one below the other."""
    first, count = members[0], sum(member.shape[0] for member in members)
    for member in members:
        if member.shape[1:] != first.shape[1:] or member.made != first.made:
            raise ValueError(f"a row of {member.name} is not as one of {first.name}")
    out, start = np.empty((count, *first.shape[1:]), first.made), 0
    for member in members:
        N = member.shape[0]
        member.read(archive, np.arange(N), out[start : start + N])
        start += N
    return out
