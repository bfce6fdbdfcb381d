"""Measures a network on examples: the loss and a metric."""

import numpy as np

from fcframe.components import Metric
from fcframe.context import Array, Context
from fcframe.errors import SpecError
from fcframe.limits import max_bytes
from fcframe.network import Network


class Evaluator:
    """Scores examples a batch at a time, in arrays that are used again.

    Args:
        network: The network, measured with the parameters that it has when called.
        metric: What is measured beside the loss, if anything.
        batch_size: How many examples are scored at a time; fewer where so many would need more memory than is allowed.
    """

    def __init__(self, network: Network, metric: Metric | None, batch_size: int) -> None:
        self._network = network
        self._metric = metric
        example = max(1, sum(network.chain.output_sizes(network.spec.input)) * network.dtype.itemsize)
        self._batch_size = max(1, min(batch_size, max_bytes() // example))
        self._ctx = network.evaluation_context(reuse=True)

    def __call__(
        self, X: Array, y: Array, split: str, sample: Array | None = None, weights: Array | None = None
    ) -> dict[str, float]:
        """The figures of one split, such as "val_loss" and "val_acc"; none where there is no example.

        The loss is that of the data alone, without penalties.

        Args:
            X: Examples.
            y: Their labels.
            split: What the figures' names start with.
            sample: The rows that are measured; all of them, by default.
            weights: How much each example counts in the loss; all the same, by default.

        Raises:
            SpecError: The metric does not go with the scores and the targets.
        """
        if len(X) == 0:
            return {}
        network = self._network
        y = y if sample is None else y[sample]
        scores = np.empty((len(y), *network.output_shape), network.dtype)
        for start in range(0, len(y), self._batch_size):
            rows = slice(start, start + self._batch_size)
            examples = X[rows] if sample is None else X[sample[rows]]
            scores[rows], _ = network.chain.forward(examples, network.params, self._ctx)
        if weights is not None and sample is not None:
            weights = weights[sample]
        if weights is not None and not weights.any():
            weights = None  # of examples that all count nothing there is no weighted mean
        ctx = Context(training=False, dtype=network.dtype, weights=weights)
        loss, _ = network.spec.loss.value_and_grad(scores, y, ctx)
        results = {f"{split}_loss": float(loss)}
        if self._metric is not None:
            results[f"{split}_{self._metric.label}"] = _measured(self._metric, scores, y)
        return results


def _measured(metric: Metric, scores: Array, y: Array) -> float:
    try:
        return float(metric.value(scores, y))
    except ValueError as error:
        what = f"scores of shape {scores.shape} against labels of shape {y.shape}"
        raise SpecError([f"training.evaluation.metric: {metric.type} cannot measure {what}: {error}"]) from error
