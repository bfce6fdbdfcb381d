"""Measures a layer's derivatives in a trial, and holds its backward against them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from fcframe.context import Array
from fcframe.verify.differences import ROUNDING, difference, place_of
from fcframe.verify.numerical import Judgement, Verdict, derivatives, judge_all, scales
from fcframe.verify.report import CheckFailure
from fcframe.verify.trial import Trial

NEARBY, DRAWS = 2.0**-12, 64
"""How far, relative to an element's scale, nearby points lie, and how many are looked at."""


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
        return self.judgement.has(Verdict.WRONG)

    @property
    def inconclusive(self) -> bool:
        """Whether any element is."""
        return self.judgement.has(Verdict.INCONCLUSIVE)


def comparisons(trial: Trial, chosen: Callable[[str], bool] = lambda _: True) -> Iterator[Comparison]:
    """Judges the gradients whose names are chosen, "dx" and "dW" say, for both douts."""
    found = [trial.gradients(dout.copy(), trial.forward(trial.x.copy())) for dout in trial.douts]
    sizes = [*trial.douts, *(array for gradients in found for array in gradients.values())]
    rounding = ROUNDING * _largest(np.concatenate([np.ravel(array) for array in sizes]))
    for name in filter(chosen, ("dx", *(f"d{parameter}" for parameter in trial.params))):
        at = place_of(trial, name)
        for gradients in found:
            if name not in gradients or np.shape(gradients[name]) != at.shape:
                what = f"has shape {np.shape(gradients[name])}" if name in gradients else "is missing"
                raise CheckFailure(f"{name} {what}, expected an array of shape {at.shape}")
        analytic = np.stack([np.asarray(gradients[name], np.float64).reshape(-1) for gradients in found])
        together = not (name == "dx" and trial.apart)
        judgements = judge_all(analytic, difference(trial, name, trial.douts), scales(at), rounding, together=together)
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


def numerical_input_gradient(trial: Trial, dout: Array, at: Array) -> Array:
    """The measured gradient of Σ dout · out at another x, for diagnoses."""
    moved = Trial(trial.case, trial.dtype)
    moved.x, moved.params, moved.state = at, trial.params, trial.state
    return numerical_gradient(moved, "dx", dout)


def numerical_gradient(trial: Trial, name: str, dout: Array) -> Array:
    """The measured gradient of Σ dout · out by x ("dx") or by a parameter ("dW"), for diagnoses."""
    at = place_of(trial, name)
    found: Array = derivatives(difference(trial, name, [dout]), scales(at))[0]
    return found.reshape(at.shape)


def _largest(array: Array) -> float:
    return float(np.abs(array[np.isfinite(array)]).max(initial=0))
