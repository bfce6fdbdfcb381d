"""The verdict on a derivative: what must be found, what must pass, at smooth points, near kinks and at them."""

import numpy as np
import pytest

from fcframe.verify.derivatives.verdict import Verdict, judge, scales

SEEDS = range(20)


def verdicts(function, analytic, x):
    """The verdict on each element of a gradient of Σ dout · function(x), with the dout that `analytic` is given."""
    dout = np.random.default_rng(x.size).normal(size=function(x).shape)
    base = function(x)

    def difference(elements, offsets):
        changes, noise = np.empty(len(elements)), np.empty(len(elements))
        for place, (element, offset) in enumerate(zip(elements, offsets, strict=True)):
            moved = x.copy()
            moved.reshape(-1)[element] += offset
            out = function(moved)
            changes[place] = np.vdot(dout, out - base)
            noise[place] = 2e-15 * np.vdot(np.abs(dout), np.abs(out) + np.abs(base))
        return changes, noise

    found = judge(analytic(x, dout).reshape(-1), difference, scales(x))
    return found.verdicts.reshape(x.shape)


def passes(found):
    return all(verdict in (Verdict.AGREES, Verdict.KINK) for verdict in found.reshape(-1))


def gaussian(seed, shape=(4, 5)):
    return np.random.default_rng(seed).normal(size=shape)


def tanh_slope(x, dout):
    return dout * (1 - np.tanh(x) ** 2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", [1.0001, 1.00001, 0.999, -1.0, 0.0, 2.0])
def test_a_factor_is_found_in_every_element(factor, seed):
    found = verdicts(np.tanh, lambda x, dout: factor * tanh_slope(x, dout), gaussian(seed))
    assert np.all(found == Verdict.WRONG)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
        (np.sin, np.cos),
        (np.exp, np.exp),
        (lambda x: np.sin(100 * x), lambda x: 100 * np.cos(100 * x)),
        (lambda x: 1e9 * x**3, lambda x: 3e9 * x**2),
        (lambda x: 1e-9 * x**3, lambda x: 3e-9 * x**2),
        (lambda x: np.logaddexp(0, 1000 * x), lambda x: 1000 * np.exp(-np.logaddexp(0, -1000 * x))),
        (np.abs, np.sign),
    ],
    ids=["tanh", "sin", "exp", "fast sine", "huge", "tiny", "steep softplus", "abs"],
)
def test_right_passes_and_a_thousandth_is_found(function, slope, seed):
    x = gaussian(seed)
    assert np.all(verdicts(function, lambda x, dout: dout * slope(x), x) == Verdict.AGREES)
    found = verdicts(function, lambda x, dout: 1.001 * dout * slope(x), x)
    size = np.abs(slope(x))
    assert np.all(found[size > 1e-3 * size.max()] == Verdict.WRONG)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_wrong_element_of_1600_is_found_alone(seed):
    def one_off(x, dout):
        dx = tanh_slope(x, dout)
        dx[7, 3] *= 1.001
        return dx

    found = verdicts(np.tanh, one_off, gaussian(seed, (40, 40)))
    assert [(int(row), int(column)) for row, column in np.argwhere(found != Verdict.AGREES)] == [(7, 3)]
    assert found[7, 3] == Verdict.WRONG


BENDS = {
    "tanh 3x": (lambda x: np.tanh(3 * x), lambda x: 3 * (1 - np.tanh(3 * x) ** 2)),
    "sin 100x": (lambda x: np.sin(100 * x), lambda x: 100 * np.cos(100 * x)),
    "silu": (lambda x: x / (1 + np.exp(-x)), lambda x: (1 + np.exp(-x) * (1 + x)) / (1 + np.exp(-x)) ** 2),
}


@pytest.mark.parametrize("seed", SEEDS[:4])
@pytest.mark.parametrize("size", [1.0, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12])
@pytest.mark.parametrize(("function", "slope"), BENDS.values(), ids=BENDS)
def test_how_large_a_function_is_does_not_matter(function, slope, size, seed):
    def found(factor):
        return verdicts(lambda x: size * function(x), lambda x, dout: factor * size * dout * slope(x), gaussian(seed))

    assert np.all(found(1.0) == Verdict.AGREES)
    assert Verdict.WRONG in found(1.001)
    assert np.all(found(2.0) == Verdict.WRONG)


def standardized(x):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)


def standardized_slope(eps):
    def slope(x, dout):
        scale = 1 / np.sqrt(x.var(axis=0) + eps)
        xhat = standardized(x)
        return scale * (dout - dout.mean(axis=0) - xhat * (dout * xhat).mean(axis=0))

    return slope


@pytest.mark.parametrize("seed", SEEDS)
def test_a_batchnorm_that_drops_eps_in_backward_is_found(seed):
    x = gaussian(seed, (5, 4))
    assert passes(verdicts(standardized, standardized_slope(1e-5), x))
    assert Verdict.WRONG in verdicts(standardized, standardized_slope(0), x)


def relu(x):
    return np.maximum(x, 0)


def with_zeros(seed, value=0.0):
    x = gaussian(seed)
    x[1, 2] = x[3, 0] = value
    return x


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("at_zero", "right"), [(0, True), (0.5, True), (1, True), (2, False), (-0.1, False)])
def test_any_subgradient_passes_at_a_kink_and_nothing_else(at_zero, right, seed):
    found = verdicts(relu, lambda x, dout: dout * np.where(x == 0, at_zero, x > 0), with_zeros(seed))
    assert found[1, 2] == found[3, 0]
    assert found[1, 2] in ((Verdict.KINK, Verdict.AGREES) if right else (Verdict.WRONG,))
    others = np.ones(found.shape, bool)
    others[1, 2] = others[3, 0] = False
    assert np.all(found[others] == Verdict.AGREES)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("at_zero", "right"), [(-1, True), (0, True), (0.3, True), (1, True), (1.5, False), (-2, False)]
)
def test_abs_takes_slopes_between_minus_1_and_1(at_zero, right, seed):
    found = verdicts(np.abs, lambda x, dout: dout * np.where(x == 0, at_zero, np.sign(x)), with_zeros(seed))
    assert passes(found) == right


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("near", [3e-7, -3e-7, 1e-4, 1e-9, 1e-12, -1e-15, 1e-300])
def test_a_kink_nearby_raises_no_alarm(near, seed):
    assert passes(verdicts(relu, lambda x, dout: dout * (x > 0), with_zeros(seed, near)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("near", [3e-7, -3e-7, 1e-4])
@pytest.mark.parametrize("size", [1.0, 1e-6, 1e-12])
def test_the_wrong_side_of_a_kink_that_can_be_told_apart_is_found(size, near, seed):
    def slope(x, dout):
        return size * dout * (x > np.where(np.abs(x) < 2e-4, 2 * x, 0))

    found = verdicts(lambda x: size * relu(x), slope, with_zeros(seed, near))
    assert found[1, 2] == Verdict.WRONG


@pytest.mark.parametrize("seed", SEEDS)
def test_ties_of_a_maximum(seed):
    def largest(x):
        return x.max(axis=1)

    def share(of):
        return lambda x, dout: dout[:, None] * of(x == x.max(axis=1, keepdims=True))

    x = np.random.default_rng(seed).choice([0.0, 0.5, 1.0], size=(6, 5))
    assert passes(verdicts(largest, share(lambda best: best / best.sum(axis=1, keepdims=True)), x))
    assert passes(verdicts(largest, share(lambda best: np.arange(5) == best.argmax(axis=1)[:, None]), x))
    assert not passes(verdicts(largest, share(lambda best: 1.5 * best), x))
    assert not passes(verdicts(largest, share(lambda best: best - 0.1), x))


@pytest.mark.parametrize("function", [np.sign, np.floor, lambda x: np.sqrt(np.abs(x))])
def test_where_there_is_no_slope_nothing_finite_is_wrong_and_nan_is(function):
    x = np.zeros((2, 2))
    assert passes(verdicts(function, lambda x, dout: 0 * dout, x))
    assert np.all(verdicts(function, lambda x, dout: np.nan * dout, x) == Verdict.WRONG)


def test_what_cannot_be_measured_is_inconclusive_and_never_passes():
    noise = np.random.default_rng(0)
    found = verdicts(lambda x: 1e-3 * noise.normal(size=x.shape), lambda x, dout: 0 * x, gaussian(0))
    assert not np.any(found == Verdict.AGREES)
    found = verdicts(lambda x: x * np.nan, lambda x, dout: dout, gaussian(0))
    assert np.all(found == Verdict.INCONCLUSIVE)


def test_a_periodic_function_deceives_no_large_step():
    x = 1024 * gaussian(0)
    assert np.all(verdicts(lambda x: x - np.floor(x), lambda x, dout: dout, x) == Verdict.AGREES)
    assert np.all(verdicts(lambda x: x - np.floor(x), lambda x, dout: 0 * x, x) == Verdict.WRONG)


def test_a_zero_derivative_agrees_with_zero_alone():
    x = gaussian(0)
    assert np.all(verdicts(np.ones_like, lambda x, dout: 0 * x, x) == Verdict.AGREES)
    assert np.all(verdicts(np.ones_like, lambda x, dout: 1e-3 * dout, x) == Verdict.WRONG)


def test_scales_of_an_array_of_zeros_are_1():
    assert scales(np.zeros((2, 3))).tolist() == [1.0] * 6
    assert scales(np.zeros((0, 3))).tolist() == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("factor", [1.0, 2.0])
@pytest.mark.parametrize("certain", [14.0, 17.0, 20.0, 22.0, 25.0, 30.0])
def test_rounding_that_cancels_within_the_function_is_seen_though_what_comes_out_is_small(certain, factor, seed):
    """The loss of a class that is nearly certain: log(1 + exp(-17)), of which every change is a multiple of 2e-16."""
    weights = np.random.default_rng(seed).normal(size=60)

    def loss(x):
        return np.log(1 + np.exp(x @ weights - certain - gaussian(seed, (60,)) @ weights))[None]

    def slope(x, dout):
        return factor * dout * np.exp(-certain) * weights

    found = verdicts(loss, slope, gaussian(seed, (60,)))
    if factor == 1.0:
        assert not np.any(found == Verdict.WRONG)
    else:
        assert not np.any(found == Verdict.AGREES)
        assert certain > 20 or np.any(found == Verdict.WRONG)  # then hardly a digit is left of it
