"""Recognizes terms that a backward omits, from the difference between the returned and the measured gradient."""

import numpy as np

from fcframe.context import Array
from fcframe.verify.diagnosis.mismatch import Mismatch

NEAR = 0.05
"""The largest median distance from 1 of factors that a small constant, such as an epsilon, can cause."""
DIAGONAL_SIZE = 16
"""The largest number of inputs of an example for which the diagonal of the Jacobian is measured."""


def multiple_of_a_known_array(mismatch: Mismatch) -> str:
    """Backward returns right + c · a, where a is dout, x, out, the parameter, or the constant 1."""
    known = [("dout", mismatch.dout), ("x", mismatch.fixture.x), ("out", mismatch.out)] if mismatch.is_dx else []
    known += [] if mismatch.is_dx else [(mismatch.name[1:], mismatch.fixture.params[mismatch.name[1:]])]
    for what, array in known:
        factor = mismatch.factor(mismatch.excess, array) if mismatch.excess.size > 1 else None
        if factor is not None:
            term = what if abs(abs(factor) - 1) < 1e-6 else f"{abs(factor):.6g} times {what}, a multiple of {what}"
            return f"{'a term is missing' if factor < 0 else 'there is one term too many'}: {term}"
    constant = float(mismatch.excess.reshape(-1)[0])
    constant_array = np.full_like(mismatch.excess, constant)
    if mismatch.excess.size > 1 and mismatch.is_close(mismatch.excess, constant_array, abs(constant)):
        return f"it is off by {constant:.6g} in each element: a number is added that is not multiplied by dout"
    return ""


def diagonal_of_the_jacobian_only(mismatch: Mismatch) -> str:
    """analytic_j = dout_j ∂out_j/∂x_j, without the terms ∂out_i/∂x_j for i ≠ j."""
    width = int(np.prod(mismatch.fixture.case.input_shape))
    if not mismatch.is_dx_of_same_shape or not mismatch.fixture.independent or not 1 < width <= DIAGONAL_SIZE:
        return ""
    # dx_j = Σ_i dout_i ∂out_i/∂x_j. If dout is set to 0 except at i = j, dx_j is dout_j ∂out_j/∂x_j alone.
    N = len(mismatch.dout)
    diagonal = np.zeros((N, width))
    for column in range(width):
        dout = np.zeros_like(mismatch.dout)
        dout.reshape(N, -1)[:, column] = mismatch.dout.reshape(N, -1)[:, column]
        diagonal[:, column] = mismatch.measured(dout=dout).reshape(N, -1)[:, column]
    if mismatch.is_close(mismatch.analytic, diagonal.reshape(mismatch.analytic.shape)):
        return (
            "it is dout times the diagonal of the Jacobian; each output depends on the other inputs of its row too, "
            "so the terms off its diagonal are missing, a sum over the row"
        )
    return ""


def term_through_the_minibatch(mismatch: Mismatch) -> str:
    """The gradient through the mean or the variance over the minibatch is missing, as in batch normalization."""
    if not mismatch.is_dx or mismatch.fixture.independent or mismatch.fixture.case.N < 3:
        return ""
    return _term_through_mean_or_variance(mismatch, 0, "the minibatch")


def term_through_the_row(mismatch: Mismatch) -> str:
    """The gradient through a sum, a mean or a variance over the features of an example is missing."""
    if not mismatch.is_dx or mismatch.fixture.x.ndim < 2 or mismatch.fixture.x.shape[-1] < 3:
        return ""
    # softmax:       dx = out · (dout − Σ dout · out)
    # normalization: dx = (dout − out · Σ dout · out) / ‖x‖
    # In both, the missing term is out (or x) times a sum, which is one number for each row.
    for what, array in (("out", mismatch.out), ("x", mismatch.fixture.x)):
        if array.shape == mismatch.excess.shape and _is_constant(mismatch, mismatch.excess / array, -1):
            return (
                f"a term is missing: {what} times one number for each row. It comes through the sum over each row, "
                "as in the Jacobian of a softmax or of a norm"
            )
    return _term_through_mean_or_variance(mismatch, -1, "each row")


def factor_per_feature_or_row(mismatch: Mismatch) -> str:
    """Backward returns c_j · right for each feature j, or c_n · right for each row n, with factors c near 1."""
    for axis, what in ((0, "feature"), (-1, "row")):
        if not mismatch.is_dx or mismatch.analytic.shape[axis] < 3:
            continue
        # Least squares along the axis: c = Σ numerical · analytic / Σ numerical².
        products = np.sum(mismatch.numerical * mismatch.analytic, axis=axis)
        squares = np.sum(mismatch.numerical * mismatch.numerical, axis=axis)
        factor = np.expand_dims(products / squares, axis)
        near_one = np.median(np.abs(factor - 1)) < NEAR
        if near_one and mismatch.is_close(mismatch.analytic, factor * mismatch.numerical):
            small = [
                f"{name} (= {value:g})"
                for name, value in mismatch.fixture.layer.model_dump().items()
                if isinstance(value, float) and 0 < value < 0.1
            ]
            hint = f": look whether forward and backward use {' and '.join(small)} in the same way" if small else ""
            return f"each {what} is wrong by another factor, from {factor.min():.6g} to {factor.max():.6g}{hint}"
    return ""


def _term_through_mean_or_variance(mismatch: Mismatch, axis: int, what: str) -> str:
    """Whether the error is a · (x − μ) + b along an axis: b comes through the mean, a through the variance."""
    x, excess = mismatch.fixture.x, mismatch.excess
    # Mean μ:      ∂μ/∂xᵢ = 1/n, the same for all i, so a missing term is a constant b.
    # Variance σ²: ∂σ²/∂xᵢ = 2 (xᵢ − μ)/n, so a missing term is a multiple a of xᵢ − μ.
    # Linear regression of the error on x − μ along the axis gives a and b.
    centred = x - x.mean(axis=axis, keepdims=True)
    squares = np.sum(centred**2, axis=axis, keepdims=True)
    intercept = np.broadcast_to(excess.mean(axis=axis, keepdims=True), excess.shape)
    slope = np.where(squares > 0, np.sum(centred * excess, axis=axis, keepdims=True) / squares, 0.0)
    scale = float(np.abs(excess).max(initial=0))
    if not mismatch.is_close(excess, slope * centred + intercept, scale):
        return ""
    by_mean, by_variance = (not mismatch.is_close(part, 0 * excess, scale) for part in (intercept, slope * centred))
    through = " and ".join(["the mean"] * by_mean + ["the variance"] * by_variance)
    return f"the term that comes through {through} over {what} is missing or wrong" if through else ""


def _is_constant(mismatch: Mismatch, ratio: Array, axis: int) -> bool:
    """Whether all elements along the axis are equal and finite."""
    mean = np.broadcast_to(ratio.mean(axis=axis, keepdims=True), ratio.shape)
    return bool(np.all(np.isfinite(ratio))) and mismatch.is_close(ratio, mean, float(np.abs(ratio).max(initial=0)))


TERMS = (
    multiple_of_a_known_array,
    factor_per_feature_or_row,
    term_through_the_minibatch,
    term_through_the_row,
    diagonal_of_the_jacobian_only,
)
