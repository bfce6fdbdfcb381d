"""Compiling: what is kept for later runs, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from tests.fast import FAST, installed


@pytest.fixture
def compiling():
    if FAST.lacks():
        pytest.skip(f"the extra fast: {FAST.lacks()}")
    FAST(1)
    return sys.modules["fcframe_fast.compiling"]


def test_ctrl_c_while_a_loop_is_compiled_happens_when_it_is(compiling, monkeypatch):
    finished = []
    found = compiling.loop()(lambda x: x)
    found._cache.load_overload = lambda *_: None  # else that of an earlier run is not compiled
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


def double(x):
    for i in range(len(x)):
        x[i] *= 2


class Kept:
    """A function that is compiled, or loaded where an earlier object left it."""

    def __init__(self, make, folder):
        self.make, self.folder = make, folder

    def compiled(self):
        """Whether it had to be compiled; that it works is checked."""
        call, hits = self.make()
        x = np.arange(5.0)
        call(x)
        assert x.tolist() == [0, 2, 4, 6, 8]
        return not hits()

    def files(self):
        return sorted(path for path in self.folder.rglob("*") if path.suffix in (".nbi", ".nbc"))


@pytest.fixture(params=["loop", "generated"])
def kept(compiling, request, tmp_path, monkeypatch):
    numba = pytest.importorskip("numba")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    text = "def double(x, n):\n    a = carray(x, n)\n    for i in range(n):\n        a[i] *= 2\n"

    def loop():
        found = compiling.loop()(double)
        return found, lambda: sum(found.stats.cache_hits.values())

    def generated():
        types = numba.types
        arguments = types.CPointer(types.float64), types.int64
        found = compiling.c_function(text, "double", {"carray": numba.carray}, arguments, types.void)
        return lambda x: found.ctypes(x.ctypes.data_as(found.ctypes.argtypes[0]), len(x)), lambda: found._cache_hits

    return Kept({"loop": loop, "generated": generated}[request.param], tmp_path)


def test_what_is_compiled_is_loaded_the_next_time(kept):
    assert kept.compiled()
    assert [path.suffix for path in kept.files()] == [".nbc", ".nbi"]
    assert not kept.compiled()


DAMAGES = {
    "empty": lambda content: b"",
    "its first half": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "zeros": lambda content: bytes(len(content)),
    "zeros in the middle": lambda content: (
        content[: len(content) // 2] + bytes(200) + content[len(content) // 2 + 200 :]
    ),
    "another bit": lambda content: content[:300] + bytes([content[300] ^ 4]) + content[301:],
    "text": lambda content: b"no machine code" * 100,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_cache_file_is_compiled_and_written_again(kept, suffix, damage):
    kept.compiled()
    for path in kept.files():
        if path.suffix == suffix:
            path.write_bytes(damage(path.read_bytes()))
    assert kept.compiled()
    assert not kept.compiled()


def test_a_cache_file_that_numba_wrote_itself_is_not_read(kept):
    kept.compiled()
    for path in kept.files():
        path.write_bytes(path.read_bytes()[:-32])
    assert kept.compiled()


def test_a_cache_that_cannot_be_written_or_read_is_no_error(kept, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert kept.compiled()
    assert kept.compiled()
    for path in kept.files():
        path.unlink()
        path.mkdir()
    assert kept.compiled()


@installed
def test_a_later_training_compiles_nothing_and_one_with_a_damaged_cache_goes_as_before(tmp_path):
    code = """
import fcframe
layers = [{"type": "affine", "units": 1100}, {"type": "relu"}, {"type": "affine", "units": 10}]
run = fcframe.train(fcframe.load_spec({
    "network": {"input": [64], "layers": layers, "loss": {"type": "softmax"}}, "data": {"type": "digits"},
    "training": {"optimizer": {"type": "adam"}, "epochs": 1, "batch_size": 200},
}), kernels="fast")
print(run.network.params.flat.sum())
"""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DEBUG_CACHE": "1"}
    outputs, saved = [], []
    for turn in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert not done.stderr
        outputs.append(done.stdout.splitlines()[-1])
        saved.append(done.stdout.count("data saved to"))
        if turn == 1:
            for path in tmp_path.rglob("*.nb*"):
                path.write_bytes(path.read_bytes()[:100])
    assert saved[0] == saved[2] > 3
    assert saved[1] == 0
    assert len(set(outputs)) == 1
