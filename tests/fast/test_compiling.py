"""Compiled loops: what is kept of them, and Ctrl-C; LLVM calls Python back, and what is raised there is lost."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from tests.fast import FAST, installed


@pytest.fixture
def compiling(kernels):
    return sys.modules["fcframe_fast.compiling"]


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
