"""Checks for regularizers: the gradient is the derivative of the penalty."""

from dataclasses import replace

import numpy as np

from fcframe.context import Context, ReusingContext
from fcframe.verify.checks.numbers import require_number
from fcframe.verify.diagnosis.scalar import compare
from fcframe.verify.fixtures.regularizer import RegularizerFixture
from fcframe.verify.report import CheckFailure, look_at


def it_gives_a_penalty_and_its_gradient(fixture: RegularizerFixture) -> None:
    """`value_and_grad` returns a real number, and an array with the shape and dtype of w."""
    for dtype in (np.float64, np.float32):
        result = replace(fixture, dtype=dtype).value_and_grad()
        if not isinstance(result, tuple) or len(result) != 2:
            raise CheckFailure(
                f"value_and_grad returned a {type(result).__name__}, expected (penalty, dw)", _at(fixture)
            )
        penalty, dw = result
        require_number("the penalty", penalty, _at(fixture))
        if not isinstance(dw, np.ndarray) or dw.shape != fixture.shape:
            raise CheckFailure(f"dw has shape {np.shape(dw)}, w has {fixture.shape}", _at(fixture))
        if dw.dtype != dtype:
            raise CheckFailure(f"dw is {dw.dtype} for w of {np.dtype(dtype)}", _at(fixture))


def the_gradient_of_the_penalty_is_right(fixture: RegularizerFixture) -> None:
    """The gradient dw agrees with finite differences of the penalty."""
    fields = {
        f"{name} = {value:g}": value
        for name, value in fixture.regularizer.model_dump().items()
        if isinstance(value, float) and value not in (0.0, 1.0)
    }
    compare("w", fixture.value_and_grad()[1], fixture.w, lambda w: fixture.value_and_grad(w)[0], _at(fixture), fields)


def it_is_finite_where_w_is_zero(fixture: RegularizerFixture) -> None:
    """Penalty and gradient are finite for w = 0, where biases start and where a penalty may bring weights."""
    penalty, dw = fixture.value_and_grad(np.zeros(fixture.shape))
    if not (np.isfinite(penalty) and np.all(np.isfinite(dw))):
        raise CheckFailure("for w = 0 the penalty or its gradient is not a finite number", _at(fixture))


def float32_gives_what_float64_gives(fixture: RegularizerFixture) -> None:
    """Penalty and gradient in float32 agree with those in float64 within float32's precision."""
    wide, narrow = fixture.value_and_grad(), replace(fixture, dtype=np.float32).value_and_grad()
    for index, name in enumerate(("the penalty", "dw")):
        one, other = np.asarray(wide[index]), np.asarray(narrow[index], np.float64)
        error = float(np.abs(other - one).max())
        if not error <= 1e-3 * np.abs(one).max() + 1e-6:
            raise CheckFailure(f"{name} in float32 differs from the one in float64 by up to {error:.3g}", _at(fixture))


def it_leaves_w_unchanged(fixture: RegularizerFixture) -> None:
    """`value_and_grad` does not change w, which is the network's parameter."""
    w = fixture.w.copy()
    fixture.regularizer.value_and_grad(w, Context())
    if w.tobytes() != fixture.w.tobytes():
        raise CheckFailure("value_and_grad changed w", f"{_at(fixture)}; work on a copy")


def a_reused_context_changes_nothing(fixture: RegularizerFixture) -> None:
    """The result is the same if ctx is used again, as in training; its arrays then have old contents."""
    ctx = ReusingContext(dtype=fixture.dtype)
    replace(fixture, seed=fixture.seed + 1).value_and_grad(ctx=ctx)
    again, fresh = fixture.value_and_grad(ctx=ctx), fixture.value_and_grad()
    if again[0] != fresh[0] or again[1].tobytes() != fresh[1].tobytes():
        raise CheckFailure(
            "the penalty or dw differs in a context that is used again",
            "it stores something between calls, or relies on zeros in arrays of ctx",
        )


def _at(fixture: RegularizerFixture) -> str:
    return look_at(fixture.regularizer, "value_and_grad")


CHECKS = (
    it_gives_a_penalty_and_its_gradient,
    the_gradient_of_the_penalty_is_right,
    it_is_finite_where_w_is_zero,
    float32_gives_what_float64_gives,
    it_leaves_w_unchanged,
    a_reused_context_changes_nothing,
)
