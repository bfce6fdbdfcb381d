"""Which examples each update sees."""

from collections.abc import Iterator
from math import ceil

import numpy as np

from fcframe import arrays
from fcframe.arrays import Array


class Minibatches:
    """Draws an epoch's examples and gathers them into arrays that are used again for the next minibatch.

    Args:
        X: Training examples (n, *input_shape).
        y: Their labels.
        batch_size: N, examples in a minibatch; the last of an epoch may have fewer.
        replacement: False: an epoch shows every example once. True: each minibatch is drawn from all of them.
        rng: The source of randomness.
        weights: The examples' weights (n,), or None where all count the same.

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
        # The course counts whole minibatches of n draws; without replacement nothing is left out.
        self.steps_per_epoch = max(1, len(X) // batch_size) if replacement else ceil(len(X) / batch_size)
        self._order = np.zeros(self.steps_per_epoch * self._size if replacement else len(X), np.int64)
        self._batch = arrays.zeros((self._size, *X.shape[1:]), X.dtype, 7)
        self._labels = arrays.zeros((self._size, *y.shape[1:]), y.dtype)

    def epoch(self) -> Iterator[tuple[Array, Array, Array | None]]:
        """The minibatches of one epoch; each is overwritten by the next."""
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
            # "clip": without it, take first fills a hidden copy of what it was given to write into
            weights = None if self._weights is None else self._weights[chosen]
            yield self._X.take(chosen, 0, batch, "clip"), self._y.take(chosen, 0, labels, "clip"), weights
