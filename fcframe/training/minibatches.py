"""Which examples each update sees."""

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np

from fcframe import memory
from fcframe.context import Array


class Minibatches:
    """Draws an epoch's examples and gathers them into arrays that are used again for the next minibatch.

    Args:
        X: Training examples (n, *input_shape).
        y: Their labels.
        batch_size: N, examples in a minibatch; the last of an epoch may have fewer.
        replacement: False: an epoch shows every example once. True: each minibatch is drawn from all of them.
        rng: Draws.

    >>> batches = Minibatches(np.arange(5.0)[:, None], np.arange(5), 2, False, np.random.default_rng(0))
    >>> [len(X) for X, y in batches.epoch()]
    [2, 2, 1]
    """

    def __init__(self, X: Array, y: Array, batch_size: int, replacement: bool, rng: np.random.Generator) -> None:
        self._X, self._y = X, y
        self._rng = rng
        self._replacement = replacement
        self._size = batch_size if replacement else min(batch_size, len(X))
        # The course counts whole minibatches of n draws; without replacement nothing is left out.
        self.steps_per_epoch = max(1, len(X) // batch_size) if replacement else ceil(len(X) / batch_size)
        self._X_batch = memory.zeros((self._size, *X.shape[1:]), X.dtype, 7)
        self._y_batch = memory.zeros((self._size, *y.shape[1:]), y.dtype)

    def epoch(self) -> Iterator[tuple[Array, Array]]:
        """The minibatches of one epoch; each is overwritten by the next."""
        size = self._size
        order: np.ndarray[Any, np.dtype[np.int64]]
        if self._replacement:
            order = self._rng.integers(len(self._X), size=self.steps_per_epoch * size)
        else:
            order = self._rng.permutation(len(self._X))
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            X, y = self._X_batch, self._y_batch
            if len(chosen) < size:
                X, y = X[: len(chosen)], y[: len(chosen)]
            # mode: without "clip", take first fills a hidden copy of what it was given to write into
            self._X.take(chosen, axis=0, out=X, mode="clip")
            self._y.take(chosen, axis=0, out=y, mode="clip")
            yield X, y
