"""scikit-learn: `partial_fit` of its MLPClassifier."""

import warnings
from functools import partial

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.worker import Ready
from benchmarks.workers.batches import turns
from benchmarks.workloads import Workload


def step(workload: Workload) -> Ready:
    """One call is one update; it checks its input each time, and adds an L2 penalty of strength 0 here."""
    warnings.simplefilter("ignore")
    model = MLPClassifier(
        workload.sizes[1:-1], solver=workload.optimizer, batch_size=workload.batch, alpha=0.0,
        learning_rate_init=workload.rate, momentum=0.0, nesterovs_momentum=False,
    )  # fmt: skip
    return Ready(turns(workload, partial(model.partial_fit, classes=np.arange(workload.sizes[-1]))))
