"""One array of examples → training, validation and test."""

from typing import Annotated, TypeAlias

from pydantic import Field

from fcframe import Data

Share: TypeAlias = Annotated[float, Field(ge=0, lt=0.5)]
"""The field type of a split's part of all examples; two such parts leave some for training."""


def divide(X, y, validation, test, classes=()):
    """Data whose last `test` rows are for testing, the `validation` rows before them for validation.

    Nothing is copied: the splits are views of X and y, which the caller has put into the order that they shall have.

    >>> import numpy as np
    >>> divide(np.zeros((10, 2)), np.arange(10), validation=2, test=3).y_val
    array([5, 6])
    """
    a = len(X) - validation - test
    b = len(X) - test
    return Data(X[:a], y[:a], X[a:b], y[a:b], X[b:], y[b:], classes)


def part(N, share):
    """How many of N rows a share is, rounded down to whole rows; 0.29 of 100 are 29, whatever floats make of it.

    >>> part(100, 0.29), part(99, 0.29)
    (29, 28)
    """
    return int(round(N * share, 6))
