"""Shifting and scaling features by the statistics of the training rows."""

import numpy as np

BLOCK = 2**17
"""How many numbers are treated at a time: they fit into the processor's cache, and no second table is made."""


def statistics(table, rows):
    """The "mean" and "scale" of each column over these rows: the standard deviation, or 1 where that is 0.

    A column that is constant there has that constant as its mean, exactly, so that it becomes 0.

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


def scaled(table, rows, fitted, dtype):
    """(x − mean) / scale of these rows in an array of that type, computed in float64; x where nothing was fitted."""
    X = np.empty((len(rows), table.shape[1]), dtype)
    start = 0
    with np.errstate(over="ignore"):  # what is too large for the type becomes inf, which the training refuses
        for block in _blocks(table, rows):
            if "mean" in fitted:
                block = (block - fitted["mean"]) / fitted["scale"]
            X[start : start + len(block)] = block
            start += len(block)
    return X


def _blocks(table, rows):
    step = max(1, BLOCK // table.shape[1])
    for start in range(0, len(rows), step):
        yield table[rows[start : start + step]]
