"""Times one training step of fcframe beside the plain NumPy text of the same network.

Three texts, in float32, interleaved round by round in one process:

* fcframe: the solver's own loop, as `fcframe train` runs it, from a JSON spec: gather, forward, loss, backward, update;
* plain: the course's functions written out, doing the same work;
* products: the step's five matrix products alone, into arrays made before.

Run `python benchmarks/step.py` (`--json` for the numbers, `--rounds N` for more of them). Read the ratios: the
microseconds are this machine's, at this moment.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import fcframe
from fcframe.training.solver import Solver

Array = NDArray[np.float32]
CASES = {"64-100-10, batch 32": (64, 100, 10, 32, 64), "3072-200-10, batch 100": (3072, 200, 10, 100, 8)}
LEARNING_RATE = 1e-4


def solver_epoch(D: int, H: int, C: int, N: int, X: Array, y: NDArray[np.int64]) -> Callable[[], None]:
    """Fcframe's epoch over X: `len(X) // N` steps."""
    spec = fcframe.load_spec(
        {
            "network": {
                "input": [D],
                "layers": [{"type": "affine", "units": H}, {"type": "relu"}, {"type": "affine", "units": C}],
                "loss": {"type": "softmax"},
            },
            "data": {"type": "digits"},  # replaced below: the benchmark brings its own numbers
            "training": {
                "optimizer": {"type": "sgd", "learning_rate": LEARNING_RATE}, "epochs": 1, "batch_size": N,
                "evaluation": {"train_sample": 1},
            },
        }
    )  # fmt: skip
    none = np.zeros((0, D), np.float32)
    data = fcframe.Data(X, y, none, y[:0], none, y[:0])
    solver = Solver(fcframe.build(spec), data, spec.training, fcframe.registry().hooks())
    return solver.train_epoch


def plain_epoch(D: int, H: int, C: int, N: int, X: Array, y: NDArray[np.int64]) -> Callable[[], None]:
    """The course's text: affine, relu, affine, softmax loss, and `w -= learning_rate * dw`."""
    rng = np.random.default_rng(0)
    params = {
        "W1": rng.normal(0, 0.01, (D, H)).astype(np.float32), "b1": np.zeros(H, np.float32),
        "W2": rng.normal(0, 0.01, (H, C)).astype(np.float32), "b2": np.zeros(C, np.float32),
    }  # fmt: skip
    losses = []

    def epoch() -> None:
        order = rng.permutation(len(X))
        for start in range(0, len(X), N):
            chosen = order[start : start + N]
            x, labels = X[chosen], y[chosen]
            W1, b1, W2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
            rows = x.reshape(x.shape[0], -1)
            a = rows @ W1 + b1
            h = np.maximum(a, 0)
            scores = h @ W2 + b2
            probs = np.exp(scores - np.max(scores, axis=1, keepdims=True))
            probs /= np.sum(probs, axis=1, keepdims=True)
            losses.append(float(-np.sum(np.log(probs[np.arange(N), labels])) / N))
            dscores = probs
            dscores[np.arange(N), labels] -= 1
            dscores /= N
            grads = {"W2": h.T @ dscores, "b2": dscores.sum(axis=0)}
            da = (dscores @ W2.T) * (a > 0)
            grads |= {"W1": rows.T @ da, "b1": da.sum(axis=0)}
            for name, w in params.items():
                w -= LEARNING_RATE * grads[name]

    return epoch


def products_epoch(D: int, H: int, C: int, N: int, X: Array) -> Callable[[], None]:
    """The five products of a step: two forward, one for each dW, one for the dx of the second layer."""
    rng = np.random.default_rng(0)
    x, W1, W2 = X[:N].copy(), rng.normal(0, 0.01, (D, H)).astype(np.float32), np.zeros((H, C), np.float32)
    h, scores, dh = np.ones((N, H), np.float32), np.ones((N, C), np.float32), np.empty((N, H), np.float32)
    dW1, dW2 = np.empty_like(W1), np.empty_like(W2)

    def epoch() -> None:
        for _ in range(len(X) // N):
            np.matmul(x, W1, out=dh)
            np.matmul(h, W2, out=scores)
            np.matmul(h.T, scores, out=dW2)
            np.matmul(scores, W2.T, out=dh)
            np.matmul(x.T, h, out=dW1)

    return epoch


def measure(rounds: int) -> list[dict[str, float | str]]:
    """Medians in microseconds a step, and their ratios."""
    results: list[dict[str, float | str]] = []
    for case, (D, H, C, N, steps) in CASES.items():
        rng = np.random.default_rng(0)
        X = rng.normal(size=(N * steps, D)).astype(np.float32)
        y = rng.integers(C, size=N * steps)
        texts = {
            "fcframe": solver_epoch(D, H, C, N, X, y),
            "plain": plain_epoch(D, H, C, N, X, y),
            "products": products_epoch(D, H, C, N, X),
        }
        times: dict[str, list[float]] = {name: [] for name in texts}
        order = list(texts.items())
        for turn in range(rounds + 3):
            rng.shuffle(order)  # whoever comes second finds the data in a cache
            for name, epoch in order:
                start = time.perf_counter()
                epoch()
                if turn >= 3:  # the first rounds warm caches
                    times[name].append((time.perf_counter() - start) / steps * 1e6)
        median = {name: statistics.median(found) for name, found in times.items()}
        ratios = [mine / theirs for mine, theirs in zip(times["fcframe"], times["plain"], strict=True)]
        results.append(
            {"case": case, **median, "fcframe / plain": statistics.median(ratios),
             "fcframe / products": median["fcframe"] / median["products"]}
        )  # fmt: skip
    return results


def main() -> None:
    """Prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = measure(arguments.rounds)
    if arguments.json:
        print(json.dumps(results, indent=2))
        return
    print("| network | fcframe, µs | plain NumPy, µs | products alone, µs | fcframe / plain | fcframe / products |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in results:
        print(
            f"| {row['case']} | {row['fcframe']:.1f} | {row['plain']:.1f} | {row['products']:.1f} "
            f"| {row['fcframe / plain']:.2f} | {row['fcframe / products']:.2f} |"
        )


if __name__ == "__main__":
    main()
