"""Draws the minibatches of a training."""

from collections.abc import Iterator
from math import ceil

import numpy as np

from fcframe import arrays
from fcframe.arrays import Array


class Minibatches:
    """Draws minibatches; the arrays of a minibatch are reused for the next one.

    Args:
        X: Training examples (n, *input_shape).
        y: Their targets (n, …).
        batch_size: Number of examples N in a minibatch; the last minibatch of an epoch may be smaller.
        replacement: False: each epoch is a new shuffle of the examples. True: examples are drawn independently.
        rng: The source of randomness.
        weights: Example weights (n,), or None if all examples have the same weight.

    >>> batches = Minibatches(np.arange(5.0)[:, None], np.arange(5), 2, False, np.random.default_rng(0))
    >>> [len(X) for X, y, weights in batches.epoch()]
    [2, 2, 1]
    """

    def __init__(
        self,
        X: Array,
        y: Array,
        batch_size: int,
        replacement: bool,
        rng: np.random.Generator,
        weights: Array | None = None,
    ) -> None:
        self._X, self._y, self._weights = X, y, weights
        self._rng = rng
        self._replacement = replacement
        self._size = batch_size if replacement else min(batch_size, len(X))
        # With replacement, an epoch has max(n // N, 1) minibatches, as in the solver of the course CS231n. Without
        # replacement, the remaining examples form a smaller minibatch.
        self.steps_per_epoch = max(1, len(X) // batch_size) if replacement else ceil(len(X) / batch_size)
        self._order = np.zeros(self.steps_per_epoch * self._size if replacement else len(X), np.int64)
        self._batch = arrays.zeros((self._size, *X.shape[1:]), X.dtype, 7)
        self._labels = arrays.zeros((self._size, *y.shape[1:]), y.dtype)

    def epoch(self) -> Iterator[tuple[Array, Array, Array | None]]:
        """The minibatches (X, y, weights) of one epoch; each is overwritten by the next."""
        order, size = self._order, self._size
        if self._replacement:
            order[...] = self._rng.integers(len(self._X), size=len(order))
        else:
            order[...] = self._rng.permutation(len(self._X))
        batch, labels = self._batch, self._labels
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            if len(chosen) < size:
                batch, labels = batch[: len(chosen)], labels[: len(chosen)]
            weights = None if self._weights is None else self._weights[chosen]
            # mode="clip": in the default mode "raise", np.take buffers its output, which costs a copy.
            yield self._X.take(chosen, 0, batch, "clip"), self._y.take(chosen, 0, labels, "clip"), weights
