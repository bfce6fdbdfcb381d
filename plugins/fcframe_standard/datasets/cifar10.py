"""CIFAR-10."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from fcframe import Array, Data, Dataset
from fcframe_standard.datasets import examples, files, pickles
from fcframe_standard.datasets.splits import divide

FOLDER = "cifar-10-batches-py"
MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAINING = 49_000
HELD_OUT = 1000
SHAPE = (3, 32, 32)


class CIFAR10(Dataset):
    """CIFAR-10: 32×32 colour images of ten classes, minus the mean of the 49,000 training images.

    The split is that of the CS231n assignments: of the five training batches, the first 49,000 images are for training
    and the last 1,000 for validation; the first 1,000 of the test batch are for the test. Only the official files of
    the "python version" are read. A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    New images are read from an array (N, 3, 32, 32) or (N, 3072) of numbers from 0 to 255, or from a pair (X, y).

    Shapes: X (N, 3, 32, 32), channels red, green, blue, from −255 to 255 before scaling; y (N,), integers 0 to 9.
    """

    type = "cifar10"

    root: files.DataPath | None = None
    """The folder cifar-10-batches-py, or the folder that contains it; by default the one that the environment variable
    FCFRAME_DATA names. A relative path is looked for in the folder of the spec, in the current folder, and there."""
    train_size: Annotated[int, Field(ge=1, le=TRAINING)] = TRAINING
    """Number of training examples, taken from the start; the mean is always that of all 49,000."""
    scale: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """Factor by which X is multiplied after the mean is subtracted."""

    def load(self, dtype: np.dtype[Any], rng: "np.random.Generator") -> Data:
        X, y, total = self._images(dtype)
        fitted: dict[str, Any] = {"classes": list(CLASSES), "mean": total / TRAINING}
        _center(X, fitted["mean"], self.scale)
        return divide(X, y, HELD_OUT, HELD_OUT, np.arange(len(X)), fitted, self._describe_row)

    def read(self, source: Any, fitted: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Array, Array | None]:
        images, y = examples.given(source, SHAPE)
        X = images.astype(dtype)
        _center(X, np.asarray(fitted["mean"]), self.scale)
        return X, examples.labelled(y, fitted["classes"])

    def own_source(self) -> tuple[Array, Array]:
        return self._images(np.uint8)[:2]

    def _images(self, dtype: Any) -> tuple[Array, Array, Array]:
        """The images of the three splits in one array, their labels, and the sum of all 49,000 training images."""
        paths = [self._path(name) for name in MD5]  # a missing file is reported before any is read
        N = self.train_size
        X = np.empty((N + 2 * HELD_OUT, *SHAPE), dtype)
        y = np.empty(len(X), np.intp)
        total = np.zeros(X.shape[1:], np.int64)
        start = 0
        for path in paths[:-1]:
            images, labels = _batch(path)
            total += images[: TRAINING - start].sum(axis=0, dtype=np.uint32)
            X[start:N][: len(images)] = images[: max(0, N - start)]
            y[start:N][: len(images)] = labels[: max(0, N - start)]
            start += len(images)
        X[N:-HELD_OUT], y[N:-HELD_OUT] = images[-HELD_OUT:], labels[-HELD_OUT:]
        images, labels = _batch(paths[-1])
        X[-HELD_OUT:], y[-HELD_OUT:] = images[:HELD_OUT], labels[:HELD_OUT]
        return X, y, total

    def _describe_row(self, row: int) -> str:
        splits = ("validation image", row - self.train_size), ("test image", row - self.train_size - HELD_OUT)
        what, number = max((split for split in splits if split[1] >= 0), key=splits.index, default=("image", row))
        return f"{what} {number} of CIFAR-10"

    def _path(self, name: str) -> Path:
        roots = [files.data_folder() or "."] if self.root is None else files.places(self.root)
        places = [Path(root, *folder, name) for root in roots for folder in ((FOLDER,), ())]
        return files.first(places, f"set root, or the variable FCFRAME_DATA, to the folder that contains {FOLDER}")


def _batch(path: Path) -> tuple[Array, Array]:
    batch = pickles.read(path, MD5[path.name])
    return batch[b"data"].reshape(-1, *SHAPE), np.array(batch[b"labels"])


def _center(X: Array, mean: Array, scale: float) -> None:
    for start in range(0, len(X), 100):  # in place, with float64 intermediates of 100 images at a time
        rows = X[start : start + 100]
        rows[...] = (rows - mean) * scale
