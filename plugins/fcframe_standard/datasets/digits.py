"""Handwritten digits."""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from fcframe import Dataset, Example
from fcframe_standard.datasets.splits import divide


class Digits(Dataset):
    """1,797 handwritten digits of 8×8 pixels, in random order; they come with fcframe.

    Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998,
    doi 10.24432/C50P49, CC BY 4.0; the test set, as scikit-learn distributes it.

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
        with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as file:
            X, y = file["X"], file["y"]
        order = rng.permutation(len(X))
        X = np.divide(X[order], 16, dtype=dtype)
        return divide(X, y[order].astype(np.intp), self.validation, self.test, tuple("0123456789"))
