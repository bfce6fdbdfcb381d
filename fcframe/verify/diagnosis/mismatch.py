"""A gradient that is wrong, with all that the looks for its cause need."""

from functools import cached_property
from typing import Any

import numpy as np

from fcframe.components import Params
from fcframe.context import Array
from fcframe.verify.derivatives.layer import Comparison, numerical_gradient
from fcframe.verify.derivatives.verdict import Verdict
from fcframe.verify.fixtures.layer import LayerFixture

CLOSE = 1e-4
"""How well a mistake must account for what was returned, relative to the gradient's size."""


class Mismatch:
    """What backward returned in a fixture, beside what was measured."""

    def __init__(self, fixture: LayerFixture, found: Comparison) -> None:
        self.fixture, self.found, self.name = fixture, found, found.array
        self.analytic: Array = np.asarray(found.analytic, np.float64)
        self.numerical: Array = found.numerical
        self.rest: Array = self.analytic - self.numerical
        """What backward returned too much."""
        self.size = float(np.abs(self.numerical).max(initial=0))
        self.wrong: Array = np.zeros(self.analytic.size, bool)
        self.wrong[found.judgement.where(Verdict.WRONG)] = True
        self.wrong = self.wrong.reshape(self.analytic.shape)
        self.dout: Array = fixture.douts[found.dout]

    @property
    def of_x(self) -> bool:
        """Whether it is dx that is wrong."""
        return self.name == "dx"

    @cached_property
    def out(self) -> Array:
        """What forward gives."""
        return self.fixture.forward(self.fixture.x.copy()).out

    @property
    def shape_kept(self) -> bool:
        """Whether it is dx that is wrong, of a layer whose output has x's shape."""
        return self.of_x and self.out.shape == self.fixture.x.shape

    def alike(self, first: Array, second: Array, size: float | None = None) -> bool:
        """Whether two arrays are the same, measured by the size of the right gradient."""
        size = self.size if size is None else size
        return first.shape == second.shape and bool(np.all(np.abs(first - second) <= CLOSE * size + 1e-12))

    def multiple(self, array: Array, of: Array) -> float | None:
        """By which number one array is another one times it, if it is."""
        square = float(np.vdot(of, of)) if of.shape == array.shape else 0.0
        if not 0 < square < float("inf"):
            return None
        factor = float(np.vdot(of, array)) / square  # of least squares: min over c of ‖array − c · of‖²
        largest = float(np.abs(array).max(initial=0))
        return factor if factor and self.alike(array, factor * of, largest) else None

    def gradient(self, *, dout: Array | None = None, name: str | None = None) -> Array:
        """The measured gradient for another dout, or of another parameter."""
        dout = self.dout if dout is None else dout
        name = self.name if name is None else name
        return numerical_gradient(self.fixture, name, dout)

    def gradient_with(self, *, x: Array | None = None, params: Params | None = None, fields: Any = None) -> Array:
        """The measured gradient of the layer at another x, with other parameters, or other fields."""
        moved = LayerFixture(self.fixture.case, self.fixture.dtype)
        moved.layer = self.fixture.layer.model_copy(update=fields)
        moved.x = self.fixture.x if x is None else x
        moved.params = dict(self.fixture.params if params is None else params)
        moved.state = self.fixture.state
        return numerical_gradient(moved, self.name, self.dout)
