"""Handwritten digits."""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from fcframe import Dataset, Example
from fcframe_standard.datasets import examples
from fcframe_standard.datasets.splits import divide

INK = 16
"""The number that a pixel full of ink has in the file."""


class Digits(Dataset):
    """1,797 handwritten digits of 8×8 pixels, in random order; they come with fcframe.

    Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998,
    doi 10.24432/C50P49, CC BY 4.0; the test set, as scikit-learn distributes it.

    New digits are read from an array (N, 8, 8) or (N, 64) of numbers from 0 to 16, as scikit-learn has them, or from a
    pair (X, y).

    Shapes: X (N, 8, 8), from 0 (paper) to 1 (ink); y (N,) integers, 0 to 9.

    >>> data = Digits().load(np.dtype("float32"), np.random.default_rng(0))
    >>> data.X_train.shape, data.X_val.shape, data.X_test.shape
    ((1257, 8, 8), (180, 8, 8), (360, 8, 8))
    """

    type = "digits"
    examples = (Example(), Example(validation=1, test=800))

    validation: Annotated[int, Field(ge=1, le=800)] = 180
    """How many examples are for validation."""
    test: Annotated[int, Field(ge=1, le=800)] = 360
    """How many examples are for the test."""

    def load(self, dtype, rng):
        X, y = self.own_source()
        order = rng.permutation(len(X))
        X, y = np.divide(X[order], INK, dtype=dtype), y[order].astype(np.intp)
        return divide(X, y, self.validation, self.test, order, {"classes": list("0123456789")})

    def read(self, source, fitted, dtype):
        X, y = examples.given(source, (8, 8))
        return np.divide(X, INK, dtype=dtype), examples.labelled(y, fitted["classes"])

    def own_source(self):
        with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as file:
            return file["X"], file["y"]
