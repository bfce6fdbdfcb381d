"""Recognizes common mistakes in a backward.

Each function tests whether one mistake explains the gradient that backward returned, and describes it in words, or
returns "" if it does not. Its docstring describes the mistake; "right" is the right gradient.
"""

from collections.abc import Iterator

import numpy as np

from fcframe.context import Array
from fcframe.verify.diagnosis.mismatch import CLOSE, Mismatch


def wrong_at_kinks_only(mismatch: Mismatch) -> str:
    """Backward is right except at kinks, where it does not return a subgradient."""
    judgement, indices = mismatch.comparison.judgement, np.flatnonzero(mismatch.wrong)
    if np.all(judgement.low[indices] < judgement.high[indices]):
        return "it is right except at kinks, where it lies outside the slopes from left and right (at 0, or at ties)"
    return ""


def zero_everywhere(mismatch: Mismatch) -> str:
    """Backward returns 0 everywhere."""
    return "it is zero everywhere: the gradient is not computed, or not returned" if not mismatch.analytic.any() else ""


def other_random_numbers(mismatch: Mismatch) -> str:
    """Backward uses other random numbers than forward, for example another dropout mask."""
    fixture = mismatch.fixture
    if not fixture.stochastic or not fixture.case.training:
        return ""
    forward = fixture.forward(fixture.x.copy())
    before = forward.ctx.rng.bit_generator.state
    fixture.backward(mismatch.dout.copy(), forward)
    if forward.ctx.rng.bit_generator.state != before:
        return "backward draws its own random numbers; keep the mask of forward in the cache"
    if not mismatch.is_dx or mismatch.analytic.shape != mismatch.dout.shape:
        return ""
    factors, right = (_factors(gradient / mismatch.dout) for gradient in (mismatch.analytic, mismatch.numerical))
    if len(right) < mismatch.analytic.size / 2 and mismatch.is_close(factors, right, 1.0):
        return "backward uses another mask than forward; keep the mask of forward in the cache"
    return ""


def _factors(ratio: Array) -> Array:
    """The distinct values, rounded to 6 decimals."""
    return np.unique(np.round(ratio, 6))


def independent_of_dout(mismatch: Mismatch) -> str:
    """Backward returns the same gradient for two different douts."""
    other = mismatch.fixture.gradients(mismatch.fixture.douts[1 - mismatch.comparison.dout].copy()).get(mismatch.name)
    same = other is not None and np.array_equal(other, mismatch.comparison.analytic)
    return "it does not depend on dout: the layer's derivative must be multiplied by it" if same else ""


def equal_to_dout(mismatch: Mismatch) -> str:
    """Backward returns dout, as for the identity."""
    same = mismatch.is_dx and mismatch.is_close(mismatch.analytic, mismatch.dout)
    return "it is dout itself: it is not multiplied by the layer's derivative" if same else ""


def constant_factor(mismatch: Mismatch) -> str:
    """Backward returns c · right, with the meaning of c if it is known."""
    factor = mismatch.factor(mismatch.analytic, mismatch.numerical)
    if factor is None or mismatch.analytic.size == mismatch.fixture.case.N == 1:
        return ""
    return f"it is {factor:.6g} times the right gradient{_meaning(mismatch, factor)}"


def wrong_for_one_sign(mismatch: Mismatch) -> str:
    """Backward is wrong only where x is negative, or only where it is positive; the same for dout."""
    candidates = [("x", mismatch.fixture.x)] if mismatch.is_dx else []
    candidates += [("dout", mismatch.dout)] if mismatch.is_dx_of_same_shape else []
    for what, array in candidates:
        for sign, side, other in (("negative", array < 0, array > 0), ("positive", array > 0, array < 0)):
            wrong = mismatch.wrong
            if wrong.sum() >= max(4, 0.8 * side.sum()) and other.sum() > 2 and not np.any(wrong & ~side):
                factor = mismatch.factor(mismatch.analytic[wrong], mismatch.numerical[wrong])
                meaning = "" if factor is None else f"; there it is {factor:.6g} times the right gradient"
                meaning += "" if factor is None else _meaning(mismatch, factor)
                return f"it is right except where {what} is {sign}{meaning}"
    return ""


def _meaning(mismatch: Mismatch, factor: float) -> str:
    """What a wrong factor means, as the rest of a sentence."""
    known = next((text for number, text in _known_factors(mismatch) if abs(factor / number - 1) < CLOSE), "")
    return known or ": a constant factor"


def _known_factors(mismatch: Mismatch) -> Iterator[tuple[float, str]]:
    """Factors by which gradients are often wrong, each with its meaning: N, D, C, and the layer's fields."""
    N = mismatch.fixture.case.N
    inputs, outputs = (int(np.prod(array.shape[1:])) for array in (mismatch.fixture.x, mismatch.dout))
    yield -1.0, ", that is: the sign is wrong"
    if N > 1:
        yield 1 / N, f", that is 1/N (N = {N}): a mean over the minibatch where the forward pass needs a sum"
        yield N, f", that is N = {N}: a sum over the minibatch where a mean is right, or 1/N is missing"
    for name, value in _fields(mismatch):
        for text, number in (
            (name, value), (f"1/{name}", 1 / value),
            (f"(1 − {name})", 1 - value), (f"1/(1 − {name})", 1 / (1 - value)),
            (f"{name}²", value**2), (f"(1 − {name})²", (1 - value) ** 2), (f"−{name}", -value),
        ):  # fmt: skip
            yield number, f", that is {text} ({name} = {value:g}): look at the terms that use {name}"
    yield 2.0, ": a factor 2 too much"
    yield 0.5, ": a factor 2 is missing"
    for size, what in ((inputs, "D"), (outputs, "C")):
        definition = f"{what} = {size}, the number of {'inputs' if what == 'D' else 'outputs'} of an example"
        if size > 1:
            yield size, f", that is {definition}: a mean is right, or 1/{what} is missing"
            yield 1 / size, f", that is 1/{what}, {definition}: a sum is right, or {what} is missing"


def _fields(mismatch: Mismatch) -> Iterator[tuple[str, float]]:
    """The name and value of each field that is a float, except 0 and 1, which are neutral in sums and products."""
    for name in type(mismatch.fixture.layer).model_fields:
        value = getattr(mismatch.fixture.layer, name)
        if isinstance(value, float) and value not in (0.0, 1.0):
            yield name, value


def other_field_value(mismatch: Mismatch) -> str:
    """Backward returns the right gradient for another value of a field: its default, 0 or 1."""
    for name, value in _fields(mismatch):
        default = type(mismatch.fixture.layer).model_fields[name].default
        others = dict.fromkeys(number for number in (default, 0.0, 1.0) if isinstance(number, float))
        for other in others:
            if other != value and mismatch.is_close(mismatch.analytic, mismatch.measured_with(fields={name: other})):
                return f"it is the gradient for {name} = {other:g}, not {value:g}: look at the terms that use {name}"
    return ""


def transposed(mismatch: Mismatch) -> str:
    """Backward returns rightᵀ for a parameter, or computes dx with Wᵀ where W is right, for a square W."""
    analytic = mismatch.analytic
    if analytic.ndim == 2 and analytic.size > 1 and mismatch.is_close(analytic.T, mismatch.numerical):
        return f"it is transposed: {mismatch.name}[i, j] holds the derivative that belongs at [j, i]"
    params = mismatch.fixture.params
    square = {name: W for name, W in params.items() if W.ndim == 2 and W.shape[0] == W.shape[1] > 1}
    for name, weight in square.items() if mismatch.is_dx else ():
        if mismatch.is_close(analytic, mismatch.measured_with(params={**params, name: weight.T.copy()})):
            return f"{name} and its transpose are exchanged"
    return ""


def gradient_of_another_parameter(mismatch: Mismatch) -> str:
    """Backward returns the gradient of another parameter of the same shape."""
    params = mismatch.fixture.params.items() if not mismatch.is_dx else ()
    others = [name for name, array in params if array.shape == mismatch.analytic.shape and f"d{name}" != mismatch.name]
    for name in others:
        if mismatch.is_close(mismatch.analytic, mismatch.measured(name=f"d{name}")):
            return f"it is the gradient of {name}: two gradients are exchanged"
    return ""


def wrong_at_one_index(mismatch: Mismatch) -> str:
    """Backward is wrong at one index of one axis, and right at all others."""
    count = int(mismatch.wrong.sum())
    for axis, length in enumerate(mismatch.analytic.shape):
        others = tuple(other for other in range(mismatch.analytic.ndim) if other != axis)
        indices = np.flatnonzero(mismatch.wrong.any(axis=others))
        if len(indices) == 1 and length > 2 and count == mismatch.analytic.size // length > 1:
            part = _slice_name(mismatch, axis, int(indices[0]))
            return f"only {part} is wrong: it is left out, or treated differently"
    return ""


def _slice_name(mismatch: Mismatch, axis: int, index: int) -> str:
    """The name of a slice of the gradient, for example "feature 3", "row 0", or "index 2 of axis 1"."""
    last = mismatch.analytic.ndim - 1
    names = {0: "example", last: "feature"} if mismatch.is_dx else {0: "row", 1: "column"} if last == 1 else {}
    return f"{names[axis]} {index}" if axis in names else f"index {index} of axis {axis}"


def one_example_omitted_or_doubled(mismatch: Mismatch) -> str:
    """Backward returns right − dWₙ or right + dWₙ, where dWₙ is the contribution of example n."""
    N = mismatch.fixture.case.N
    if mismatch.is_dx or N < 2 or not mismatch.fixture.independent:
        return ""
    # dW = Σₙ dWₙ, where dWₙ is the gradient for a dout that is 0 except for example n.
    for row in range(N):
        dout = np.zeros_like(mismatch.dout)
        dout[row] = mismatch.dout[row]
        contribution = mismatch.measured(dout=dout)
        if mismatch.is_close(mismatch.excess, -contribution):
            return f"example {row} of {N} is left out of the sum over the minibatch"
        if mismatch.is_close(mismatch.excess, contribution):
            return f"example {row} of {N} is counted twice in the sum over the minibatch"
    return ""


def derivative_at_the_output(mismatch: Mismatch) -> str:
    """Backward returns dout · f'(out), where f'(x) is right."""
    if mismatch.is_dx_of_same_shape and mismatch.is_close(mismatch.analytic, mismatch.measured_with(x=mismatch.out)):
        return "it is the derivative at the output; the derivative at the input x is right"
    return ""


MISTAKES = (
    wrong_at_kinks_only,
    zero_everywhere,
    other_random_numbers,
    independent_of_dout,
    equal_to_dout,
    constant_factor,
    wrong_at_one_index,
    wrong_for_one_sign,
    transposed,
    gradient_of_another_parameter,
    derivative_at_the_output,
    other_field_value,
    one_example_omitted_or_doubled,
)
