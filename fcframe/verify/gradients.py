"""Measures a layer's derivatives in a trial, and holds its backward against them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from fcframe.context import Array
from fcframe.verify.numerical import Difference, Judgement, Verdict, judge, scales
from fcframe.verify.trial import Trial

CHUNK = 2**18
"""Numbers in one large batch of perturbed examples."""
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


def input_difference(trial: Trial, dout: Array) -> Difference:
    """How Σ dout · out changes with elements of x; many are moved in one forward where examples are independent."""
    if trial.independent and not trial.stochastic:
        return _in_batches(trial, dout)
    return _one_by_one(trial.x, dout, lambda x: trial.outputs(x))


def parameter_difference(trial: Trial, name: str, dout: Array) -> Difference:
    """How Σ dout · out changes with single elements of a parameter."""
    return _one_by_one(
        trial.params[name], dout, lambda changed: trial.outputs(trial.x, {**trial.params, name: changed})
    )


def comparisons(trial: Trial, chosen: Callable[[str], bool] = lambda _: True) -> Iterator[Comparison]:
    """Judges the gradients whose names are chosen, "dx" and "dW" say, for both douts."""
    for index, dout in enumerate(trial.douts):
        found = trial.gradients(dout)
        if "dx" in found and chosen("dx"):
            judgement = judge(_flat(found["dx"]), input_difference(trial, dout), scales(trial.x))
            yield Comparison("dx", found["dx"], judgement, index)
        for name, array in trial.params.items():
            if chosen(f"d{name}"):
                gradient = found[f"d{name}"]
                judgement = judge(_flat(gradient), parameter_difference(trial, name, dout), scales(array))
                yield Comparison(f"d{name}", gradient, judgement, index)


def numerical_input_gradient(trial: Trial, dout: Array, at: Array) -> Array:
    """The measured gradient of Σ dout · out at another x, for diagnoses."""
    moved = Trial(trial.case, trial.dtype)
    moved.x, moved.params, moved.state = at, trial.params, trial.state
    difference = input_difference(moved, dout)
    return judge(np.zeros(at.size), difference, scales(at)).numerical.reshape(at.shape)


def numerical_parameter_gradient(trial: Trial, name: str, dout: Array) -> Array:
    """The measured gradient of Σ dout · out by a parameter, for diagnoses."""
    array = trial.params[name]
    difference = parameter_difference(trial, name, dout)
    return judge(np.zeros(array.size), difference, scales(array)).numerical.reshape(array.shape)


def _flat(array: Array) -> Array:
    return np.asarray(array, np.float64).reshape(-1)


def _one_by_one(array: Array, dout: Array, outputs: Callable[[Array], Array]) -> Difference:
    base = outputs(array)

    def difference(elements: Array, offsets: Array) -> tuple[Array, Array]:
        changes, noise = np.empty(len(elements)), np.empty(len(elements))
        for place, (element, offset) in enumerate(zip(elements, offsets, strict=True)):
            moved = array.copy()
            moved.reshape(-1)[element] += offset
            out = outputs(moved)
            with np.errstate(all="ignore"):
                changes[place] = np.vdot(dout, out - base)
                noise[place] = ROUNDING * np.vdot(np.abs(dout), np.abs(out) + np.abs(base))
        return changes, noise

    return difference


def _in_batches(trial: Trial, dout: Array) -> Difference:
    x, width = trial.x, int(np.prod(trial.case.input_shape))
    base = trial.outputs(x)

    def difference(elements: Array, offsets: Array) -> tuple[Array, Array]:
        changes, noise = np.empty(len(elements)), np.empty(len(elements))
        rows, columns = elements // width, elements % width
        size = max(1, CHUNK // max(1, width))
        for start in range(0, len(elements), size):
            part = slice(start, start + size)
            moved = x[rows[part]]
            moved.reshape(len(moved), width)[np.arange(len(moved)), columns[part]] += offsets[part]
            out, before, weight = trial.outputs(moved), base[rows[part]], dout[rows[part]]
            axes = tuple(range(1, out.ndim))
            with np.errstate(all="ignore"):
                changes[part] = np.sum(weight * (out - before), axis=axes)
                noise[part] = ROUNDING * np.sum(np.abs(weight) * (np.abs(out) + np.abs(before)), axis=axes)
        return changes, noise

    return difference
