"""Holds the public gradient checkers and fcframe's against one table of right and wrong layers.

Every row is a layer in plain NumPy, right or with one defect, drawn anew for each seed; every checker is handed the
same arrays, through an adapter and its own public function, at its defaults:

* torch: `torch.autograd.gradcheck`, slow and fast mode, on a `torch.autograd.Function`;
* jax: `jax.test_util.check_grads` of order 1 in reverse mode, on a `custom_vjp` by `pure_callback`;
* autograd: `autograd.test_util.check_grads`, the same, of all arguments (by default it looks at the first alone);
* course: central differences at h = 1e-5 of every element, as in the course's notebooks; the largest relative error
  may be 1e-6, which is this file's reading of "about 1e-7 or less";
* fcframe, gradients: the harness's two gradient checks alone, on a Layer made of the same text;
* fcframe: `fcframe.gradcheck` of that layer, with all its checks; it draws its own cases, of the same width.

Run `pip install -e .[bench]`, then `python benchmarks/gradcheckers.py` (`--json` for the numbers, `--seeds N`,
`--rounds N` for the timings). A peer that is not installed is left out. Bold is wrong: a right layer that is flagged,
or a wrong one that is not.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import fcframe
from fcframe.verify import Status, gradcheck
from fcframe.verify.checks.layer.gradients import the_gradient_of_each_parameter_is_right, the_gradient_of_x_is_right
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.generate.layer_cases import LayerCase, redrawn
from fcframe.verify.running.check import REDRAWS, run_check
from fcframe_standard.initializers.zeros import Zeros

Array = NDArray[Any]
Arrays: TypeAlias = Sequence[Array]
FCFRAME = "fcframe, gradients"
SLOW, SLOW_SIZE, SLOW_SEEDS = "torch, slow", 2000, 3
"""This checker's Jacobian of a larger x takes gigabytes: so many seeds are enough for it."""
RATIO = f"{SLOW} / {FCFRAME}"
NOISE = np.random.default_rng(0)


@dataclass(frozen=True)
class Text:
    """A layer: forward(x, *params) → out, cache and backward(dout, *cache) → dx, *dparams."""

    forward: Callable[..., tuple[Array, Arrays]]
    backward: Callable[..., Arrays]
    params: dict[str, tuple[int, ...]] = field(default_factory=dict)
    units: int | None = None
    """Size of an output; None if it has the input's shape."""
    independent: bool = True


@dataclass(frozen=True, eq=False)
class Row:
    """A line of the table."""

    name: str
    right: bool
    text: Text
    shape: tuple[int, int] = (4, 6)
    first: float | None = None
    """What the first element of x is set to."""
    visible_in_jax: bool = True
    """Its arrays are immutable and their dtypes declared: for some defects there is no adapter that shows them."""

    def arrays(self, seed: int) -> list[Array]:
        """X and the parameters."""
        rng = np.random.default_rng([seed, *self.name.encode()])
        drawn = [rng.normal(size=shape) for shape in (self.shape, *self.text.params.values())]
        if self.first is not None:
            drawn[0].flat[0] = self.first
        return drawn


def batchnorm(x: Array, gamma: Array, beta: Array) -> tuple[Array, Arrays]:
    """Over the minibatch, with eps = 1e-5."""
    N = max(len(x), 1)
    centered = x - x.sum(axis=0) / N
    var = (centered**2).sum(axis=0) / N
    xhat = centered / np.sqrt(var + 1e-5)
    return gamma * xhat + beta, (xhat, gamma, var)


def batchnorm_back(dout: Array, xhat: Array, gamma: Array, var: Array, *, eps: float = 1e-5, mean: int = 1) -> Arrays:
    """The course's short form, with room for two defects."""
    dgamma, dbeta, N = (dout * xhat).sum(axis=0), dout.sum(axis=0), max(len(dout), 1)
    return gamma / np.sqrt(var + eps) * (dout - mean * dbeta / N - xhat * dgamma / N), dgamma, dbeta


def softmax(x: Array) -> tuple[Array, Arrays]:
    """Over the last axis."""
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y, (y,)


def softmax_back(dout: Array, y: Array, *, sign: int = -1) -> Arrays:
    """The Jacobian's diagonal and its rest."""
    return (y * (dout + sign * (dout * y).sum(axis=-1, keepdims=True)),)


def relu_in_place(x: Array) -> tuple[Array, Arrays]:
    """The defect that saves memory."""
    x[x < 0] = 0
    return x, (x,)


def halving(dout: Array, x: Array) -> Arrays:
    """ReLU's right dx, and dout is another one afterwards."""
    dx = dout * (x > 0)
    dout *= 0.5
    return (dx,)


def network(x: Array, *params: Array) -> tuple[Array, Arrays]:
    """15-20-30-10 with ReLU, softmax and cross-entropy: each example's share of the mean loss."""
    W1, b1, W2, b2, W3, b3 = params
    a1 = np.maximum(x @ W1 + b1, 0)
    a2 = np.maximum(a1 @ W2 + b2, 0)
    scores = a2 @ W3 + b3
    scores -= scores.max(axis=1, keepdims=True)
    exp = np.exp(scores)
    total = exp.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    losses = np.log(total) - scores[rows, rows % 10, None]
    return losses / max(len(x), 1), (x, a1, a2, exp / total, W1, W2, W3)


def network_back(dout: Array, x: Array, a1: Array, a2: Array, probs: Array, W1: Array, W2: Array, W3: Array) -> Arrays:
    """The label of an example is its number in the minibatch."""
    rows = np.arange(len(x))
    scores = probs.copy()
    scores[rows, rows % 10] -= 1
    scores *= dout / max(len(x), 1)
    second = (scores @ W3.T) * (a2 > 0)
    first = (second @ W2.T) * (a1 > 0)
    pairs = [grad for a, d in ((x, first), (a1, second), (a2, scores)) for grad in (a.T @ d, d.sum(axis=0))]
    return first @ W1.T, *pairs


def scaled(text: Text, factor: float, which: int = 0, count: int | None = None) -> Text:
    """Multiplies the first `count` elements of a gradient, or all of them."""

    def backward(dout: Array, *cache: Array) -> Arrays:
        gradients = list(text.backward(dout, *cache))
        gradients[which] = gradients[which].copy()
        gradients[which].reshape(-1)[:count] *= factor
        return gradients

    return replace(text, backward=backward)


AFFINE = Text(
    lambda x, W, b: (x @ W + b, (x, W)),
    lambda dout, x, W: (dout @ W.T, x.T @ dout, dout.sum(axis=0)),
    {"W": (6, 5), "b": (5,)},
    units=5,
)
BATCHNORM = Text(batchnorm, batchnorm_back, {"gamma": (4,), "beta": (4,)}, independent=False)
RELU = Text(lambda x: (np.maximum(x, 0), (x,)), lambda dout, x: (dout * (x > 0),))
SOFTMAX = Text(softmax, softmax_back)
TANH = Text(lambda x: (np.tanh(x), (np.tanh(x),)), lambda dout, y: (dout * (1 - y * y),))
SIZES = {"W1": (15, 20), "b1": (20,), "W2": (20, 30), "b2": (30,), "W3": (30, 10), "b3": (10,)}
NETWORK = Text(network, network_back, SIZES, units=1, independent=False)

ROWS = (
    Row("affine", True, AFFINE),
    Row("softmax", True, SOFTMAX),
    Row("tanh", True, TANH),
    Row("batchnorm", True, BATCHNORM, (5, 4)),
    Row("relu", True, RELU),
    Row("relu, 1,600 elements", True, RELU, (40, 40)),
    Row("relu, one x = 0", True, RELU, first=0.0),
    Row("relu, one x = 3e-7", True, RELU, first=3e-7),
    Row("relu, subgradient 1 at x = 0", True, replace(RELU, backward=lambda dout, x: (dout * (x >= 0),)), first=0.0),
    Row("relu, 2 at x = 0: no subgradient", False,
        replace(RELU, backward=lambda dout, x: (np.where(x == 0, 2 * dout, dout * (x > 0)),)), first=0.0),
    Row("affine, db a mean", False,
        replace(AFFINE, backward=lambda dout, x, W: (dout @ W.T, x.T @ dout, dout.sum(axis=0) / max(len(dout), 1)))),
    Row("softmax, wrong sign", False, replace(SOFTMAX, backward=partial(softmax_back, sign=1))),
    Row("tanh, 1 − y", False, replace(TANH, backward=lambda dout, y: (dout * (1 - y),))),
    Row("batchnorm, no mean term", False, replace(BATCHNORM, backward=partial(batchnorm_back, mean=0)), (5, 4)),
    Row("tanh, dout ignored", False, replace(TANH, backward=lambda _dout, y: (1 - y * y,))),
    Row("affine, one of 30 dW × 1.01", False, scaled(AFFINE, 1.01, which=1, count=1)),
    Row("relu, one of 1,600 × 1.5", False, scaled(RELU, 1.5, count=1), (40, 40), first=1.0),
    Row("tanh, all 1,600 × 1.01", False, scaled(TANH, 1.01), (40, 40)),
    Row("tanh, all 6,400 × 1.1", False, scaled(TANH, 1.1), (80, 80)),
    Row("tanh × 1.001", False, scaled(TANH, 1.001)),
    Row("tanh × 1.0001", False, scaled(TANH, 1.0001)),
    Row("batchnorm, backward without eps", False, replace(BATCHNORM, backward=partial(batchnorm_back, eps=0)), (5, 4)),
    Row("tanh, backward differs by 1e-9", False,
        replace(TANH, backward=lambda dout, y: (dout * (1 - y * y) + 1e-9 * NOISE.normal(size=y.shape),))),
    Row("relu, backward halves dout", False, replace(RELU, backward=halving), visible_in_jax=False),
    Row("relu, forward changes x", False, replace(RELU, forward=relu_in_place), visible_in_jax=False),
    Row("tanh, dx in float32", False,
        replace(TANH, backward=lambda dout, y: ((dout * (1 - y * y)).astype(np.float32),)), visible_in_jax=False),
)  # fmt: skip
TIMED = (
    Row("relu 48×48", True, RELU, (48, 48)),
    Row("affine 6→5", True, AFFINE),
    Row("batchnorm of 20", True, BATCHNORM, (5, 4)),
    Row("15-20-30-10 with loss, batch 5", True, NETWORK, (5, 15)),
)

Checker: TypeAlias = Callable[[Row, list[Array], int], bool | None]
"""Whether a row is flagged, on its arrays and a seed; None: undecided."""


def torch_checkers() -> dict[str, Checker]:
    """Slow mode, which measures the whole Jacobian, and fast mode, which measures one number of it."""
    import torch

    def check(row: Row, arrays: list[Array], _seed: int, *, fast: bool) -> bool:
        class Adapter(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *tensors: Any) -> Any:
                out, ctx.cache = row.text.forward(*(tensor.detach().numpy() for tensor in tensors))
                return torch.from_numpy(out)

            @staticmethod
            def backward(ctx: Any, dout: Any) -> Any:
                return tuple(torch.from_numpy(gradient) for gradient in row.text.backward(dout.numpy(), *ctx.cache))

        tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
        return not torch.autograd.gradcheck(Adapter.apply, tensors, fast_mode=fast, raise_exception=False)

    return {SLOW: partial(check, fast=False), "torch, fast": partial(check, fast=True)}


def jax_checkers() -> dict[str, Checker]:
    """One random direction, the same for all seeds."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")

    def check(row: Row, arrays: list[Array], _seed: int) -> bool | None:
        if not row.visible_in_jax:
            raise NotImplementedError
        forward, backward = row.text.forward, row.text.backward
        like = partial(jax.tree.map, lambda array: jax.ShapeDtypeStruct(array.shape, array.dtype))
        result = like(forward(*arrays)[0])

        @jax.custom_vjp
        def function(*args: Any) -> Any:
            return jax.pure_callback(lambda *given: forward(*map(np.array, given))[0], result, *args)

        def gradients(args: Any, dout: Any) -> Any:
            def call(dout: Any, *given: Any) -> Any:
                return tuple(backward(np.array(dout), *forward(*map(np.array, given))[1]))

            return jax.pure_callback(call, tuple(like(list(arrays))), dout, *args)

        function.defvjp(lambda *args: (function(*args), args), gradients)
        return _raises(lambda: check_grads(function, arrays, order=1, modes=["rev"]))

    return {"jax": check}


def autograd_checkers() -> dict[str, Checker]:
    """One random direction of NumPy's global generator, which is seeded here."""
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    def check(row: Row, arrays: list[Array], seed: int) -> bool:
        forward, backward = row.text.forward, row.text.backward

        def gradient(index: int) -> Callable[..., Any]:
            return lambda _out, *args: lambda dout: backward(dout, *forward(*args)[1])[index]

        function = primitive(lambda *args: forward(*args)[0])
        defvjp(function, *map(gradient, range(len(arrays))))
        np.random.seed(seed)  # noqa: NPY002 - that is where it draws from
        every = tuple(range(len(arrays)))
        return _raises(lambda: check_grads(function, every, modes=["rev"], order=1)(*arrays))

    return {"autograd": check}


def course_checkers() -> dict[str, Checker]:
    """The notebooks' loop and their relative error."""

    def check(row: Row, arrays: list[Array], seed: int) -> bool:
        out, _ = row.text.forward(*[array.copy() for array in arrays])
        dout = np.random.default_rng(seed).normal(size=out.shape)
        measured = [np.zeros_like(array) for array in arrays]
        h = 1e-5
        for array, slopes in zip(arrays, measured, strict=True):
            for index in np.ndindex(array.shape):
                value = array[index]
                array[index] = value + h
                above = row.text.forward(*arrays)[0].copy()
                array[index] = value - h
                below = row.text.forward(*arrays)[0].copy()
                array[index] = value
                slopes[index] = np.sum((above - below) * dout) / (2 * h)
        found = row.text.backward(dout, *row.text.forward(*arrays)[1])
        return any(
            np.max(np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))) > 1e-6
            for a, b in zip(found, measured, strict=True)
        )

    return {"course": check}


def fcframe_checkers() -> dict[str, Checker]:
    """The two gradient checks alone, on the row's arrays; and the one call that an author makes."""

    def gradients(row: Row, arrays: list[Array], seed: int) -> bool | None:
        layer = layer_of(row)
        x, params = arrays[0], dict(zip(row.text.params, arrays[1:], strict=True))
        case = LayerCase(layer, x.shape[1:], N=len(x), seed=seed)

        def subject(turn: int) -> LayerFixture:
            fixture = LayerFixture(redrawn(case, turn))
            fixture.x, fixture.params = x.copy(), {name: array.copy() for name, array in params.items()}
            return fixture

        subjects = [partial(subject, turn) for turn in range(REDRAWS)]
        checks = (the_gradient_of_x_is_right, the_gradient_of_each_parameter_is_right)
        return _flagged({run_check("layer", check, str(case), subjects).status for check in checks})

    def everything(row: Row, _arrays: list[Array], seed: int) -> bool | None:
        report = gradcheck(layer_of(row), seed=seed)
        if row.right and not report.passed:  # a false alarm is a defect of the harness: say which
            bad = (Status.FAILED, Status.INCONCLUSIVE)
            for result in (found for found in report if found.status in bad):
                print(f"{row.name}, seed {seed}: {result.status.value}: {result}", file=sys.stderr)
        return _flagged({result.status for result in report})

    return {FCFRAME: gradients, "fcframe": everything}


def _flagged(statuses: set[Status]) -> bool | None:
    return True if Status.FAILED in statuses else None if Status.INCONCLUSIVE in statuses else False


@cache  # to make a class takes longer than to check it
def layer_of(row: Row) -> fcframe.Layer:
    """The row's text under fcframe's contract."""
    text = row.text

    class Wrapped(fcframe.Layer):
        """A row of the table."""

        type = "wrapped"
        examples = (fcframe.Example(input_shape=row.shape[1:]),)
        examples_independent = text.independent

        def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
            if input_shape != row.shape[1:]:
                raise ValueError(f"takes {row.shape[1:]}")
            return input_shape if text.units is None else (text.units,)

        def parameters(self, _input_shape: tuple[int, ...]) -> dict[str, fcframe.Parameter]:
            return {name: fcframe.Parameter(shape, Zeros()) for name, shape in text.params.items()}

        def forward(self, x: Array, params: Any, _ctx: Any) -> Any:
            out, cache = text.forward(x, *map(params.__getitem__, text.params))
            return out, tuple(cache)

        def backward(self, dout: Array, cache: Any, _ctx: Any) -> Any:
            dx, *grads = text.backward(dout, *cache)
            return dx, dict(zip(text.params, grads, strict=True))

    return Wrapped()


def _raises(function: Callable[[], Any]) -> bool:
    try:
        function()
    except AssertionError:
        return True
    return False


def checkers() -> tuple[dict[str, str], dict[str, Checker]]:
    """Versions of what is installed, and the checkers by name."""
    versions = {"numpy": version("numpy"), "fcframe": version("fcframe")}
    found: dict[str, Checker] = {}
    for name, make in (("torch", torch_checkers), ("jax", jax_checkers), ("autograd", autograd_checkers)):
        try:
            versions[name] = version(name)
            found |= make()
        except (PackageNotFoundError, ImportError):
            versions[name] = "not installed, left out"
    return versions, found | course_checkers() | fcframe_checkers()


def tabulate(found: dict[str, Checker], seeds: int) -> list[dict[str, Any]]:
    """For each row and checker the share of seeds flagged, and how many are undecided; nothing where there is none."""
    table = []
    for row in ROWS:
        line: dict[str, Any] = {"row": row.name, "right": row.right, "flagged": {}, "undecided": {}, "seeds": {}}
        for name, check in found.items():
            few = name == SLOW and np.prod(row.shape) > SLOW_SIZE
            count = min(seeds, SLOW_SEEDS) if few else seeds
            try:
                verdicts = [check(row, row.arrays(seed), seed) for seed in range(count)]
            except NotImplementedError:
                continue
            line["flagged"][name] = verdicts.count(True) / count
            line["undecided"][name] = verdicts.count(None) / count
            line["seeds"][name] = count
        table.append(line)
    return table


def measure(found: dict[str, Checker], rounds: int) -> list[dict[str, Any]]:
    """Medians in milliseconds, and by how many times torch's slow mode takes longer than fcframe, round by round."""
    results = []
    for row in TIMED:
        times: dict[str, list[float]] = {name: [] for name in found}
        for turn in range(rounds + 1):
            for name, check in found.items():
                arrays = row.arrays(turn)
                start = time.perf_counter()
                check(row, arrays, turn)
                if turn:  # the first round warms up
                    times[name].append((time.perf_counter() - start) * 1e3)
        medians = {name: statistics.median(took) for name, took in times.items()}
        result: dict[str, Any] = {"row": row.name, "ms": medians}
        if SLOW in times:
            pairs = zip(times[SLOW], times[FCFRAME], strict=True)
            result[RATIO] = statistics.median(a / b for a, b in pairs)
        results.append(result)
    return results


def _cell(line: dict[str, Any], name: str) -> str:
    if name not in line["flagged"]:
        return "n/a"
    share, undecided = line["flagged"][name], line["undecided"][name]
    text = f"{share:.2f}".removeprefix("0").rstrip("0").rstrip(".") or "0" if share < 1 else "1"
    text = text if _holds(line, name) else f"**{text}**"
    return text + (f" ({undecided:.2g} undecided)" if undecided else "")


def _holds(line: dict[str, Any], name: str) -> bool:
    return bool(line["flagged"][name] == (not line["right"]) and not line["undecided"][name])


def main() -> None:
    """Prints two tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    versions, found = checkers()
    timings = measure(found, arguments.rounds)
    table = tabulate(found, arguments.seeds)
    if arguments.json:
        print(json.dumps({"versions": versions, "table": table, "timings": timings}, indent=2))
        return
    print("Versions: " + ", ".join(f"{name} {number}" for name, number in versions.items()) + ".")
    share = f"Share of {arguments.seeds} seeds in which the checker reported an error"
    print(f"\n{share}; of {SLOW_SEEDS} seeds for torch's slow mode on 6,400 elements.\n")
    print(f"| layer | {' | '.join(found)} |\n" + "| --- " * (len(found) + 1) + "|")
    for line in table:
        cells = " | ".join(_cell(line, name) for name in found)
        print(f"| {'right' if line['right'] else 'wrong'}: {line['row']} | {cells} |")
    wrong = {name: sum(name in line["flagged"] and not _holds(line, name) for line in table) for name in found}
    print(f"| **rows not held** | {' | '.join(map(str, wrong.values()))} |")
    print(f"\nMilliseconds, medians of {arguments.rounds} interleaved rounds.\n")
    print(f"| layer | {' | '.join(found)} | {RATIO} |\n" + "| --- " * (len(found) + 2) + "|")
    for result in timings:
        ratio = result.get(RATIO)
        cells = " | ".join(f"{result['ms'][name]:.3g}" for name in found)
        print(f"| {result['row']} | {cells} | {'n/a' if ratio is None else f'{ratio:.1f}'} |")


if __name__ == "__main__":
    main()
