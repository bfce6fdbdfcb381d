"""Splits an array of examples into training, validation and test."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from fcframe import Array, Data

Share: TypeAlias = Annotated[float, Field(ge=0, lt=0.5)]
"""The field type of the fraction of examples in a split; below 0.5, so that two splits leave some for training."""


def divide(
    X: Array,
    y: Array,
    validation: int,
    test: int,
    order: Array,
    fitted: Mapping[str, Any],
    describe_row: Callable[[int], str] | None = None,
    source: str = "",
) -> Data:
    """Data whose last `test` rows are the test split, and the `validation` rows before them the validation split.

    Nothing is copied: the splits are views of X and y, which the caller has shuffled.

    Args:
        X: All examples.
        y: Their targets.
        validation: Number of rows for validation.
        test: Number of rows for the test.
        order: For each example, the number of its row in the source.
        fitted: As in `Data`.
        describe_row: As in `Data`.
        source: As in `Data`.

    >>> import numpy as np
    >>> divide(np.zeros((10, 2)), np.arange(10), 2, 3, np.arange(10), {}).y_val
    array([5, 6])
    """
    a = len(X) - validation - test
    b = len(X) - test
    rows = {"train": order[:a], "val": order[a:b], "test": order[b:]}
    return Data(X[:a], y[:a], X[a:b], y[a:b], X[b:], y[b:], fitted, {}, rows, describe_row, source)


def part(N: int, share: float) -> int:
    """The number of rows that are that fraction of N, rounded down, without floating-point error: 0.29 of 100 is 29.

    >>> part(100, 0.29), part(99, 0.29)
    (29, 28)
    """
    return int(round(N * share, 6))


def parts(source: Path, N: int, validation: float, test: float) -> tuple[int, int]:
    """The sizes of the validation and the test split of N rows; warns of an empty split whose fraction is not 0."""
    sizes = part(N, validation), part(N, test)
    for name, share, size in (("validation", validation, sizes[0]), ("test", test, sizes[1])):
        if share and not size:
            rows = "1 row" if N == 1 else f"{N} rows"
            note(f"{source}: the {name} split is empty: {share:g} of {rows} is less than one row")
    return sizes


def note(text: str) -> None:
    """Logs a warning about something that is valid, but probably a mistake."""
    logging.getLogger("fcframe").warning("data: %s", text)
