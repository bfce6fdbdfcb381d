"""Terms that a backward forgets: each looks at what is missing, and says through what it comes."""

import numpy as np

from fcframe.context import Array
from fcframe.verify.diagnosis.mismatch import Mismatch

NEAR = 0.05
"""How near to 1 most factors are that a small number makes."""
DIAGONAL_SIZE = 16
"""Up to how many inputs of an example the diagonal of the Jacobian is measured."""


def a_multiple_of_something_known(wrong: Mismatch) -> str:
    """What is too much, or missing, is a number times dout, x, out, the parameter, or 1."""
    known = [("dout", wrong.dout), ("x", wrong.fixture.x), ("out", wrong.out)] if wrong.of_x else []
    known += [] if wrong.of_x else [(wrong.name[1:], wrong.fixture.params[wrong.name[1:]])]
    for what, array in known:
        factor = wrong.multiple(wrong.rest, array) if wrong.rest.size > 1 else None
        if factor is not None:
            share = what if abs(abs(factor) - 1) < 1e-6 else f"{abs(factor):.6g} times {what}, a multiple of {what}"
            return f"what is {'missing' if factor < 0 else 'too much'} is {share}"
    constant = float(wrong.rest.reshape(-1)[0])
    if wrong.rest.size > 1 and wrong.alike(wrong.rest, np.full_like(wrong.rest, constant), abs(constant)):
        return f"it is off by {constant:.6g} in each element: a number is added that is not multiplied with dout"
    return ""


def all_but_the_diagonal(wrong: Mismatch) -> str:
    """Each output by the input at its own place alone."""
    width = int(np.prod(wrong.fixture.case.input_shape))
    if not wrong.shape_kept or not wrong.fixture.independent or not 1 < width <= DIAGONAL_SIZE:
        return ""
    # dx_j = Σ_i dout_i ∂out_i/∂x_j; with dout at one place i = j alone, what is left at j is the diagonal's term.
    diagonal = np.zeros((len(wrong.dout), width))
    for place in range(width):
        dout = np.zeros_like(wrong.dout)
        dout.reshape(len(dout), -1)[:, place] = wrong.dout.reshape(len(dout), -1)[:, place]
        diagonal[:, place] = wrong.gradient(dout=dout).reshape(len(dout), -1)[:, place]
    if wrong.alike(wrong.analytic, diagonal.reshape(wrong.analytic.shape)):
        return (
            "it is dout times the diagonal of the Jacobian; each output depends on the other inputs of its row too, "
            "so the terms off its diagonal are missing, a sum over the row"
        )
    return ""


def through_the_minibatch(wrong: Mismatch) -> str:
    """The same for all examples (a mean's part), or following the standardized x (a variance's)."""
    if not wrong.of_x or wrong.fixture.independent or wrong.fixture.case.N < 3:
        return ""
    return _through(wrong, 0, "the minibatch")


def through_the_row(wrong: Mismatch) -> str:
    """The same within an example: what a sum over its features gives."""
    if not wrong.of_x or wrong.fixture.x.ndim < 2 or wrong.fixture.x.shape[-1] < 3:
        return ""
    # softmax: dx = out · (dout − Σ dout·out); norm: dx = (dout − out · Σ dout·out) / ‖x‖. The sum is one number a row.
    for what, array in (("out", wrong.out), ("x", wrong.fixture.x)):
        if array.shape == wrong.rest.shape and _constant(wrong, wrong.rest / array, -1):
            return (
                f"what is missing is {what} times one number a row: a term that comes through the sum over each row, "
                "as in the Jacobian of a softmax or of a norm"
            )
    return _through(wrong, -1, "each row")


def a_factor_of_its_own_for_each(wrong: Mismatch) -> str:
    """Every feature, or every row, is right but for a factor near 1."""
    for axis, what in ((0, "feature"), (-1, "row")):
        if not wrong.of_x or wrong.analytic.shape[axis] < 3:
            continue
        above, below = (np.sum(wrong.numerical * array, axis=axis) for array in (wrong.analytic, wrong.numerical))
        factor = np.expand_dims(above / below, axis)
        if np.median(np.abs(factor - 1)) < NEAR and wrong.alike(wrong.analytic, factor * wrong.numerical):
            small = [
                f"{name} (= {value:g})"
                for name, value in wrong.fixture.layer.model_dump().items()
                if isinstance(value, float) and 0 < value < 0.1
            ]
            hint = f": look whether forward and backward treat {' and '.join(small)} alike" if small else ""
            return f"each {what} is off by a factor of its own, from {factor.min():.6g} to {factor.max():.6g}{hint}"
    return ""


def _through(wrong: Mismatch, axis: int, what: str) -> str:
    """Whether what is missing is a · x + b along an axis: b comes through the mean, a through the variance."""
    x, rest = wrong.fixture.x, wrong.rest
    # Through a mean μ, ∂μ/∂xᵢ = 1/n: the same for all i. Through a variance σ², ∂σ²/∂xᵢ = 2 (xᵢ − μ)/n: along x − μ.
    centred = x - x.mean(axis=axis, keepdims=True)
    spread = np.sum(centred**2, axis=axis, keepdims=True)
    mean = np.broadcast_to(rest.mean(axis=axis, keepdims=True), rest.shape)
    slope = np.where(spread > 0, np.sum(centred * rest, axis=axis, keepdims=True) / spread, 0.0)
    scale = float(np.abs(rest).max(initial=0))
    if not wrong.alike(rest, slope * centred + mean, scale):
        return ""
    by_mean, by_variance = (not wrong.alike(part, 0 * rest, scale) for part in (mean, slope * centred))
    through = " and ".join(["the mean"] * by_mean + ["the variance"] * by_variance)
    return f"the term that comes through {through} over {what} is missing or wrong" if through else ""


def _constant(wrong: Mismatch, ratio: Array, axis: int) -> bool:
    mean = np.broadcast_to(ratio.mean(axis=axis, keepdims=True), ratio.shape)
    return bool(np.all(np.isfinite(ratio))) and wrong.alike(ratio, mean, float(np.abs(ratio).max(initial=0)))


TERMS = (
    a_multiple_of_something_known,
    a_factor_of_its_own_for_each,
    through_the_minibatch,
    through_the_row,
    all_but_the_diagonal,
)
