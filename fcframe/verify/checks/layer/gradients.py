"""Checks for layers: backward computes the derivative of forward."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter

import numpy as np

from fcframe.context import Array
from fcframe.verify.checks.layer.purity import require_deterministic
from fcframe.verify.derivatives.layer import comparisons, copied
from fcframe.verify.derivatives.verdict import Verdict
from fcframe.verify.diagnosis.explanation import explain
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.report import CheckFailure, Inconclusive, NotApplicable, source_location


def the_gradient_of_x_is_right(fixture: LayerFixture) -> None:
    """The gradient dx agrees with finite differences; all layers below learn from it."""
    if fixture.of_integers:
        raise NotApplicable("x has integers, so that there is no derivative by x")
    _compare(fixture, lambda array: array == "dx")


def the_gradient_of_each_parameter_is_right(fixture: LayerFixture) -> None:
    """The gradient of each parameter agrees with finite differences."""
    if not fixture.trained:
        raise NotApplicable("it has no trainable parameters")
    _compare(fixture, lambda array: array != "dx")


def backward_is_linear_in_dout(fixture: LayerFixture) -> None:
    """Each gradient g is a linear function of dout, plus the gradient of the layer's own penalty if it has one.

    With g(dout) = L(dout) + g(0), where L is linear and g(0) is the penalty's gradient (0 without a penalty):
    g(2a − 3b) = 2 L(a) − 3 L(b) + g(0) = 2 g(a) − 3 g(b) + 2 g(0).
    """
    first, second = fixture.douts
    a, b, both = (copied(fixture.gradients(dout)) for dout in (first, second, 2 * first - 3 * second))
    none = fixture.gradients(0 * first) if fixture.adds_loss else {}
    # Relative to the largest number in all gradients, because one of them may be zero except for rounding errors,
    # and to dout, because all of them may be.
    tolerance = 1e-9 * (_largest(a) + _largest(b)) + 1e-14 * float(np.abs(first).max(initial=0))
    for name, gradient in both.items():
        expected = 2 * a[name] - 3 * b[name] + 2 * none.get(name, 0)
        if not np.allclose(gradient, expected, rtol=1e-7, atol=tolerance, equal_nan=True):
            require_deterministic(fixture)
            raise CheckFailure(
                f"{name} is not linear in dout: for 2·dout1 − 3·dout2 it is wrong by up to "
                f"{np.abs(gradient - expected).max():.3g}",
                f"each gradient must be a sum of products with dout; look at {_backward(fixture)}",
            )


def a_zero_dout_gives_zero_gradients(fixture: LayerFixture) -> None:
    """All gradients are zero if dout is zero, except those of the layer's own penalty, which are compared instead."""
    if fixture.adds_loss:
        _compare(fixture, lambda _: True, [0 * fixture.douts[0]])
        return
    forward = fixture.forward()
    for name, gradient in fixture.gradients(np.zeros_like(fixture.douts[0]), forward).items():
        if np.any(gradient):
            raise CheckFailure(
                f"{name} is not zero though dout is: its largest element is {np.abs(gradient).max():.3g}",
                f"a term is not multiplied with dout; look at {_backward(fixture)}",
            )


def float32_gradients_are_those_of_float64(fixture: LayerFixture) -> None:
    """Gradients in float32 agree with those in float64 within float32's precision."""
    if fixture.case.values != "gaussian":
        raise NotApplicable("float32 is compared on ordinary values")
    if fixture.stochastic and fixture.case.training:
        raise NotApplicable("it may draw other random numbers in float32")
    # Two draws: in one of them an element may by chance be rounded to the other side of a kink.
    for draw in (fixture, fixture.at(seed=fixture.case.seed + 1)):
        name, error = _worst_in_float32(draw)
        if not error > 0:
            return
    raise CheckFailure(
        f"{name} in float32 differs from the one in float64 by up to {error:.3g}",
        f"likely cause: early rounding or an overflow; look at {_backward(fixture)}",
    )


def _worst_in_float32(fixture: LayerFixture) -> tuple[str, float]:
    """The gradient with the largest error in float32, and that error; 0 if all errors are within the tolerance.

    The tolerance includes the change of the gradients when x and the parameters change by float32's eps.
    """
    single = LayerFixture(fixture.case, np.float32)
    wide, narrow = fixture.gradients(fixture.douts[0]), single.gradients(single.douts[0])
    perturbation = 1 + np.finfo(np.float32).eps * fixture.rng.choice([-1.0, 1.0], size=fixture.x.shape)
    params = {name: array * (1 + np.finfo(np.float32).eps) for name, array in fixture.params.items()}
    x = fixture.x if fixture.of_integers else fixture.x * perturbation
    perturbed = fixture.gradients(fixture.douts[0], fixture.forward(x, params))
    worst = "", 0.0
    underflow = 1e3 * float(np.finfo(np.float32).tiny)
    for name, gradient in wide.items():
        error = np.abs(narrow[name].astype(np.float64) - gradient)
        allowed = 1e-3 * np.abs(gradient) + 1e-4 * np.abs(gradient).max(initial=0) + 1e-5 * _largest(wide)
        allowed += 4 * np.abs(perturbed[name] - gradient).max(initial=0) + underflow
        if not np.all(error <= allowed):
            worst = max(worst, (name, float(np.nan_to_num(error, nan=np.inf).max())), key=itemgetter(1))
    return worst


def _compare(fixture: LayerFixture, chosen: Callable[[str], bool], douts: Sequence[Array] | None = None) -> None:
    """Compares the chosen gradients with finite differences.

    Raises:
        CheckFailure: An element is wrong.
        Inconclusive: The verdict on an element is undecided, in a case with ordinary values.
        NotApplicable: The output is not finite, or an element is undecided in a case with extreme values.
    """
    if not np.all(np.isfinite(fixture.forward().out)):
        raise NotApplicable("the output is not finite here; another check tests that")
    compared = list(comparisons(fixture, chosen, douts))
    for comparison in compared:
        if comparison.wrong:
            raise CheckFailure(*explain(fixture, comparison), fact=comparison)
    undecided = [comparison for comparison in compared if comparison.inconclusive]
    if undecided:
        count = sum(len(comparison.judgement.where(Verdict.INCONCLUSIVE)) for comparison in undecided)
        reason = f"{count} derivatives could not be measured well enough to decide"
        raise Inconclusive(reason) if fixture.case.values == "gaussian" else NotApplicable(reason)


def _largest(gradients: Mapping[str, Array]) -> float:
    """The largest absolute value in all gradients."""
    return max((float(np.abs(gradient).max(initial=0)) for gradient in gradients.values()), default=0.0)


def _backward(fixture: LayerFixture) -> str:
    return f"backward in {source_location(type(fixture.layer).backward)}"


CHECKS = (
    the_gradient_of_x_is_right,
    the_gradient_of_each_parameter_is_right,
    backward_is_linear_in_dout,
    a_zero_dout_gives_zero_gradients,
    float32_gradients_are_those_of_float64,
)
