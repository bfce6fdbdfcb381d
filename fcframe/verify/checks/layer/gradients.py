"""For every layer, … : its backward is the derivative of its forward."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter

import numpy as np

from fcframe.context import Array
from fcframe.verify.checks.layer.purity import needs_repeatable
from fcframe.verify.derivatives.layer import comparisons, copied
from fcframe.verify.derivatives.verdict import Verdict
from fcframe.verify.diagnosis.explanation import explain
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.report import CheckFailure, Inconclusive, NotApplicable, source_location


def the_gradient_of_x_is_right(fixture: LayerFixture) -> None:
    """A layer below learns from dx; if it is wrong, everything below learns the wrong thing."""
    if fixture.of_integers:
        raise NotApplicable("x holds integers, by which nothing can be differentiated")
    _compare(fixture, lambda array: array == "dx")


def the_gradient_of_each_parameter_is_right(fixture: LayerFixture) -> None:
    """The parameters themselves are moved by these."""
    if not fixture.trained:
        raise NotApplicable("it has no parameters that are trained")
    _compare(fixture, lambda array: array != "dx")


def backward_is_linear_in_dout(fixture: LayerFixture) -> None:
    """A gradient is a linear map of dout, plus the gradient of the layer's own penalty where it has one.

    g(2a − 3b) = 2 g(a) − 3 g(b) + 2 g(0), where g(0) is the penalty's gradient, 0 without a penalty.
    """
    first, second = fixture.douts
    a, b, both = (copied(fixture.gradients(dout)) for dout in (first, second, 2 * first - 3 * second))
    none = fixture.gradients(0 * first) if fixture.adds_loss else {}
    room = 1e-9 * (_largest(a) + _largest(b))  # of all gradients: one may be zero but for rounding
    room += 1e-14 * float(np.abs(first).max(initial=0))  # and so may all of them be
    for name, gradient in both.items():
        expected = 2 * a[name] - 3 * b[name] + 2 * none.get(name, 0)
        if not np.allclose(gradient, expected, rtol=1e-7, atol=room, equal_nan=True):
            needs_repeatable(fixture)
            raise CheckFailure(
                f"{name} is not linear in dout: for 2·dout1 − 3·dout2 it is off by up to "
                f"{np.abs(gradient - expected).max():.3g}",
                f"each gradient is a factor times dout, summed; look at {_backward(fixture)}",
            )


def a_zero_dout_gives_zero_gradients(fixture: LayerFixture) -> None:
    """What does not reach the loss has no gradient; a layer's own penalty reaches it without dout."""
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
    """Networks are trained in float32; what is right in float64 alone is of little use."""
    if fixture.case.values != "gaussian":
        raise NotApplicable("float32 is compared on ordinary values")
    if fixture.stochastic and fixture.case.training:
        raise NotApplicable("it may draw otherwise in float32")
    for draw in (
        fixture,
        fixture.at(seed=fixture.case.seed + 1),
    ):  # by bad luck float32 is on the other side of a kink: once
        name, off = _worst_in_single(draw)
        if not off > 0:
            return
    raise CheckFailure(
        f"{name} in float32 differs from the one in float64 by up to {off:.3g}",
        f"something is rounded too early, or overflows; look at {_backward(fixture)}",
    )


def _worst_in_single(fixture: LayerFixture) -> tuple[str, float]:
    """The gradient that float32 gets worst, and by how much; 0 where all are within float32's reach.

    That reach is what becomes of the gradients when x and the parameters are moved by float32's rounding.
    """
    single = LayerFixture(fixture.case, np.float32)
    wide, narrow = fixture.gradients(fixture.douts[0]), single.gradients(single.douts[0])
    nudge = 1 + np.finfo(np.float32).eps * fixture.rng.choice([-1.0, 1.0], size=fixture.x.shape)
    params = {name: array * (1 + np.finfo(np.float32).eps) for name, array in fixture.params.items()}
    x = fixture.x if fixture.of_integers else fixture.x * nudge
    moved = fixture.gradients(fixture.douts[0], fixture.forward(x, params))
    worst = "", 0.0
    underflow = 1e3 * float(np.finfo(np.float32).tiny)
    for name, gradient in wide.items():
        off = np.abs(narrow[name].astype(np.float64) - gradient)
        allowed = 1e-3 * np.abs(gradient) + 1e-4 * np.abs(gradient).max(initial=0) + 1e-5 * _largest(wide)
        allowed += 4 * np.abs(moved[name] - gradient).max(initial=0) + underflow
        if not np.all(off <= allowed):
            worst = max(worst, (name, float(np.nan_to_num(off, nan=np.inf).max())), key=itemgetter(1))
    return worst


def _compare(fixture: LayerFixture, chosen: Callable[[str], bool], douts: Sequence[Array] | None = None) -> None:
    if not np.all(np.isfinite(fixture.forward().out)):
        raise NotApplicable("the output is not finite here, which another check judges")
    compared = list(comparisons(fixture, chosen, douts))
    for found in compared:
        if found.wrong:
            raise CheckFailure(*explain(fixture, found), fact=found)
    undecided = [found for found in compared if found.inconclusive]
    if undecided:
        count = sum(len(found.judgement.where(Verdict.INCONCLUSIVE)) for found in undecided)
        reason = f"{count} derivatives could not be measured well enough to decide"
        raise Inconclusive(reason) if fixture.case.values == "gaussian" else NotApplicable(reason)


def _largest(gradients: Mapping[str, Array]) -> float:
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
