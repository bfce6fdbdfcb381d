"""The usual mistakes in a backward: each looks whether it accounts for what was returned, and says so in words."""

from collections.abc import Iterator

import numpy as np

from fcframe.context import Array
from fcframe.verify.diagnosis.mismatch import CLOSE, Mismatch


def only_at_kinks(wrong: Mismatch) -> str:
    """Right wherever there is a derivative."""
    judgement, places = wrong.found.judgement, np.flatnonzero(wrong.wrong)
    if np.all(judgement.low[places] < judgement.high[places]):
        return "it is right except at kinks, where it lies outside the slopes from left and right (at 0, or at ties)"
    return ""


def nothing_at_all(wrong: Mismatch) -> str:
    """Zero everywhere."""
    return "it is zero everywhere: the gradient is not computed, or not returned" if not wrong.analytic.any() else ""


def drawn_anew(wrong: Mismatch) -> str:
    """A mask that is not the one of forward."""
    fixture = wrong.fixture
    if not fixture.stochastic or not fixture.case.training:
        return ""
    forward = fixture.forward(fixture.x.copy())
    before = forward.ctx.rng.bit_generator.state
    fixture.backward(wrong.dout.copy(), forward)
    if forward.ctx.rng.bit_generator.state != before:
        return "backward draws its own random numbers; keep the mask of forward in the cache"
    if not wrong.of_x or wrong.analytic.shape != wrong.dout.shape:
        return ""
    factors, right = (_factors(gradient / wrong.dout) for gradient in (wrong.analytic, wrong.numerical))
    if len(right) < wrong.analytic.size / 2 and wrong.alike(factors, right, 1.0):
        return "its factors are forward's at other places: backward uses another mask than forward; keep that one"
    return ""


def _factors(ratio: Array) -> Array:
    return np.unique(np.round(ratio, 6))


def dout_ignored(wrong: Mismatch) -> str:
    """The same gradient, whatever dout is."""
    other = wrong.fixture.gradients(wrong.fixture.douts[1 - wrong.found.dout].copy()).get(wrong.name)
    same = other is not None and np.array_equal(other, wrong.found.analytic)
    return "it does not depend on dout: the layer's derivative must be multiplied with it" if same else ""


def dout_passed_on(wrong: Mismatch) -> str:
    """The gradient of a layer that does nothing."""
    alike = wrong.of_x and wrong.alike(wrong.analytic, wrong.dout)
    return "it is dout itself: the layer's own derivative is not multiplied in" if alike else ""


def a_constant_factor(wrong: Mismatch) -> str:
    """The right gradient times a number that means something here."""
    factor = wrong.multiple(wrong.analytic, wrong.numerical)
    if factor is None or wrong.analytic.size == wrong.fixture.case.N == 1:
        return ""
    return f"it is {factor:.6g} times the right gradient{_meaning(wrong, factor)}"


def one_side(wrong: Mismatch) -> str:
    """Wrong only where x, or dout, has one sign."""
    of_the_same_shape = [("x", wrong.fixture.x)] if wrong.of_x else []
    of_the_same_shape += [("dout", wrong.dout)] if wrong.shape_kept else []
    for what, array in of_the_same_shape:
        for sign, side, other in (("negative", array < 0, array > 0), ("positive", array > 0, array < 0)):
            there = wrong.wrong
            if there.sum() >= max(4, 0.8 * side.sum()) and other.sum() > 2 and not np.any(there & ~side):
                factor = wrong.multiple(wrong.analytic[there], wrong.numerical[there])
                meaning = "" if factor is None else f"; there it is {factor:.6g} times the right gradient"
                meaning += "" if factor is None else _meaning(wrong, factor)
                return f"it is right except where {what} is {sign}{meaning}"
    return ""


def _meaning(wrong: Mismatch, factor: float) -> str:
    known = next((text for number, text in _numbers(wrong) if abs(factor / number - 1) < CLOSE), "")
    return known or ": a constant factor"


def _numbers(wrong: Mismatch) -> Iterator[tuple[float, str]]:
    """Numbers that mean something here, and what it means that the gradient is wrong by such a factor."""
    N = wrong.fixture.case.N
    inputs, outputs = (int(np.prod(array.shape[1:])) for array in (wrong.fixture.x, wrong.dout))
    yield -1.0, ", that is: the sign is turned"
    if N > 1:
        yield 1 / N, f", that is 1/N (N = {N}): a mean over the minibatch where the forward pass needs a sum"
        yield N, f", that is N = {N}: a sum over the minibatch where a mean is right, or 1/N is missing"
    for name, value in _fields(wrong):
        for text, number in (
            (name, value), (f"1/{name}", 1 / value),
            (f"(1 − {name})", 1 - value), (f"1/(1 − {name})", 1 / (1 - value)),
            (f"{name}²", value**2), (f"(1 − {name})²", (1 - value) ** 2), (f"−{name}", -value),
        ):  # fmt: skip
            yield number, f", that is {text} ({name} = {value:g}): look at the terms that use {name}"
    yield 2.0, ": a factor 2 too much"
    yield 0.5, ": a factor 2 is missing"
    for size, what in ((inputs, "D"), (outputs, "C")):
        meant = f"{what} = {size}, the number of {'inputs' if what == 'D' else 'outputs'} of an example"
        if size > 1:
            yield size, f", that is {meant}: a mean is right, or 1/{what} is missing"
            yield 1 / size, f", that is 1/{what}, {meant}: a sum is right, or {what} is missing"


def _fields(wrong: Mismatch) -> Iterator[tuple[str, float]]:
    """The layer's numbers, but for those by which nothing changes."""
    for name in type(wrong.fixture.layer).model_fields:
        value = getattr(wrong.fixture.layer, name)
        if isinstance(value, float) and value not in (0.0, 1.0):
            yield name, value


def another_setting(wrong: Mismatch) -> str:
    """The right gradient of the layer with another value in a field."""
    for name, value in _fields(wrong):
        default = type(wrong.fixture.layer).model_fields[name].default
        others = dict.fromkeys(number for number in (default, 0.0, 1.0) if isinstance(number, float))
        for other in others:
            if other != value and wrong.alike(wrong.analytic, wrong.gradient_with(fields={name: other})):
                return f"it is the gradient for {name} = {other:g}, not {value:g}: look at the terms that use {name}"
    return ""


def transposed(wrong: Mismatch) -> str:
    """A square gradient that lies on its side, or is taken through a weight that does."""
    if wrong.analytic.ndim == 2 and wrong.analytic.size > 1 and wrong.alike(wrong.analytic.T, wrong.numerical):
        return f"it is transposed: {wrong.name}[i, j] holds the derivative that belongs at [j, i]"
    params = wrong.fixture.params
    square = {name: W for name, W in params.items() if W.ndim == 2 and W.shape[0] == W.shape[1] > 1}
    for name, weight in square.items() if wrong.of_x else ():
        if wrong.alike(wrong.analytic, wrong.gradient_with(params={**params, name: weight.T.copy()})):
            return f"{name} and its transpose are exchanged"
    return ""


def of_another_parameter(wrong: Mismatch) -> str:
    """Two gradients under each other's names."""
    params = wrong.fixture.params.items() if not wrong.of_x else ()
    for name in (name for name, array in params if f"d{name}" != wrong.name and array.shape == wrong.analytic.shape):
        if wrong.alike(wrong.analytic, wrong.gradient(name=f"d{name}")):
            return f"it is the gradient of {name}: two gradients are exchanged"
    return ""


def one_part_alone(wrong: Mismatch) -> str:
    """All wrong elements lie at one place of one axis."""
    count = int(wrong.wrong.sum())
    for axis, length in enumerate(wrong.analytic.shape):
        others = tuple(other for other in range(wrong.analytic.ndim) if other != axis)
        places = np.flatnonzero(wrong.wrong.any(axis=others))
        if len(places) == 1 and length > 2 and count == wrong.analytic.size // length > 1:
            return f"only {_part(wrong, axis)} {places[0]} is wrong: it is left out, or treated otherwise"
    return ""


def _part(wrong: Mismatch, axis: int) -> str:
    if wrong.of_x:
        last = wrong.analytic.ndim - 1
        return {0: "example", last: "feature"}.get(axis, f"along axis {axis} place")
    return ("row", "column")[axis] if wrong.analytic.ndim == 2 else f"along axis {axis} place"


def one_example_counted_otherwise(wrong: Mismatch) -> str:
    """A parameter's gradient that lacks what one example gives, or has it twice."""
    N = wrong.fixture.case.N
    if wrong.of_x or N < 2 or not wrong.fixture.independent:
        return ""
    # dW = Σ_n dW_n, where dW_n is the gradient for the dout of example n alone: −dW_n is missing, or dW_n too much.
    for row in range(N):
        dout = np.zeros_like(wrong.dout)
        dout[row] = wrong.dout[row]
        alone = wrong.gradient(dout=dout)
        if wrong.alike(wrong.rest, -alone):
            return f"example {row} of {N} is left out of the sum over the minibatch"
        if wrong.alike(wrong.rest, alone):
            return f"example {row} of {N} is counted twice in the sum over the minibatch"
    return ""


def taken_at_the_output(wrong: Mismatch) -> str:
    """The derivative of the forward pass, at out instead of x."""
    if wrong.shape_kept and wrong.alike(wrong.analytic, wrong.gradient_with(x=wrong.out)):
        return "it is the derivative at the output; it belongs at the input x"
    return ""


MISTAKES = (
    only_at_kinks,
    nothing_at_all,
    drawn_anew,
    dout_ignored,
    dout_passed_on,
    a_constant_factor,
    one_part_alone,
    one_side,
    transposed,
    of_another_parameter,
    taken_at_the_output,
    another_setting,
    one_example_counted_otherwise,
)
