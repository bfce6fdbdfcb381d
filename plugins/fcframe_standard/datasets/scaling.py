"""Standardizes features with the statistics of the training rows."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from fcframe import Array

BLOCK = 2**17
"""Numbers that are processed at a time: they fit into the processor's cache, and the table is not copied."""


def statistics(table: Array, rows: Array) -> dict[str, Array]:
    """The "mean" and "scale" of each column over these rows: the standard deviation, or 1 where that is 0.

    The mean of a constant column is exactly that constant, so that the column becomes 0.

    >>> statistics(np.array([[0.0, 7.0], [2.0, 7.0], [9.0, 9.0]]), np.array([0, 1]))
    {'mean': array([1., 7.]), 'scale': array([1., 1.])}
    """
    first = table[rows[0]]
    total, constant = np.zeros(len(first)), np.ones(len(first), bool)
    for block in _blocks(table, rows):
        total += block.sum(axis=0)
        constant &= (block == first).all(axis=0)
    mean = np.where(constant, first, total / len(rows))
    squares = np.zeros(len(first))
    for block in _blocks(table, rows):
        squares += np.square(block - mean).sum(axis=0)
    std = np.sqrt(squares / len(rows))
    return {"mean": mean, "scale": np.where(std == 0, 1, std)}


def scaled(table: Array, rows: Array, fitted: Mapping[str, Any], dtype: np.dtype[Any]) -> Array:
    """(x − mean) / scale of these rows, computed in float64 and returned in `dtype`; x itself if nothing was fitted."""
    X = np.empty((len(rows), table.shape[1]), dtype)
    start = 0
    with np.errstate(over="ignore"):  # an overflow becomes inf, which the training refuses
        for block in _blocks(table, rows):
            if "mean" in fitted:
                block = (block - fitted["mean"]) / fitted["scale"]
            X[start : start + len(block)] = block
            start += len(block)
    return X


def _blocks(table: Array, rows: Array) -> Iterator[Array]:
    step = max(1, BLOCK // table.shape[1])
    for start in range(0, len(rows), step):
        yield table[rows[start : start + step]]
