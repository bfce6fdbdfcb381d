"""thinc: `begin_update`, the softmax loss's gradient, `finish_update`."""

from typing import Any

from thinc import api
from thinc.api import Linear, Relu, chain

from benchmarks.worker import Ready
from benchmarks.workers.batches import turns
from benchmarks.workloads import Array, Labels, Workload


def step(workload: Workload) -> Ready:
    """Neither penalty nor clipping nor averages, as for the others."""
    *hidden, last = workload.sizes[1:]
    model: Any = chain(*(Relu(units) for units in hidden), Linear(last), api.softmax_activation())
    optimizer = {"sgd": api.SGD, "adam": api.Adam}[workload.optimizer](workload.rate, L2=0.0, grad_clip=0.0)
    X, _ = workload.data()
    model.initialize(X=X[:2], Y=model.ops.alloc2f(2, last))

    def one(x: Array, labels: Labels) -> None:
        probs, backward = model.begin_update(x)
        dscores = probs.copy()
        dscores[range(len(labels)), labels] -= 1
        backward(dscores / len(labels))
        model.finish_update(optimizer)

    return Ready(turns(workload, one))
