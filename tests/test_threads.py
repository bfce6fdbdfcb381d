"""How many threads there are to be: what is asked for, what the machine gives, and what is worth it."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from fcframe import threads

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in (threads.VARIABLE, *threads.LIBRARIES):
        monkeypatch.delenv(name, raising=False)


def on_one_core(code, **environment):
    """What Python prints, in a process that may run on one core."""
    code = f"import os; os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}}); {code}"
    plain = {name: value for name, value in os.environ.items() if name not in (threads.VARIABLE, *threads.LIBRARIES)}
    done = subprocess.run([sys.executable, "-c", code], env=plain | environment, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_by_default_there_are_as_many_as_cores():
    assert threads.count() == threads.available() <= CORES


@affinity
def test_a_process_that_may_run_on_one_core_has_one():
    assert on_one_core("from fcframe import threads; print(threads.count())") == "1\n"


@affinity
def test_on_one_core_more_are_refused():
    said = on_one_core("from fcframe import threads; threads.count()", FCFRAME_THREADS="2")
    assert said.endswith("FCFRAME_THREADS: expected 1, as this process may use one core; got '2'\n")


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, CORES),
        ("0::/\n", {"cpu.max": "100000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": f"{CORES * 100000 - 50000} 100000\n"}, CORES),
        ("0::/a/b\n", {"a/cpu.max": "100000 100000\n", "a/b/cpu.max": "max 100000\n"}, 1),
        ("0::/gone\n", {"cpu.max": "100000 100000\n"}, 1),
        ("3:cpu,cpuacct:/a\n", {"cpu/a/cpu.cfs_quota_us": "100000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 1),
        ("3:cpu,cpuacct:/a\n", {"cpu/a/cpu.cfs_quota_us": "-1\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, CORES),
        ("4:memory:/a\n", {"cpu/a/cpu.cfs_quota_us": "1\n", "cpu/a/cpu.cfs_period_us": "1\n"}, CORES),
        ("not a list of groups", {"cpu.max": "100000 100000\n"}, CORES),
        ("0::/\n", {"cpu.max": "what is this\n"}, CORES),
        ("0::/\n", {"cpu.max": "0 0\n"}, CORES),
    ],
)
def test_a_quota_of_the_control_groups_counts(tmp_path, own, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "own").write_text(own)
    assert threads.available(groups=tmp_path, own=tmp_path / "own") == expected


def test_the_variable_says_how_many(monkeypatch):
    monkeypatch.setenv(threads.VARIABLE, " 1 ")
    assert threads.count() == 1


@pytest.mark.parametrize("text", ["0", "-1", "abc", "1.5", "1e3", "²", f"{CORES + 1}", "9" * 5000, "0" * 19 + "1999"])
def test_a_variable_that_is_no_number_of_threads_is_refused_by_name(monkeypatch, text):
    monkeypatch.setenv(threads.VARIABLE, text)
    with pytest.raises(threads.ThreadsError, match=r"^FCFRAME_THREADS: expected 1.*core.*; got '") as refused:
        threads.count()
    assert len(str(refused.value)) < 200


def test_an_empty_variable_says_nothing(monkeypatch):
    monkeypatch.setenv(threads.VARIABLE, "")
    assert threads.count() == threads.available()


def test_a_number_with_more_digits_than_python_writes_is_refused():
    with pytest.raises(threads.ThreadsError, match=r"^threads: expected 1.*; got ") as refused:
        threads.number(10**5000)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("wanted", [0, -1, True, "abc", CORES + 1])
def test_what_is_asked_for_is_checked(wanted):
    with pytest.raises(threads.ThreadsError, match=f"^here: .*; got .?{wanted}"):
        threads.number(wanted, where="here")


@pytest.mark.parametrize("name", threads.LIBRARIES)
def test_the_default_is_no_more_than_what_a_library_was_told(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert threads.count() == 1
    assert threads.number(threads.available()) == threads.available()


@pytest.mark.parametrize("text", ["1,1", " 1 , 4", "1,"])
def test_of_a_list_of_numbers_the_first_counts_as_it_does_for_openmp(monkeypatch, text):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert threads.count() == 1


@pytest.mark.parametrize("text", ["9" * 5000, "0", "", "many", ",1", "²"])
def test_a_library_told_something_else_says_nothing(monkeypatch, text):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert threads.count() == threads.available()


def test_small_products_get_one_thread_unless_somebody_asks_for_more(monkeypatch):
    assert threads.number(largest=threads.MIN_MULTIPLICATIONS - 1) == 1
    assert threads.number(largest=threads.MIN_MULTIPLICATIONS) == threads.available()
    monkeypatch.setenv(threads.VARIABLE, str(threads.available()))
    assert threads.number(largest=1) == threads.available()


def test_a_limit_holds_in_its_block_for_all_thread_pools(monkeypatch):
    np.ones(1) @ np.ones(1)
    before = [pool["num_threads"] for pool in threadpool_info()]
    with threads.limited(1):
        assert threads.count() == threads.number(largest=10**12) == 1
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}
    assert [pool["num_threads"] for pool in threadpool_info()] == before
    with pytest.raises(threads.ThreadsError, match=r"^threads: "), threads.limited(0):
        pass


def pools():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


class Held:
    """A Python thread of its own that holds a limit until it is told to let go."""

    def __init__(self, count):
        self._holds, self._enough = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold, args=(count,))
        self._thread.start()
        assert self._holds.wait(10)

    def _hold(self, count):
        with threads.limited(count):
            self._holds.set()
            self._enough.wait(10)

    def end(self):
        self._enough.set()
        self._thread.join(10)


@pytest.mark.parametrize("first", [0, 1], ids=["the first ends first", "the second ends first"])
def test_after_limits_in_two_python_threads_the_thread_pools_have_theirs_back(first):
    with threadpool_limits(2):
        before = pools()
        held = [Held(1), Held(1)]
        held.pop(first).end()
        assert pools() == {1}
        held.pop().end()
        assert pools() == before


@pytest.mark.skipif(CORES < 2, reason="there is one number of threads")
def test_of_several_limits_the_newest_holds():
    with threadpool_limits(1):
        first = Held(2)
        second = Held(1)
        assert pools() == {1}
        second.end()
        assert pools() == {2}
        first.end()
        assert pools() == {1}
        with threads.limited(1), threads.limited(2):
            assert pools() == {2}


def test_counting_loads_neither_numpy_nor_threadpoolctl():
    code = (
        "import sys; from fcframe import threads; threads.count(); print({'numpy', 'threadpoolctl'} & {*sys.modules})"
    )
    assert on_one_core(code) == "set()\n"
