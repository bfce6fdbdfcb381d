"""Measures a layer's derivatives in a fixture, and holds its backward against them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fcframe.context import Array
from fcframe.verify.derivatives.differences import ROUNDING, array_of, difference
from fcframe.verify.derivatives.verdict import Judgement, Verdict, derivatives, judge_all, scales
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.report import CheckFailure

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
    """Which of the fixture's two douts it was."""

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


def comparisons(
    fixture: LayerFixture, chosen: Callable[[str], bool] = lambda _: True, douts: Sequence[Array] | None = None
) -> Iterator[Comparison]:
    """Judges the gradients whose names are chosen, for example "dx" and "dW", for the fixture's douts or for others."""
    douts = fixture.douts if douts is None else douts
    found = [copied(fixture.gradients(dout.copy(), fixture.forward(fixture.x.copy()))) for dout in douts]
    sizes = [*douts, *(array for gradients in found for array in gradients.values())]
    rounding = ROUNDING * _largest(np.concatenate([np.ravel(array) for array in sizes]))
    for name in filter(chosen, gradient_names(fixture)):
        at = array_of(fixture, name)
        for gradients in found:
            if name not in gradients or np.shape(gradients[name]) != at.shape:
                what = f"has shape {np.shape(gradients[name])}" if name in gradients else "is missing"
                raise CheckFailure(f"{name} {what}, expected an array of shape {at.shape}")
        analytic = np.stack([np.asarray(gradients[name], np.float64).reshape(-1) for gradients in found])
        together = not (name == "dx" and fixture.rows_independent)
        judgements = judge_all(analytic, difference(fixture, name, douts), scales(at), rounding, together=together)
        for index, judgement in enumerate(judgements):
            if name == "dx" and judgement.outside_a_kink:
                _allow_nearby(judgement, fixture, douts[index])
            yield Comparison(name, found[index][name], judgement, index)


def copied(gradients: Mapping[str, Any]) -> dict[str, Array]:
    """The same numbers in other arrays; the next call may overwrite the layer's own, which another check judges."""
    return {name: np.array(gradient) for name, gradient in gradients.items()}


def gradient_names(fixture: LayerFixture) -> tuple[str, ...]:
    """The gradients that backward must give: "dx", unless x holds integers, and one for each trained parameter."""
    return (*(() if fixture.of_integers else ("dx",)), *(f"d{name}" for name in fixture.trained))


def _allow_nearby(judgement: Judgement, fixture: LayerFixture, dout: Array) -> None:
    """Where several kinks meet, what lies between the derivatives at points nearby is a subgradient too (Clarke)."""
    rng = np.random.default_rng(0)
    size = NEARBY * scales(fixture.x).reshape(fixture.x.shape)
    for _ in range(DRAWS):
        there = numerical_input_gradient(fixture, dout, fixture.x + size * rng.uniform(-1, 1, size=size.shape))
        judgement.widen(there.reshape(-1))
        if not judgement.outside_a_kink:
            return


def numerical_input_gradient(fixture: LayerFixture, dout: Array, at: Array) -> Array:
    """The measured gradient of Σ dout · out at another x, for diagnoses."""
    moved = LayerFixture(fixture.case, fixture.dtype)
    moved.x, moved.params, moved.state = at, fixture.params, fixture.state
    return numerical_gradient(moved, "dx", dout)


def numerical_gradient(fixture: LayerFixture, name: str, dout: Array) -> Array:
    """The measured gradient of Σ dout · out by x ("dx") or by a parameter ("dW"), for diagnoses."""
    at = array_of(fixture, name)
    found: Array = derivatives(difference(fixture, name, [dout]), scales(at))[0]
    return found.reshape(at.shape)


def _largest(array: Array) -> float:
    return float(np.abs(array[np.isfinite(array)]).max(initial=0))
