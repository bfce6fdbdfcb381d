"""One array of examples → training, validation and test."""

import logging
from typing import Annotated, TypeAlias

from pydantic import Field

from fcframe import Data

Share: TypeAlias = Annotated[float, Field(ge=0, lt=0.5)]
"""The field type of a split's part of all examples; two such parts leave some for training."""


def divide(X, y, validation, test, order, fitted, describe_row=None):
    """Data whose last `test` rows are for testing, the `validation` rows before them for validation.

    Nothing is copied: the splits are views of X and y, which the caller has put into the order that they shall have.

    Args:
        X: All examples.
        y: Their targets.
        validation: How many rows are for validation.
        test: How many rows are for the test.
        order: Which row of the source each example is.
        fitted: As in `Data`.
        describe_row: As in `Data`.

    >>> import numpy as np
    >>> divide(np.zeros((10, 2)), np.arange(10), 2, 3, np.arange(10), {}).y_val
    array([5, 6])
    """
    a = len(X) - validation - test
    b = len(X) - test
    rows = {"train": order[:a], "val": order[a:b], "test": order[b:]}
    return Data(X[:a], y[:a], X[a:b], y[a:b], X[b:], y[b:], fitted, rows=rows, describe_row=describe_row)


def part(N, share):
    """How many of N rows a share is, rounded down to whole rows; 0.29 of 100 are 29, whatever floats make of it.

    >>> part(100, 0.29), part(99, 0.29)
    (29, 28)
    """
    return int(round(N * share, 6))


def parts(source, N, validation, test):
    """The sizes of the validation and the test split of N rows; a split that was asked for and is empty is noted."""
    sizes = part(N, validation), part(N, test)
    for name, share, size in (("validation", validation, sizes[0]), ("test", test, sizes[1])):
        if share and not size:
            note(f"{source}: the {name} split is empty: {share:g} of {N} rows is less than one row")
    return sizes


def note(text):
    """Says in a line what is valid, and probably a mistake."""
    logging.getLogger("fcframe").warning("data: %s", text)
