"""Judges the gradients that a layer's backward returns by numerical derivatives of its forward."""

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
"""At a kink, how far away nearby points are, relative to an element's scale, and the largest number of them."""


@dataclass
class Comparison:
    """One gradient that backward returned for one dout, judged element by element."""

    array: str
    """"dx", or "dW" for the parameter W."""
    analytic: Array
    """What backward returned."""
    judgement: Judgement
    dout: int
    """The index of the dout."""

    @property
    def numerical(self) -> Array:
        """The measured gradient, in the shape of the array."""
        return self.judgement.numerical.reshape(self.analytic.shape)

    @property
    def wrong(self) -> bool:
        """Whether any element is wrong."""
        return self.judgement.has(Verdict.WRONG)

    @property
    def inconclusive(self) -> bool:
        """Whether any element could not be decided."""
        return self.judgement.has(Verdict.INCONCLUSIVE)


def comparisons(
    fixture: LayerFixture, chosen: Callable[[str], bool] = lambda _: True, douts: Sequence[Array] | None = None
) -> Iterator[Comparison]:
    """Judges the gradients of a layer, each for each dout.

    Args:
        fixture: The layer and its arrays.
        chosen: Whether the gradient of a name, for example "dx" or "dW", is to be judged; by default all are.
        douts: The gradients of the loss with respect to out; by default the fixture's two.

    Raises:
        CheckFailure: A gradient is missing or has the wrong shape.
    """
    douts = fixture.douts if douts is None else douts
    returned = [copied(fixture.gradients(dout.copy(), fixture.forward(fixture.x.copy()))) for dout in douts]
    arrays = [*douts, *(array for gradients in returned for array in gradients.values())]
    rounding = ROUNDING * _largest(np.concatenate([np.ravel(array) for array in arrays]))
    for name in filter(chosen, gradient_names(fixture)):
        at = array_of(fixture, name)
        for gradients in returned:
            if name not in gradients or np.shape(gradients[name]) != at.shape:
                what = f"has shape {np.shape(gradients[name])}" if name in gradients else "is missing"
                raise CheckFailure(f"{name} {what}, expected an array of shape {at.shape}")
        analytic = np.stack([np.asarray(gradients[name], np.float64).reshape(-1) for gradients in returned])
        together = not (name == "dx" and fixture.rows_independent)
        judgements = judge_all(analytic, difference(fixture, name, douts), scales(at), rounding, together=together)
        for index, judgement in enumerate(judgements):
            if name == "dx" and judgement.wrong_at_a_kink:
                _accept_nearby_derivatives(judgement, fixture, douts[index])
            yield Comparison(name, returned[index][name], judgement, index)


def copied(gradients: Mapping[str, Any]) -> dict[str, Array]:
    """Copies of the gradients, because the layer may reuse its own arrays; whether it does is another check."""
    return {name: np.array(gradient) for name, gradient in gradients.items()}


def gradient_names(fixture: LayerFixture) -> tuple[str, ...]:
    """The gradients that backward must return: "dx", unless x holds integers, and "dW" for each trained parameter W."""
    return (*(() if fixture.of_integers else ("dx",)), *(f"d{name}" for name in fixture.trained))


def _accept_nearby_derivatives(judgement: Judgement, fixture: LayerFixture, dout: Array) -> None:
    """Extends the accepted range at kinks by the derivatives at random points near x.

    Where several kinks meet, the two one-sided slopes along an axis do not bound the subgradients. By Clarke's
    definition these are the convex hull of the limits of gradients at nearby points.
    """
    rng = np.random.default_rng(0)
    distance = NEARBY * scales(fixture.x).reshape(fixture.x.shape)
    for _ in range(DRAWS):
        point = fixture.x + distance * rng.uniform(-1, 1, size=distance.shape)
        judgement.add_subgradients(numerical_input_gradient(fixture, dout, point).reshape(-1))
        if not judgement.wrong_at_a_kink:
            return


def numerical_input_gradient(fixture: LayerFixture, dout: Array, at: Array) -> Array:
    """The measured gradient of Σ dout · out with respect to x, at another x."""
    moved = LayerFixture(fixture.case, fixture.dtype)
    moved.x, moved.params, moved.state = at, fixture.params, fixture.state
    return numerical_gradient(moved, "dx", dout)


def numerical_gradient(fixture: LayerFixture, name: str, dout: Array) -> Array:
    """The measured gradient of Σ dout · out with respect to x (name "dx") or to a parameter W (name "dW")."""
    at = array_of(fixture, name)
    gradient: Array = derivatives(difference(fixture, name, [dout]), scales(at))[0]
    return gradient.reshape(at.shape)


def _largest(array: Array) -> float:
    """The largest absolute value among the finite elements."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0))
