"""torch.compile in several ways; each is given time to warm up, and the fastest is the one that is measured."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from benchmarks.worker import Ready
from benchmarks.workers.torch_eager import network, optimizer_of, turns
from benchmarks.workers.ways import fastest
from benchmarks.workloads import Workload


def step(workload: Workload) -> Ready:
    """The best of the ways that work here."""
    return fastest(ways(workload), workload.steps)


def ways(workload: Workload) -> Iterator[tuple[str, Callable[[int], None]]]:
    """What is compiled, and how."""
    for mode in ("default", "max-autotune-no-cudagraphs"):
        for whole in (False, True):
            torch.compiler.reset()
            what = "forward, backward and optimizer" if whole else "forward and backward"
            yield f"{what} ({mode})", turns(workload, _passes(workload, mode, whole=whole))
    torch.compiler.reset()
    yield "the whole step in one graph", turns(workload, _functional(workload))


def _passes(workload: Workload, mode: str, *, whole: bool) -> Callable[[Any, Any], None]:
    model = network(workload)
    optimizer = optimizer_of(workload, model, fused=not whole)
    cross_entropy = nn.CrossEntropyLoss()
    loss = torch.compile(lambda x, labels: cross_entropy(model(x), labels), mode=mode, fullgraph=True)
    update = torch.compile(optimizer.step, mode=mode) if whole else optimizer.step

    def one(x: Any, labels: Any) -> None:
        optimizer.zero_grad(set_to_none=not whole)
        loss(x, labels).backward()
        update()

    return one


def _functional(workload: Workload) -> Callable[[Any, Any], None]:
    """Gradients by torch.func and an update written out, in one compiled function, as one writes it for JAX."""
    params = [torch.from_numpy(array) for pair in workload.weights() for array in pair]
    slots = [(torch.zeros_like(w), torch.zeros_like(w)) for w in params]
    count = torch.zeros(())

    def loss(params: Any, x: Any, labels: Any) -> Any:
        for index in range(0, len(params), 2):
            x = torch.addmm(params[index + 1], torch.relu(x) if index else x, params[index])
        return nn.functional.cross_entropy(x, labels)

    @torch.compile(fullgraph=True)
    def whole(params: Any, slots: Any, t: Any, x: Any, labels: Any) -> None:
        grads = torch.func.grad(loss)(params, x, labels)
        t += 1
        for w, dw, (m, v) in zip(params, grads, slots, strict=True):
            if workload.optimizer == "sgd":
                w -= workload.rate * dw
                continue
            m.mul_(0.9).add_(dw, alpha=0.1)
            v.mul_(0.999).addcmul_(dw, dw, value=0.001)
            w -= workload.rate * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)

    def one(x: Any, labels: Any) -> None:
        with torch.no_grad():
            whole(params, slots, count, x, labels)

    return one
