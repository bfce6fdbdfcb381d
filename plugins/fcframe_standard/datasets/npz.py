"""Arrays from an npz file."""

import zipfile
import zlib
from typing import Annotated

import numpy as np
from pydantic import Field

from fcframe import Data, Dataset
from fcframe_standard.datasets import files, npy
from fcframe_standard.datasets.splits import Share, divide, part

SPLITS = ("train", "val", "test")


class NPZ(Dataset):
    """The arrays of an npz file: X and y, which are split at random, or X_train, y_train and so on, which are not.

    What the arrays' headers declare is checked before memory is taken, and nothing is unpickled.

    Shapes: X (N, …) of real numbers; y (N, …), where integers and booleans are labels, other numbers targets.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(folder + "/points.npz", X=np.ones((10, 2)), y=np.arange(10))
    ...     data = NPZ(path=folder + "/points.npz").load(np.dtype("float32"), np.random.default_rng(0))
    >>> data.X_train.shape, data.X_val.shape, data.X_test.shape
    ((8, 2), (1, 2), (1, 2))
    """

    type = "npz"

    path: Annotated[str, Field(min_length=1)]
    """The file; a relative path is looked for in the current folder, then in the one that FCFRAME_DATA names."""
    validation: Share = 0.1
    """The validation split's part of X and y, rounded down to whole examples."""
    test: Share = 0.1
    """The test split's part of X and y, rounded down to whole examples."""

    def load(self, dtype, rng):
        path = files.find(self.path)
        with path.open("rb") as file:
            try:
                with zipfile.ZipFile(file) as archive:
                    return self._data(archive, dtype, rng)
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
                raise ValueError(f"{path}: not a whole npz file: {error}") from error
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error

    def _data(self, archive, dtype, rng):
        pairs = _pairs(archive)
        members = {name: npy.member(archive, name, dtype, labels=name[0] == "y") for pair in pairs for name in pair}
        for X, y in pairs:
            if members[X].shape[0] != members[y].shape[0]:
                raise ValueError(f"{X} has {members[X].shape[0]} rows and {y} has {members[y].shape[0]}")
        needed, allowed = sum(member.bytes for member in members.values()), files.max_bytes()
        if needed > allowed:
            raise ValueError(f"the arrays take {needed:,} bytes; {allowed:,} are allowed (FCFRAME_MAX_BYTES)")
        if "X" in members:
            N = members["X"].shape[0]
            order = rng.permutation(N)
            X, y = (member.read(archive, order) for member in members.values())
            return divide(X, y, part(N, self.validation), part(N, self.test))
        arrays = {name: member.read(archive, np.arange(member.shape[0])) for name, member in members.items()}
        empty = {f"{kind}_{split}": arrays[f"{kind}_train"][:0] for kind in "Xy" for split in SPLITS}
        return Data(**empty | arrays)


def _pairs(archive):
    """The names (X, y) of the arrays that the file must hold, going by those that it does."""
    names = set(archive.namelist())
    pairs = [("X", "y")]
    if "X_train.npy" in names:
        pairs = [(f"X_{split}", f"y_{split}") for split in SPLITS if {f"X_{split}.npy", f"y_{split}.npy"} & names]
    if {f"{name}.npy" for pair in pairs for name in pair} != names:
        raise ValueError(
            "expected the arrays X and y, or X_train and y_train (and X_val and y_val, X_test and y_test); "
            f"the file holds {', '.join(map(ascii, sorted(names)[:20])) or 'none'}"
        )
    return pairs
