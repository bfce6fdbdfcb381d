"""The extra `fast`: what its kernels compute is what NumPy's do, within rounding. Skipped where it is not installed."""

import ctypes
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import fcframe
from fcframe import providers, threads
from fcframe.kernels import NUMPY
from fcframe.parameters import Views
from fcframe.training.updates import Updates

FAST = fcframe.registry().kernels["fast"][1]

installed = pytest.mark.skipif(bool(FAST.lacks()), reason=f"the extra fast: {FAST.lacks()}")
COUNT = 70_001
"""Parameters: enough for the update in one pass."""


@pytest.fixture(scope="module", params=["this processor's", "MKL's"])
def kernels(request):
    """The kernels as they are on this processor, and with MKL's products whatever it is."""
    if FAST.lacks():
        pytest.skip(f"the extra fast: {FAST.lacks()}")
    provider = sys.modules["fcframe_fast.provider"]
    if request.param == "this processor's":
        yield FAST(threads.available())
        return
    pytest.importorskip("threadpoolctl")
    if not provider._installed("mkl") or not sys.platform.startswith("linux"):
        pytest.skip("there is no wheel of MKL")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provider, "with_mkl", lambda: True)
        if FAST.lacks():
            pytest.skip(FAST.lacks())
        made = FAST(threads.available())
    yield made


def drawn(*shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


# Products.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(70, 130, 90), (300, 257, 129), (1, 3000, 300), (0, 80, 80)], ids=str)
def test_products_are_numpys_within_rounding_however_the_arrays_lie(kernels, dtype, shape):
    rows, inner, columns = shape
    wide = drawn(2 * rows, 3 * inner, dtype=dtype)
    arrays = {
        "rows": (drawn(rows, inner, dtype=dtype), drawn(inner, columns, dtype=dtype, seed=1)),
        "transposed": (drawn(inner, rows, dtype=dtype).T, drawn(columns, inner, dtype=dtype, seed=1).T),
        "parts": (wide[::2, :inner], drawn(inner, columns + 5, dtype=dtype, seed=1)[:, 5:]),
        "with gaps": (wide[:rows, ::3], drawn(inner, columns, dtype=dtype, seed=1)[:, ::-1]),
    }
    for name, (a, b) in arrays.items():
        out = np.full((rows, columns), np.nan, dtype)
        assert kernels.matmul(a, b, out) is out
        np.testing.assert_allclose(out, a @ b, rtol=0, atol=inner * np.finfo(dtype).eps * 20, err_msg=name)


def test_the_last_bit_of_a_product_does_not_depend_on_where_the_arrays_lie(kernels):
    buffer, b = np.empty(100 * 300 + 16, np.float32), drawn(300, 200)
    outs = set()
    for start in range(16):
        a = buffer[start : start + 100 * 300].reshape(100, 300)
        a[...] = drawn(100, 300)
        outs.add(kernels.matmul(a, b, np.empty((100, 200), np.float32)).tobytes())
    assert len(outs) == 1


# Updates: the optimizer's own text is asked what it does.


class Text:
    """An update that a test writes down."""

    per_tensor = False
    scratch = ()

    def __init__(self, update, *slots):
        self.update = update
        self.slots = lambda: slots


def by_step(w, dw, slots, step, learning_rate):
    v = slots["v"]
    if step == 1:
        v[...] = dw
    else:
        v *= 0.9
        v += 0.1 * dw
    w -= (learning_rate / step**0.5) * v


def with_many_intermediate_results(w, dw, slots, step, learning_rate):
    m, v = slots["m"], slots["v"]
    m[:] = 0.9 * m + (1 - 0.9) * dw
    v[:] = np.maximum(0.99 * v, np.abs(dw))
    old = w.copy()
    w -= learning_rate * m / (1 - 0.9**step) / (v + 1e-8)
    w += 0.1 * (old - w) ** 2 - 2 // 1 * np.minimum(np.sign(dw), 0.5) * 1e-3


def every_function(w, dw, slots, step, learning_rate):
    t = np.tanh(dw) + np.exp(-dw) + np.log(dw * dw + 1) + np.square(dw) ** 0.5 + np.reciprocal(2 + dw**4)
    np.negative(t, out=t)
    w += learning_rate * (+t - np.power(1.5, dw) + np.positive(1 / (3 + abs(dw))))


def swapping(w, dw, slots, step, learning_rate):
    a, b = slots["a"], slots["b"]
    old = a.copy()
    a[...] = b
    b[...] = old
    b += dw
    w -= learning_rate * a


def standing_still(w, dw, slots, step, learning_rate):
    pass


TRACED = [
    Text(by_step, "v"),
    Text(with_many_intermediate_results, "m", "v"),
    Text(every_function),
    Text(swapping, "a", "b"),
    Text(standing_still),
]


def choosing(w, dw, slots, step, learning_rate):
    w[dw > 0] -= learning_rate


def by_where(w, dw, slots, step, learning_rate):
    w -= np.where(dw > 0, learning_rate, 0).astype(w.dtype)


def by_a_double(w, dw, slots, step, learning_rate):
    w -= np.float64(learning_rate) * dw


def by_its_truth(w, dw, slots, step, learning_rate):
    if (w > 0).any():
        w -= learning_rate * dw


def caught(w, dw, slots, step, learning_rate):
    try:
        w -= np.where(dw > 0, learning_rate, 0).astype(w.dtype)
    except Exception:
        w -= 1


def with_an_array(w, dw, slots, step, learning_rate):
    w -= learning_rate * dw * np.ones(len(w), w.dtype)


def late(w, dw, slots, step, learning_rate):
    if step == 2:
        w[dw > 0] -= learning_rate
    else:
        w -= learning_rate * dw


def asking_for_an_array(w, dw, slots, step, learning_rate):
    w -= learning_rate * dw if isinstance(dw, np.ndarray) else dw


def asking_for_a_shape(w, dw, slots, step, learning_rate):
    w -= learning_rate * dw
    if hasattr(w, "shape"):
        w *= 0.5


def looking_at_the_size(w, dw, slots, step, learning_rate):
    w -= learning_rate * dw / getattr(dw, "size", 1)


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
    updates = Updates(optimizer, params, grads, kernels)
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
    assert everything(2, 0.1) is False
    assert np.array_equal(w, before)
    assert everything(3, 0.1) is True
    assert not np.array_equal(w, before)


def test_few_parameters_are_left_to_numpy(kernels):
    few = np.zeros(1000, np.float32), np.zeros(1000, np.float32)
    assert kernels.updates(standing_still, *few, {}) is None


def test_an_optimizer_that_writes_to_the_gradient_or_returns_is_left_to_numpy(kernels):
    def writing(w, dw, slots, step, learning_rate):
        dw *= learning_rate
        w -= dw

    arrays = np.zeros(COUNT, np.float32), np.zeros(COUNT, np.float32)
    assert kernels.updates(writing, *arrays, {}) is None
    assert kernels.updates(lambda w, dw, slots, step, learning_rate: w - dw, *arrays, {}) is None


def test_an_optimizer_that_returns_something_in_a_later_step_is_refused(kernels):
    def returning(w, dw, slots, step, learning_rate):
        return w - dw if step == 2 else None

    with pytest.raises(fcframe.ContractError, match="in place"):
        updated(Text(returning), kernels, "float32")


# The whole.


def spec(units=300, optimizer="adam"):
    return fcframe.load_spec({
        "network": {
            "input": [64],
            "layers": [{"type": "affine", "units": units}, {"type": "relu"}] * 2 + [{"type": "affine", "units": 10}],
            "loss": {"type": "softmax"},
        },
        "data": {"type": "digits"},
        "training": {"optimizer": {"type": optimizer}, "epochs": 1, "batch_size": 200},
    })  # fmt: skip


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "muon"])
def test_a_training_goes_as_with_numpy_within_rounding(kernels, optimizer):
    one, other = (fcframe.train(spec(optimizer=optimizer), kernels=found) for found in (kernels, "numpy"))
    np.testing.assert_allclose(one.history.losses, other.history.losses, rtol=2e-4)
    assert (one.facts()["kernels"], other.facts()["kernels"]) == ("fast", "numpy")


@installed
def test_a_training_with_it_gives_the_same_bytes_every_time():
    runs = [fcframe.train(spec(), kernels="fast") for _ in range(2)]
    assert len({run.network.params.flat.tobytes() for run in runs}) == 1


def counted(monkeypatch):
    """How often each compiled loop ran, from now on."""
    loops, calls = sys.modules["fcframe_fast.loops"], dict.fromkeys(("rectify", "multiply", "add_rows", "update"), 0)

    def counting(name, loop):
        def call(*args):
            calls[name] += 1
            return loop(*args)

        return call

    for found in (loops.ALONE, loops.SHARED):
        for name in calls:
            monkeypatch.setattr(found, name, counting(name, getattr(found, name)))
    return calls


def test_the_check_of_kernels_meets_every_compiled_loop_and_what_is_left_to_numpy(kernels, monkeypatch):
    calls = counted(monkeypatch)
    report = fcframe.gradcheck(kernels)
    assert report.passed, report
    assert min(calls.values()) > 10
    assert any("leaves this update to NumPy" in found.message for found in report)


# Threads.


def pools():
    """How many threads each pool has."""
    import threadpoolctl

    return {found["filepath"]: found["num_threads"] for found in threadpoolctl.threadpool_info()}


def of(name):
    return {count for path, count in pools().items() if name in path}


@pytest.mark.skipif(threads.available() < 2, reason="one core")
@pytest.mark.parametrize("count", [1, 2])
def test_a_training_holds_its_pools_and_gives_them_back(kernels, count):
    numba = pytest.importorskip("numba")
    before, made_for = (numba.get_num_threads(), pools()), kernels.threads
    with kernels.limited(count):
        assert threads.count() == count
        if kernels._pool is None:
            assert of("openblas") == {count}
        else:
            assert (of("openblas"), of("mkl"), numba.get_num_threads()) == ({1}, {count}, count)
            assert kernels.threads == count
    assert (numba.get_num_threads(), pools()) == before
    assert kernels.threads == made_for


# Ctrl-C while something is compiled: LLVM calls Python back, and what is raised there is lost.


@pytest.fixture
def compiling(kernels):
    return sys.modules["fcframe_fast.compiling"]


def test_ctrl_c_while_an_update_is_compiled_happens_when_it_is(kernels, monkeypatch):
    machine, finished = sys.modules["fcframe_fast.machine"], []
    address = machine._address

    def interrupted(text):
        signal.raise_signal(signal.SIGINT)
        finished.append(address(text))
        return finished[-1]

    monkeypatch.setattr(machine, "_address", interrupted)
    machine.compiled.cache_clear()
    arrays = np.zeros(COUNT, np.float32), np.zeros(COUNT, np.float32)
    with pytest.raises(KeyboardInterrupt):
        kernels.updates(standing_still, *arrays, {})
    assert finished


def test_ctrl_c_while_a_loop_is_compiled_happens_when_it_is(compiling, monkeypatch):
    numba, finished = pytest.importorskip("numba"), []
    # what was kept of an earlier run would not be compiled
    monkeypatch.setattr(compiling, "njit", lambda function, parallel, cache: numba.njit(function, parallel=parallel))
    found = compiling.loop()(lambda x: x)
    original = found._compiler.compile

    def interrupted(*args):
        signal.raise_signal(signal.SIGINT)
        finished.append(original(*args))
        return finished[-1]

    found._compiler.compile = interrupted
    with pytest.raises(KeyboardInterrupt):
        found(1.0)
    assert finished
    assert found(1.0) == 1.0


def test_after_compiling_ctrl_c_is_as_before_and_other_threads_compile_too(compiling):
    before, done = signal.getsignal(signal.SIGINT), []

    def compile_something():
        with compiling.uninterrupted():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=compile_something)
    thread.start()
    thread.join()
    assert done == [before]
    compile_something()
    assert done[1] != before
    assert signal.getsignal(signal.SIGINT) is before


# Where it cannot run.


def test_without_its_wheels_it_says_what_to_install(monkeypatch):
    provider = sys.modules["fcframe_fast.provider"]
    monkeypatch.setattr(provider, "_installed", lambda name: False)
    monkeypatch.setattr(provider, "with_mkl", lambda: True)
    assert FAST.lacks() == "mkl and numba not installed; the extra fcframe[fast] brings what is missing"
    assert providers.choose() is NUMPY
    with pytest.raises(
        fcframe.PluginError, match=r"kernels 'fast' are not usable: mkl and numba not installed; the extra"
    ):
        providers.choose("fast")


def test_without_gnu_openmp_it_says_so(monkeypatch):
    provider = sys.modules["fcframe_fast.provider"]
    monkeypatch.setattr(provider, "_installed", lambda name: True)
    monkeypatch.setattr(provider, "with_mkl", lambda: True)
    monkeypatch.setattr(provider, "_openmp", lambda: False)
    assert "libgomp.so.1: install libgomp1" in FAST.lacks()


@pytest.mark.parametrize("intel", [True, False])
def test_asking_what_it_lacks_loads_no_library(monkeypatch, intel):
    provider = sys.modules["fcframe_fast.provider"]
    monkeypatch.setattr(provider, "_installed", lambda name: True)
    monkeypatch.setattr(provider, "with_mkl", lambda: intel)
    loaded = []
    monkeypatch.setattr(ctypes, "CDLL", lambda *args, **kwargs: loaded.append(args))
    FAST.lacks()
    assert loaded == []


def test_on_another_processor_it_does_without_mkl(monkeypatch):
    provider = sys.modules["fcframe_fast.provider"]
    monkeypatch.setattr(provider.platform, "machine", lambda: "aarch64")
    assert provider.needed() == ("numba",)


@installed
def test_where_nothing_can_be_written_the_loops_are_compiled_for_this_run(tmp_path):
    code = """
import numba.core.caching as caching
caching.CacheImpl._locator_classes = []  # no folder that can be written
import numpy as np, fcframe
kernels = fcframe.registry().kernels["fast"][1](1)
print(kernels.multiply(np.full((100, 100), 2.0), np.full((100, 100), 3.0), np.empty((100, 100))).sum())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=os.environ)
    assert (done.stdout, done.stderr) == ("60000.0\n", "")


@installed
def test_what_is_kept_of_a_loop_depends_on_all_that_it_is_made_of():
    FAST(1)
    loops = sys.modules["fcframe_fast.loops"]
    functions = [found for found in vars(loops).values() if hasattr(found, "py_func")]
    assert len(functions) > 8
    assert {found.py_func.__code__.co_filename for found in functions} == {loops.__file__}
