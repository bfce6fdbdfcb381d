"""torch as its tutorial writes it, with the fused optimizer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.worker import Ready
from benchmarks.workers.ways import fastest
from benchmarks.workloads import Workload


def step(workload: Workload) -> Ready:
    """The loss is not read."""
    model = network(workload)
    optimizer = optimizer_of(workload, model)
    loss = nn.CrossEntropyLoss()

    def one(x: Any, labels: Any) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(model(x), labels).backward()
        optimizer.step()

    return Ready(turns(workload, one))


def forward(workload: Workload) -> Ready:
    """One row through the network, by the faster of torch's two ways to say that nobody wants gradients."""
    model = network(workload).eval()
    x = torch.from_numpy(workload.data()[0][:1].copy())

    def within(mode: Any) -> Callable[[int], None]:
        def turn(count: int) -> None:
            with mode():
                for _ in range(count):
                    model(x)

        return turn

    return fastest([("no_grad", within(torch.no_grad)), ("inference_mode", within(torch.inference_mode))], 200)


def network(workload: Workload) -> Any:
    """The same weights as all the others."""
    layers: list[nn.Module] = []
    for W, b in workload.weights():
        affine = nn.Linear(*W.shape)
        affine.weight.data, affine.bias.data = torch.from_numpy(np.ascontiguousarray(W.T)), torch.from_numpy(b)
        layers += [affine, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def optimizer_of(workload: Workload, model: Any, *, fused: bool = True) -> Any:
    """In one kernel a parameter, which is the fastest eager one."""
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[workload.optimizer]
    return kind(model.parameters(), lr=workload.rate, **({"fused": True} if fused else {"foreach": True}))


def turns(workload: Workload, one: Callable[[Any, Any], None]) -> Callable[[int], None]:
    """Gathers minibatches for one(x, labels)."""
    X, y = (torch.from_numpy(array) for array in workload.data())
    N = workload.batch
    x, labels = X[:N].clone(), y[:N].clone()

    def turn(steps: int) -> None:
        done = 0
        while done < steps:
            order = torch.randperm(len(X))
            for start in range(0, min(len(X), (steps - done) * N), N):
                chosen = order[start : start + N]
                torch.index_select(X, 0, chosen, out=x)
                torch.index_select(y, 0, chosen, out=labels)
                one(x, labels)
                done += 1

    return turn
