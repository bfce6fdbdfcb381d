"""Handwritten digits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from fcframe import Array, Data, Dataset, Example
from fcframe_standard.datasets import examples
from fcframe_standard.datasets.splits import divide

INK = 16
"""The largest value of a pixel in the file."""


class Digits(Dataset):
    """1,797 images of handwritten digits, 8×8 pixels, in random order; they are included in fcframe.

    The test set of E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998, doi 10.24432/C50P49, CC BY 4.0, as scikit-learn distributes it.

    New images are read from an array (N, 8, 8) or (N, 64) of numbers from 0 to 16, as in scikit-learn, or from a pair
    (X, y).

    Shapes: X (N, 8, 8), from 0 (white) to 1 (black); y (N,), integers 0 to 9.

    >>> data = Digits().load(np.dtype("float32"), np.random.default_rng(0))
    >>> data.X_train.shape, data.X_val.shape, data.X_test.shape
    ((1257, 8, 8), (180, 8, 8), (360, 8, 8))
    """

    type = "digits"
    examples = (Example(), Example(validation=1, test=800))

    validation: Annotated[int, Field(ge=1, le=800)] = 180
    """Number of examples for validation."""
    test: Annotated[int, Field(ge=1, le=800)] = 360
    """Number of examples for the test."""

    def load(self, dtype: np.dtype[Any], rng: "np.random.Generator") -> Data:
        X, y = self.own_source()
        order = rng.permutation(len(X))
        X, y = np.divide(X[order], INK, dtype=dtype), y[order].astype(np.intp)
        return divide(X, y, self.validation, self.test, order, {"classes": list("0123456789")})

    def read(self, source: Any, fitted: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Array, Array | None]:
        X, y = examples.given(source, (8, 8))
        return np.divide(X, INK, dtype=dtype), examples.labelled(y, fitted["classes"])

    def own_source(self) -> tuple[Array, Array]:
        with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as file:
            return file["X"], file["y"]
