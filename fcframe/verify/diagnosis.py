"""From a mismatch to its likely cause: what was returned is held against a dictionary of the usual mistakes."""

from collections.abc import Callable, Iterator

import numpy as np

from fcframe.context import Array
from fcframe.verify.gradients import Comparison, numerical_input_gradient, numerical_parameter_gradient
from fcframe.verify.numerical import Verdict
from fcframe.verify.report import place
from fcframe.verify.trial import Trial

CLOSE = 1e-4
"""How well a mistake must account for what was returned, relative to the gradient's size."""


def explain(trial: Trial, found: Comparison) -> tuple[str, str]:
    """What is wrong with a gradient, in two texts: the facts, and the likely cause with where to look."""
    judgement = found.judgement
    wrong, worst = judgement.where(Verdict.WRONG), judgement.worst()
    index = ", ".join(str(int(step)) for step in np.unravel_index(worst, found.analytic.shape))
    returned, measured, bar = judgement.analytic[worst], judgement.numerical[worst], judgement.error[worst]
    if judgement.low[worst] < judgement.high[worst]:
        expected = (
            f"there is a kink, and any value from {judgement.low[worst]:.6g} to {judgement.high[worst]:.6g} is right"
        )
    else:
        bars = f", {abs(returned - measured) / bar:.1g} error bars off" if bar > 0 and np.isfinite(returned) else ""
        expected = f"measured {measured:.10g} ± {max(bar, 0):.1g}{bars}"
    message = (
        f"{found.array} is wrong in {len(wrong)} of {found.analytic.size} elements; the worst is "
        f"{found.array}[{index}]: backward gives {returned:.10g}, {expected}"
    )
    causes = list(_causes(trial, found))
    where = f"look at backward in {place(type(trial.layer).backward)}"
    return message, "\n".join([*(f"likely cause: {cause}" for cause in causes[:1]), where])


def _causes(trial: Trial, found: Comparison) -> Iterator[str]:
    analytic, numerical = np.asarray(found.analytic, np.float64), found.numerical
    size = np.abs(numerical).max(initial=0)
    if not np.all(np.isfinite(analytic)):
        yield "it is not a finite number: a division by 0, or the logarithm or root of a negative number"
        return
    if not np.all(np.isfinite(numerical)) or size == 0:
        return
    for look in LOOKS:
        cause = look(trial, found, analytic, numerical)
        if cause:
            yield cause


def _alike(first: Array, second: Array, size: float) -> bool:
    return first.shape == second.shape and bool(np.all(np.abs(first - second) <= CLOSE * size + 1e-12))


def nothing_at_all(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """Zero everywhere."""
    return "it is zero everywhere: the gradient is not computed, or not returned" if not analytic.any() else ""


def a_constant_factor(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """The right gradient times a number that means something here."""
    factor = float(np.vdot(numerical, analytic) / np.vdot(numerical, numerical))
    if not _alike(analytic, factor * numerical, float(np.abs(analytic).max())):
        return ""
    meaning = _meaning(trial, found, factor)
    return f"it is {factor:.6g} times the right gradient{meaning}"


def _meaning(trial: Trial, found: Comparison, factor: float) -> str:
    N = trial.case.N
    inputs = int(np.prod(trial.case.input_shape))
    outputs = int(np.prod(trial.douts[0].shape[1:]))
    names: list[tuple[float, str]] = [(-1.0, ", that is: the sign is turned")]
    if N > 1:
        names.append((1 / N, f", that is 1/N (N = {N}): a mean over the minibatch where the forward pass needs a sum"))
        names.append((N, f", that is N = {N}: a sum over the minibatch where a mean is right, or 1/N is missing"))
    for name, value in trial.layer.model_dump().items():
        if isinstance(value, float) and value not in (0.0, 1.0):
            for text, number in (
                (name, value), (f"1/{name}", 1 / value),
                (f"(1 − {name})", 1 - value), (f"1/(1 − {name})", 1 / (1 - value)),
                (f"{name}²", value**2), (f"(1 − {name})²", (1 - value) ** 2), (f"−{name}", -value),
            ):  # fmt: skip
                names.append((number, f", that is {text} ({name} = {value:g}): look at the terms that use {name}"))
    names += [(2.0, ": a factor 2 too much"), (0.5, ": a factor 2 is missing")]
    names += [
        (size, f", that is {what}: a mean is right, or 1/{what} is missing") for size, what in _sizes(inputs, outputs)
    ]
    names += [(1 / size, f", that is 1/{what}: a sum is right") for size, what in _sizes(inputs, outputs)]
    return next((text for number, text in names if number and abs(factor / number - 1) < CLOSE), ": a constant factor")


def _sizes(inputs: int, outputs: int) -> list[tuple[int, str]]:
    sizes = [(inputs, f"D = {inputs}"), (outputs, f"{outputs}, the number of outputs")]
    return [(size, what) for size, what in sizes if size > 1]


def transposed(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """A square gradient that lies on its side."""
    square = analytic.ndim == 2 and analytic.shape[0] == analytic.shape[1] and analytic.size > 1
    return "it is transposed" if square and _alike(analytic.T, numerical, float(np.abs(numerical).max())) else ""


def one_part_alone(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """All wrong elements lie at one place of one axis."""
    wrong = np.zeros(analytic.size, bool)
    wrong[found.judgement.where(Verdict.WRONG)] = True
    wrong = wrong.reshape(analytic.shape)
    for axis in range(analytic.ndim):
        others = tuple(other for other in range(analytic.ndim) if other != axis)
        places = np.flatnonzero(wrong.any(axis=others))
        if len(places) == 1 and analytic.shape[axis] > 2 and wrong.sum() > 1:
            what = "example" if found.array == "dx" and axis == 0 else f"place on axis {axis}"
            return f"only {what} {places[0]} is wrong: it is left out, or treated otherwise"
    return ""


def one_example_left_out(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """A parameter's gradient that lacks what one example gives."""
    if found.array == "dx" or trial.case.N < 2 or not trial.independent:
        return ""
    for row in range(trial.case.N):
        dout = np.zeros_like(trial.douts[found.dout])
        dout[row] = trial.douts[found.dout][row]
        alone = numerical_parameter_gradient(trial, found.array.removeprefix("d"), dout)
        if _alike(analytic, numerical - alone, float(np.abs(numerical).max())):
            return f"example {row} of {trial.case.N} is left out of the sum over the minibatch"
    return ""


def taken_at_the_output(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """The derivative of the forward pass, at out instead of x."""
    out = trial.forward().out
    if found.array != "dx" or out.shape != trial.x.shape:
        return ""
    there = numerical_input_gradient(trial, trial.douts[found.dout], out)
    alike = _alike(analytic, there, float(np.abs(numerical).max()))
    return "it is the derivative at the output; it belongs at the input x (or the other way round)" if alike else ""


def dout_passed_on(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """The gradient of a layer that does nothing."""
    alike = found.array == "dx" and _alike(analytic, trial.douts[found.dout], float(np.abs(analytic).max()))
    return "it is dout itself: the layer's own derivative is not multiplied in" if alike else ""


def dout_ignored(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """The same gradient, whatever dout is."""
    other = trial.gradients(trial.douts[1 - found.dout]).get(found.array)
    same = other is not None and other.shape == analytic.shape and np.array_equal(other, analytic)
    return "it does not depend on dout: the layer's derivative must be multiplied with it" if same else ""


def drawn_anew(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """A mask that is not the one of forward."""
    if not trial.stochastic or not trial.case.training:
        return ""
    forward = trial.forward()
    before = forward.ctx.rng.bit_generator.state
    trial.backward(forward=forward)
    drawn = forward.ctx.rng.bit_generator.state != before
    return "backward draws its own random numbers; keep the mask of forward in the cache" if drawn else ""


def a_term_of_the_batch_is_missing(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """What is missing is the same for all examples (a mean's part), or follows the standardized x (a variance's)."""
    if found.array != "dx" or trial.independent or trial.case.N < 3:
        return ""
    rest = numerical - analytic
    size = float(np.abs(numerical).max())
    if _alike(rest, np.broadcast_to(rest.mean(axis=0), rest.shape), size):
        return "the term that comes through the mean over the minibatch is missing or wrong"
    return _follows(rest, trial.x, 0, size)


def a_term_of_the_row_is_missing(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """The same within an example: what a sum over its features gives."""
    if found.array != "dx" or trial.x.ndim < 2 or trial.x.shape[-1] < 3:
        return ""
    rest, size = numerical - analytic, float(np.abs(numerical).max())
    out = trial.forward().out
    if out.shape == trial.x.shape:
        with np.errstate(all="ignore"):
            ratio = rest / out
        if np.all(np.isfinite(ratio)) and _alike(ratio, _spread(ratio), float(np.abs(ratio).max())):
            return "what is missing is out times one number a row: the sum over the row, as in the softmax Jacobian"
    if _alike(rest, _spread(rest), size):
        return "the term that comes through the mean or the sum over each row is missing or wrong"
    return _follows(rest, trial.x, -1, size)


def _spread(array: Array) -> Array:
    return np.broadcast_to(array.mean(axis=-1, keepdims=True), array.shape)


def _follows(rest: Array, x: Array, axis: int, size: float) -> str:
    """Whether what is missing is a·x + b along an axis: then it comes through the variance."""
    centred = x - x.mean(axis=axis, keepdims=True)
    spread = np.sum(centred**2, axis=axis, keepdims=True)
    if not np.all(spread > 0):
        return ""
    slope = np.sum(centred * rest, axis=axis, keepdims=True) / spread
    fitted = slope * centred + rest.mean(axis=axis, keepdims=True)
    what = "minibatch" if axis == 0 else "row"
    return (
        f"the term that comes through the variance over the {what} is missing or wrong"
        if _alike(rest, fitted, size)
        else ""
    )


def only_at_kinks(trial: Trial, found: Comparison, analytic: Array, numerical: Array) -> str:
    """Right wherever there is a derivative."""
    wrong = found.judgement.where(Verdict.WRONG)
    if np.all(found.judgement.low[wrong] < found.judgement.high[wrong]):
        return "it is right except at kinks, where it lies outside the slopes from left and right (at 0, or at ties)"
    return ""


LOOKS: tuple[Callable[[Trial, Comparison, Array, Array], str], ...] = (
    only_at_kinks,
    nothing_at_all,
    drawn_anew,
    dout_ignored,
    dout_passed_on,
    a_constant_factor,
    transposed,
    taken_at_the_output,
    one_example_left_out,
    one_part_alone,
    a_term_of_the_batch_is_missing,
    a_term_of_the_row_is_missing,
)
"""The dictionary, the most telling first."""
