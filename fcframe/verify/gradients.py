"""Measures a layer's derivatives in a trial, and holds its backward against them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fcframe.context import Array
from fcframe.verify.numerical import Difference, Judgement, Verdict, derivatives, judge_all, scales
from fcframe.verify.report import CheckFailure
from fcframe.verify.trial import Trial

CHUNK = 2**14
"""Numbers in one large batch of moved examples; few enough to stay near the processor."""
NEARBY, DRAWS = 2.0**-12, 64
"""How far, relative to an element's scale, nearby points lie, and how many are looked at."""
ROUNDING = 8 * np.finfo(np.float64).eps


@dataclass
class Comparison:
    """One gradient of one backward, judged element by element."""

    array: str
    """"dx", or "dW" for the parameter W."""
    analytic: Array
    judgement: Judgement
    dout: int
    """Which of the trial's two douts it was."""

    @property
    def numerical(self) -> Array:
        """The measured gradient, in the array's shape."""
        return self.judgement.numerical.reshape(self.analytic.shape)

    @property
    def wrong(self) -> bool:
        """Whether any element is."""
        return bool(len(self.judgement.where(Verdict.WRONG)))

    @property
    def inconclusive(self) -> bool:
        """Whether any element is."""
        return bool(len(self.judgement.where(Verdict.INCONCLUSIVE)))


def comparisons(trial: Trial, chosen: Callable[[str], bool] = lambda _: True) -> Iterator[Comparison]:
    """Judges the gradients whose names are chosen, "dx" and "dW" say, for both douts."""
    found = [trial.gradients(dout.copy(), trial.forward(trial.x.copy())) for dout in trial.douts]
    sizes = [*trial.douts, *(np.asarray(array) for gradients in found for array in gradients.values())]
    rounding = ROUNDING * max(map(_largest, sizes), default=0.0)
    for name in filter(chosen, ("dx", *(f"d{parameter}" for parameter in trial.params))):
        at = trial.x if name == "dx" else trial.params[name.removeprefix("d")]
        for gradients in found:
            if name not in gradients or np.shape(gradients[name]) != at.shape:
                what = f"has shape {np.shape(gradients[name])}" if name in gradients else "is missing"
                raise CheckFailure(f"{name} {what}, expected an array of shape {at.shape}")
        analytic = np.stack([np.asarray(gradients[name], np.float64).reshape(-1) for gradients in found])
        judgements = judge_all(analytic, difference(trial, name, trial.douts), scales(at), rounding)
        for index, judgement in enumerate(judgements):
            if name == "dx" and judgement.outside_a_kink:
                _allow_nearby(judgement, trial, trial.douts[index])
            yield Comparison(name, found[index][name], judgement, index)


def _allow_nearby(judgement: Judgement, trial: Trial, dout: Array) -> None:
    """Where several kinks meet, what lies between the derivatives at points nearby is a subgradient too (Clarke)."""
    rng = np.random.default_rng(0)
    size = NEARBY * scales(trial.x).reshape(trial.x.shape)
    for _ in range(DRAWS):
        there = numerical_input_gradient(trial, dout, trial.x + size * rng.uniform(-1, 1, size=size.shape))
        judgement.widen(there.reshape(-1))
        if not judgement.outside_a_kink:
            return


def difference(trial: Trial, name: str, douts: Sequence[Array]) -> Difference:
    """How Σ dout · out changes, for each dout, with elements of x or of a parameter."""
    weights, outputs = np.stack(douts).reshape(len(douts), len(trial.x), -1), trial.outputs
    if name == "dx":
        if trial.independent and not (trial.stochastic and trial.case.training):
            base = trial.outputs(trial.x.copy(), trial.params).copy()
            if _rows_stay(trial, base):
                return _in_batches(trial, base, weights)
        moved = trial.x.copy()
        return _one_by_one(trial.x, moved, weights, lambda: outputs(moved, trial.params))
    name = name.removeprefix("d")
    moved = trial.params[name].copy()
    params = {**trial.params, name: moved}
    return _one_by_one(trial.params[name], moved, weights, lambda: outputs(trial.x, params))


def numerical_input_gradient(trial: Trial, dout: Array, at: Array) -> Array:
    """The measured gradient of Σ dout · out at another x, for diagnoses."""
    moved = Trial(trial.case, trial.dtype)
    moved.x, moved.params, moved.state = at, trial.params, trial.state
    return _measured(moved, "dx", dout, at)


def numerical_parameter_gradient(trial: Trial, name: str, dout: Array) -> Array:
    """The measured gradient of Σ dout · out by a parameter, for diagnoses."""
    return _measured(trial, f"d{name}", dout, trial.params[name])


def _measured(trial: Trial, name: str, dout: Array, at: Array) -> Array:
    found: Array = derivatives(difference(trial, name, [dout]), scales(at))[0]
    return found.reshape(at.shape)


def _one_by_one(array: Array, moved: Array, weights: Array, outputs: Callable[[], Array]) -> Difference:
    """Moves one element at a time, in the copy that `outputs` sees, and evaluates the whole minibatch."""
    weights = weights.reshape(len(weights), -1)
    flat = moved.reshape(-1)
    base = _silently(outputs).reshape(-1).copy()

    def change(elements: Array, offsets: Array) -> tuple[Array, Array]:
        changes = np.empty((2, len(weights), len(elements)))
        size = max(1, CHUNK // max(1, base.size))
        for start in range(0, len(elements), size):
            part = slice(start, start + size)
            outs = np.empty((len(elements[part]), base.size))
            values = array.reshape(-1)[elements[part]] + offsets[part]
            moves = zip(elements[part].tolist(), values.tolist(), outs, strict=True)
            with np.errstate(all="ignore"):  # as `_silently`, once for all of them
                for element, value, out in moves:
                    moved[...] = array  # whole: the layer may have written into it
                    flat[element] = value
                    out[:] = outputs().reshape(-1)
            changes[:, :, part] = _dotted("ki,mi->km", weights, outs, base)
        return changes[0], changes[1]

    return change


def _in_batches(trial: Trial, base: Array, weights: Array) -> Difference:
    """Moves one element in each of many copies of an example, and evaluates these as one minibatch."""
    x, width = trial.x, int(np.prod(trial.case.input_shape))
    base = base.reshape(len(x), -1)

    def change(elements: Array, offsets: Array) -> tuple[Array, Array]:
        changes = np.empty((2, len(weights), len(elements)))
        rows, columns = elements // width, elements % width
        size = max(1, CHUNK // max(1, width, base.shape[1]))
        for start in range(0, len(elements), size):
            part = slice(start, start + size)
            moved = x[rows[part]]
            moved.reshape(len(moved), width)[np.arange(len(moved)), columns[part]] += offsets[part]
            with np.errstate(all="ignore"):
                outs = trial.outputs(moved, trial.params).reshape(len(moved), -1)
            changes[:, :, part] = _dotted("kmi,mi->km", weights[:, rows[part]], outs, base[rows[part]])
        return changes[0], changes[1]

    return change


def _dotted(axes: str, weights: Array, outs: Array, base: Array) -> tuple[Array, Array]:
    """What each dout sees of a change, and how large the rounding errors in it may be."""
    with np.errstate(all="ignore"):
        size = np.abs(outs) + np.abs(base)
        return np.einsum(axes, weights, outs - base), ROUNDING * np.einsum(axes, np.abs(weights), size)


def _rows_stay(trial: Trial, base: Array) -> bool:
    """Whether an example's output is the same one beside other examples, as the class declares."""
    more = np.concatenate([trial.x, 2 * trial.x[::-1] + 1])
    beside = _silently(lambda: trial.outputs(more, trial.params))[: len(trial.x)]
    return bool(np.allclose(beside, base, rtol=1e-9, atol=1e-12 * np.abs(base).max(initial=0), equal_nan=True))


def _largest(array: Array) -> float:
    return float(np.abs(array[np.isfinite(array)]).max(initial=0))


def _silently(function: Callable[[], Array]) -> Array:
    """At a moved x there may be overflows that the case itself does not have; the verdict says what they mean."""
    with np.errstate(all="ignore"):
        return function()
