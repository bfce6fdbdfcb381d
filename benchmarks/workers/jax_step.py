"""JAX: gather, forward, loss, backward and update in one jit, the parameters donated."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.worker import Ready
from benchmarks.workloads import Workload


def step(workload: Workload) -> Ready:
    """Nobody waits for a step's loss: the next is sent off at once, and the turn waits for the last."""
    adam = workload.optimizer == "adam"

    def loss(params: Any, x: Any, labels: Any) -> Any:
        for W, b in params[:-1]:
            x = jax.nn.relu(x @ W + b)
        scores = x @ params[-1][0] + params[-1][1]
        return -jnp.mean(jax.nn.log_softmax(scores)[jnp.arange(len(labels)), labels])

    def one(params: Any, m: Any, v: Any, t: Any, X: Any, y: Any, chosen: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, X[chosen], y[chosen])
        if not adam:
            return jax.tree.map(lambda w, dw: w - workload.rate * dw, params, grads), m, v, t, value
        t = t + 1
        m = jax.tree.map(lambda m, dw: 0.9 * m + 0.1 * dw, m, grads)
        v = jax.tree.map(lambda v, dw: 0.999 * v + 0.001 * dw * dw, v, grads)
        scale = workload.rate / (1 - 0.9**t)
        params = jax.tree.map(
            lambda w, m, v: w - scale * m / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), params, m, v
        )  # fmt: skip
        return params, m, v, t, value

    fast = jax.jit(one, donate_argnums=(0, 1, 2, 3))
    X, y = (jnp.asarray(array) for array in workload.data())
    params = jax.tree.map(jnp.array, workload.weights())
    slots = [jax.tree.map(jnp.zeros_like, params) if adam else None for _ in range(2)]
    state = [params, *slots, jnp.zeros((), jnp.float32)]
    rng, N = np.random.default_rng(2), workload.batch

    def turn(steps: int) -> None:
        nonlocal state
        done = 0
        while done < steps:
            order = rng.permutation(len(X)).astype(np.int32)
            for start in range(0, min(len(X), (steps - done) * N), N):
                *state, value = fast(*state, X, y, order[start : start + N])
                done += 1
        value.block_until_ready()

    return Ready(turn)
