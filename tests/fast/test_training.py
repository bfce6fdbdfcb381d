"""A whole training, the check of its kernels, and its thread pools."""

import sys

import numpy as np
import pytest

import fcframe
from fcframe import threads
from tests.fast import installed


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
    assert report.passed, report.failures
    assert min(calls.values()) > 10
    assert any("leaves this update to the optimizer's own code" in found.message for found in report)


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
