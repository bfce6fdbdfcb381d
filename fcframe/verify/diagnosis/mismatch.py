"""A wrong gradient of a layer, with what is needed to find the cause."""

from functools import cached_property
from typing import Any

import numpy as np

from fcframe.components import Params
from fcframe.context import Array
from fcframe.verify.derivatives.layer import Comparison, numerical_gradient
from fcframe.verify.derivatives.verdict import Verdict
from fcframe.verify.fixtures.layer import LayerFixture

CLOSE = 1e-4
"""How close two gradients must be to count as equal, relative to the largest element of the right gradient."""


class Mismatch:
    """A gradient that backward returned, and the measured gradient.

    Attributes:
        fixture: The layer and its arrays.
        comparison: The comparison of the two gradients.
        name: "dx", or "dW" for the parameter W.
        analytic: What backward returned.
        numerical: The measured gradient, in the same shape.
        excess: analytic − numerical. A term that backward adds by mistake is in it, and a missing term with −1 times.
        size: The largest absolute value of the measured gradient.
        wrong: Which elements are wrong, booleans in the same shape.
        dout: The gradient of the loss with respect to out for which backward was called.
    """

    def __init__(self, fixture: LayerFixture, comparison: Comparison) -> None:
        self.fixture, self.comparison, self.name = fixture, comparison, comparison.array
        self.analytic: Array = np.asarray(comparison.analytic, np.float64)
        self.numerical: Array = comparison.numerical
        self.excess: Array = self.analytic - self.numerical
        self.size = float(np.abs(self.numerical).max(initial=0))
        self.wrong: Array = np.zeros(self.analytic.size, bool)
        self.wrong[comparison.judgement.where(Verdict.WRONG)] = True
        self.wrong = self.wrong.reshape(self.analytic.shape)
        self.dout: Array = fixture.douts[comparison.dout]

    @property
    def is_dx(self) -> bool:
        """Whether the gradient is dx, and not that of a parameter."""
        return self.name == "dx"

    @cached_property
    def out(self) -> Array:
        """The output of forward."""
        return self.fixture.forward(self.fixture.x.copy()).out

    @property
    def is_dx_of_same_shape(self) -> bool:
        """Whether the gradient is dx, and out has the shape of x."""
        return self.is_dx and self.out.shape == self.fixture.x.shape

    def is_close(self, first: Array, second: Array, size: float | None = None) -> bool:
        """Whether two arrays differ by at most CLOSE · size + 1e-12; by default, size is `self.size`."""
        size = self.size if size is None else size
        return first.shape == second.shape and bool(np.all(np.abs(first - second) <= CLOSE * size + 1e-12))

    def factor(self, array: Array, base: Array) -> float | None:
        """The number c for which array = c · base, or None if there is no such number, or it is 0."""
        square = float(np.vdot(base, base)) if base.shape == array.shape else 0.0
        if not 0 < square < float("inf"):
            return None
        # Least squares: ‖array − c · base‖ is smallest for c = ⟨base, array⟩ / ⟨base, base⟩.
        factor = float(np.vdot(base, array)) / square
        largest = float(np.abs(array).max(initial=0))
        return factor if factor and self.is_close(array, factor * base, largest) else None

    def measured(self, *, dout: Array | None = None, name: str | None = None) -> Array:
        """The measured gradient for another dout, or with respect to another array, for example "dW"."""
        dout = self.dout if dout is None else dout
        name = self.name if name is None else name
        return numerical_gradient(self.fixture, name, dout)

    def measured_with(self, *, x: Array | None = None, params: Params | None = None, fields: Any = None) -> Array:
        """The measured gradient at another x, with other parameters, or with other values of the layer's fields."""
        changed = LayerFixture(self.fixture.case, self.fixture.dtype)
        changed.layer = self.fixture.layer.model_copy(update=fields)
        changed.x = self.fixture.x if x is None else x
        changed.params = dict(self.fixture.params if params is None else params)
        changed.state = self.fixture.state
        return numerical_gradient(changed, self.name, self.dout)
