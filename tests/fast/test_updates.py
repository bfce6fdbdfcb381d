"""Updates: the optimizer's own text is asked what it does."""

import doctest
import signal
import sys

import numpy as np
import pytest

import fcframe
from fcframe.kernels import NUMPY
from fcframe.parameters import Views
from fcframe.training.updates import Updates
from tests.fast import COUNT, drawn


class Text:
    """An update that a test writes down."""

    per_tensor = False
    scratch = ()
    uses_decay = True

    def __init__(self, update, *slots):
        self.update = update
        self.slots = lambda: slots


def by_step(w, dw, slots, step):
    v = slots["v"]
    if step.number == 1:
        v[...] = dw
    else:
        v *= 0.9
        v += 0.1 * dw
    w -= (step.learning_rate / step.number**0.5) * v


def with_many_intermediate_results(w, dw, slots, step):
    m, v = slots["m"], slots["v"]
    m[:] = 0.9 * m + (1 - 0.9) * dw
    v[:] = np.maximum(0.99 * v, np.abs(dw))
    old = w.copy()
    w -= step.learning_rate * m / (1 - 0.9**step.number) / (v + 1e-8)
    w += 0.1 * (old - w) ** 2 - 2 // 1 * np.minimum(np.sign(dw), 0.5) * 1e-3


def every_function(w, dw, slots, step):
    t = np.tanh(dw) + np.exp(-dw) + np.log(dw * dw + 1) + np.square(dw) ** 0.5 + np.reciprocal(2 + dw**4)
    np.negative(t, out=t)
    w += step.learning_rate * (+t - np.power(1.5, dw) + np.positive(1 / (3 + abs(dw))))


def swapping(w, dw, slots, step):
    a, b = slots["a"], slots["b"]
    old = a.copy()
    a[...] = b
    b[...] = old
    b += dw
    w -= step.learning_rate * a


def standing_still(w, dw, slots, step):
    pass


TRACED = [
    Text(by_step, "v"),
    Text(with_many_intermediate_results, "m", "v"),
    Text(every_function),
    Text(swapping, "a", "b"),
    Text(standing_still),
]


def choosing(w, dw, slots, step):
    w[dw > 0] -= step.learning_rate


def by_where(w, dw, slots, step):
    w -= np.where(dw > 0, step.learning_rate, 0).astype(w.dtype)


def by_a_double(w, dw, slots, step):
    w -= np.float64(step.learning_rate) * dw


def by_its_truth(w, dw, slots, step):
    if (w > 0).any():
        w -= step.learning_rate * dw


def caught(w, dw, slots, step):
    try:
        w -= np.where(dw > 0, step.learning_rate, 0).astype(w.dtype)
    except Exception:
        w -= 1


def with_an_array(w, dw, slots, step):
    w -= step.learning_rate * dw * np.ones(len(w), w.dtype)


def late(w, dw, slots, step):
    if step.number == 2:
        w[dw > 0] -= step.learning_rate
    else:
        w -= step.learning_rate * dw


def asking_for_an_array(w, dw, slots, step):
    w -= step.learning_rate * dw if isinstance(dw, np.ndarray) else dw


def asking_for_a_shape(w, dw, slots, step):
    w -= step.learning_rate * dw
    if hasattr(w, "shape"):
        w *= 0.5


def looking_at_the_size(w, dw, slots, step):
    w -= step.learning_rate * dw / getattr(dw, "size", 1)


NOT_TRACED = [
    Text(update)
    for update in (
        choosing, by_where, by_a_double, by_its_truth, caught, with_an_array,
        asking_for_an_array, asking_for_a_shape, looking_at_the_size,
    )
]  # fmt: skip


def updated(optimizer, kernels, dtype, count=COUNT):
    """w, dw and the slots after some steps."""
    params, grads = (Views({"w": (count,)}, dtype, place) for place in range(2))
    params.flat[...] = drawn(count, dtype=dtype)
    updates = Updates(optimizer, {"w": fcframe.Parameter((count,), 0.0)}, params, grads, kernels)
    for step, rate in enumerate((0.1, 0.05, 0.05), 1):
        grads.flat[...] = drawn(count, dtype=dtype, seed=step)
        grads.flat[:3] = 0, np.nan, np.inf
        with np.errstate(all="ignore"):
            updates(step, rate)
    return [params.flat, grads.flat, *(views.flat for views in updates.slots.values())]


def names(texts):
    return [text.update.__name__ for text in texts]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", [*TRACED, Text(late)], ids=names([*TRACED, Text(late)]))
def test_a_traced_update_does_what_the_text_does(kernels, optimizer, dtype):
    slots = {name: np.zeros(COUNT, dtype) for name in optimizer.slots()}
    arrays = np.zeros(COUNT, dtype), np.zeros(COUNT, dtype)
    assert kernels.updates(optimizer.update, *arrays, slots) is not None
    tolerance = 200 * np.finfo(dtype).eps
    for fast, own in zip(updated(optimizer, kernels, dtype), updated(optimizer, NUMPY, dtype), strict=True):
        np.testing.assert_allclose(fast, own, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("optimizer", NOT_TRACED, ids=names(NOT_TRACED))
def test_what_cannot_be_traced_is_left_to_numpy(kernels, optimizer):
    arrays = np.zeros(COUNT, np.float32), np.zeros(COUNT, np.float32)
    assert kernels.updates(optimizer.update, *arrays, {}) is None
    assert np.array_equal(updated(optimizer, kernels, "float32")[0][3:], updated(optimizer, NUMPY, "float32")[0][3:])


def test_a_step_that_cannot_be_traced_is_left_to_numpy_and_changes_nothing(kernels):
    w, dw = drawn(COUNT), drawn(COUNT, seed=1)
    before = w.copy()
    everything = kernels.updates(late, w, dw, {})
    assert everything(fcframe.Step(2, 0.1)) is False
    assert np.array_equal(w, before)
    assert everything(fcframe.Step(3, 0.1)) is True
    assert not np.array_equal(w, before)


def test_few_parameters_are_left_to_numpy(kernels):
    few = np.zeros(1000, np.float32), np.zeros(1000, np.float32)
    assert kernels.updates(standing_still, *few, {}) is None


def test_an_optimizer_that_writes_to_the_gradient_or_returns_is_left_to_numpy(kernels):
    def writing(w, dw, slots, step):
        dw *= step.learning_rate
        w -= dw

    arrays = np.zeros(COUNT, np.float32), np.zeros(COUNT, np.float32)
    assert kernels.updates(writing, *arrays, {}) is None
    assert kernels.updates(lambda w, dw, slots, step: w - dw, *arrays, {}) is None


def test_an_optimizer_that_returns_something_in_a_later_step_is_refused(kernels):
    def returning(w, dw, slots, step):
        return w - dw if step.number == 2 else None

    with pytest.raises(fcframe.ContractError, match="in place"):
        updated(Text(returning), kernels, "float32")


def test_ctrl_c_while_an_update_is_compiled_happens_when_it_is(kernels, monkeypatch):
    pytest.importorskip("numba")
    compiler, finished = sys.modules["numba.core.ccallback"].CFunc, []
    compile_it = compiler.compile

    def interrupted(callback):
        signal.raise_signal(signal.SIGINT)
        compile_it(callback)
        finished.append(callback)

    monkeypatch.setattr(compiler, "compile", interrupted)
    sys.modules["fcframe_fast.generated"].compiled.cache_clear()
    arrays = np.zeros(COUNT, np.float32), np.zeros(COUNT, np.float32)
    with pytest.raises(KeyboardInterrupt):
        kernels.updates(standing_still, *arrays, {})
    assert finished


def decaying(w, dw, slots, step):
    if step.decay:
        w *= 1 - 0.5 * step.learning_rate
    w -= step.learning_rate * dw


def test_a_program_depends_on_whether_weight_decay_acts_on_the_group(kernels):
    for decay in (True, False, True):
        w, dw = drawn(COUNT), drawn(COUNT, seed=1)
        own = w.copy()
        step = fcframe.Step(3, 0.1, decay)
        assert kernels.updates(decaying, w, dw, {})(step) is True
        decaying(own, dw, {}, step)
        np.testing.assert_allclose(w, own, rtol=1e-6, atol=1e-6)


def test_an_update_that_differs_from_its_program_without_weight_decay_alone_is_left_to_numpy_there(kernels):
    def asking(w, dw, slots, step):
        w -= step.learning_rate * (dw if step.decay or isinstance(dw, np.ndarray) else 2 * dw)

    w, dw = drawn(COUNT), drawn(COUNT, seed=1)
    before, faster = w.copy(), kernels.updates(asking, w, dw, {})
    assert faster(fcframe.Step(1, 0.1, decay=False)) is False
    assert np.array_equal(w, before)
    assert faster(fcframe.Step(1, 0.1)) is True


def test_an_update_that_does_something_else_in_each_step_is_left_to_numpy_after_a_while(kernels, monkeypatch):
    monkeypatch.setattr(sys.modules["fcframe_fast.updates"], "MAX_PROGRAMS", 3)

    def growing(w, dw, slots, step):
        for _ in range(step.number):
            w -= step.learning_rate * dw

    w, dw = drawn(COUNT), drawn(COUNT, seed=1)
    faster = kernels.updates(growing, w, dw, {})
    assert [faster(fcframe.Step(number, 0.1)) for number in (1, 2, 3, 4, 2)] == [True, True, True, False, True]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_values_go_the_way_that_they_go_with_numpy(kernels, dtype):
    special = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.5, np.nan, np.inf, -np.inf, 1e-40, 1e30], dtype)
    first, second = (array.ravel() for array in np.meshgrid(special, special))

    def everything(w, dw, slots, step):
        a, b = slots["a"], slots["b"]
        slots["maximum"][...] = np.maximum(a, b)
        slots["minimum"][...] = np.minimum(a, b)
        slots["sign"][...] = np.sign(a)
        slots["negative"][...] = -a
        slots["absolute"][...] = abs(a)
        slots["square"][...] = a**2
        slots["sqrt"][...] = np.sqrt(a)
        slots["quotient"][...] = a / b
        slots["difference"][...] = a - b
        slots["floor"][...] = np.maximum(a, 0.5)
        slots["ceiling"][...] = np.minimum(0.5, a)
        slots["tanh"][...] = np.tanh(a)
        slots["power"][...] = a**b
        slots["exp"][...] = np.exp(a)
        slots["log"][...] = np.log(a)

    exact = ("maximum", "minimum", "sign", "negative", "absolute", "square", "sqrt", "quotient", "difference", "floor",
             "ceiling")  # fmt: skip
    rounded = ("tanh", "power", "exp", "log")
    repeats = -(-COUNT // len(first))
    slots = {"a": np.tile(first, repeats), "b": np.tile(second, repeats)}
    slots |= {name: np.zeros_like(slots["a"]) for name in exact + rounded}
    own = {name: array.copy() for name, array in slots.items()}
    w, dw = np.zeros((2, len(slots["a"])), dtype)
    with np.errstate(all="ignore"):
        everything(w, dw, own, fcframe.Step(1, 0.1))
        assert kernels.updates(everything, w, dw, slots)(fcframe.Step(1, 0.1)) is True
    for name in exact:
        np.testing.assert_array_equal(slots[name], own[name], err_msg=name)
        numbers = ~np.isnan(own[name])
        if name in ("maximum", "minimum"):  # which of 0.0 and -0.0 it is depends on the processor in NumPy too
            numbers &= own[name] != 0
        assert np.array_equal(np.signbit(slots[name][numbers]), np.signbit(own[name][numbers])), name
    for name in rounded:
        np.testing.assert_allclose(slots[name], own[name], rtol=20 * np.finfo(dtype).eps, err_msg=name)


def test_the_example_of_a_generated_function_holds(kernels):
    assert doctest.testmod(sys.modules["fcframe_fast.generated"]) == (0, 1)
