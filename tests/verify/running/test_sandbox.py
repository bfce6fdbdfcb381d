# ruff: noqa: NPY002, SIM105, T201
"""A stranger's code is called without harm: each misdeed is a failure that says so, and nothing is left of it."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import types
import warnings
from pathlib import Path

import numpy as np
import pytest

from fcframe.verify.running import sandbox
from fcframe.verify.running.sandbox import ExhaustedError, MisbehaviorError, TimeLimitError, guarded


def endless():
    while True:
        pass


def stubborn():
    while True:
        try:
            endless()
        except BaseException:
            pass


def stubborn_twice():
    while True:
        try:
            stubborn()
        except BaseException:
            continue


def stubborn_and_asleep():
    while True:
        try:
            time.sleep(5)
        except BaseException:
            np.ones(3).sum()


def late():
    try:
        endless()
    except BaseException:
        return "as if nothing were"


@pytest.mark.parametrize("function", [endless, stubborn, stubborn_twice, stubborn_and_asleep, late])
def test_what_loops_for_ever_is_ended_even_if_it_catches_everything(function, monkeypatch):
    monkeypatch.setattr(sandbox, "WALL_FACTOR", 3.0)
    start = time.monotonic()
    with pytest.raises(ExhaustedError, match=r"took longer than 0\.1 s"):
        guarded(function, seconds=0.1)
    assert time.monotonic() - start < 4
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_guard_within_a_guard_does_not_prolong_it():
    def inner():
        for _ in range(100):
            try:
                guarded(endless, seconds=0.05)
            except ExhaustedError:
                pass

    start = time.monotonic()
    with pytest.raises(ExhaustedError, match=r"0\.2 s"):
        guarded(inner, seconds=0.2)
    assert time.monotonic() - start < 3


def test_a_guard_whose_alarm_finds_no_gap_between_the_guards_within_it_is_not_prolonged():
    def loop(call):
        for _ in range(40):
            with contextlib.suppress(ExhaustedError):
                guarded(call, seconds=0.05)

    inner = types.FunctionType(loop.__code__, vars(sandbox))  # to the alarm it is the guard's own text
    start = time.monotonic()
    with pytest.raises(ExhaustedError, match=r"0\.2 s"):
        guarded(lambda: inner(endless), seconds=0.2)
    assert time.monotonic() - start < 1


def test_a_guard_in_another_thread_has_no_part_in_the_deadlines_of_the_first():
    found = []

    def outer():
        thread = threading.Thread(target=lambda: found.append(guarded(lambda: time.sleep(0.4) or 1)))
        thread.start()
        endless()

    with pytest.raises(ExhaustedError):
        guarded(outer, seconds=0.2)
    end = time.monotonic() + 10
    while not found and time.monotonic() < end:
        time.sleep(0.05)
    assert found == [1]


def test_an_interrupt_after_the_deadline_stays_one():
    def interrupted():
        time.sleep(0.15)
        raise KeyboardInterrupt

    def inner():
        sandbox.DEADLINES[0] = sandbox.Deadline(0.0, 0.0)  # over, and its alarm has found no gap
        guarded(interrupted)

    with pytest.raises(KeyboardInterrupt):
        guarded(inner, seconds=5)


def test_somebody_elses_alarm_still_rings():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        guarded(lambda: time.sleep(0.05), seconds=5)
        time.sleep(0.3)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert rung


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS bounds memory on Linux alone")
def test_a_hundred_gigabytes_are_refused():
    with pytest.raises(ExhaustedError, match="ran out of memory: Unable to allocate 100"):
        guarded(lambda: np.empty(100 * 2**30, np.uint8))


def recursion():
    return recursion()


def unlimited_recursion():
    sys.setrecursionlimit(50_000)


def moved():
    os.chdir("/")


def without_an_environment():
    os.environ.clear()


def deaf():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


MISDEEDS = {
    "printed 'hello\\n'": lambda: print("hello"),
    "printed 'past sys.stdout\\n'": lambda: os.write(1, b"past sys.stdout\n"),
    "printed 'another process\\n'": lambda: os.system("echo another process"),
    "printed 'on the original\\n'": lambda: print("on the original", file=sys.__stderr__),
    "left by sys.exit(3)": lambda: sys.exit(3),
    "changed NumPy's global random state; draw from ctx.rng alone": lambda: np.random.normal(),
    "changed the state of Python's random module; draw from ctx.rng alone": lambda: random.random(),
    "changed NumPy's error state; use `with np.errstate(...)`": lambda: np.seterr(all="ignore"),
    "changed Python's recursion limit": unlimited_recursion,
    "changed the current folder": moved,
    "changed the environment variables": without_an_environment,
    "changed the signal handlers": deaf,
}


def process():
    numpy = np.random.get_state()[1].tobytes(), np.geterr()
    python = random.getstate(), sys.getrecursionlimit()
    return *numpy, *python, Path.cwd(), dict(os.environ), signal.getsignal(signal.SIGINT)


def test_a_warning_is_noted_and_fails_nothing():
    warned = []

    def warns():
        warnings.warn("careful", stacklevel=1)
        return 5

    assert guarded(warns, warned=warned) == 5
    assert [line.partition(" (")[0] for line in warned] == ["UserWarning: careful"]


def test_a_check_means_the_same_whatever_numpys_error_state_is():
    warned = []
    with np.errstate(all="raise"):
        assert guarded(lambda: float(np.exp(np.float64(-1e9))), warned=warned) == 0.0
        assert guarded(lambda: float(np.exp(np.float64(1e9))), warned=warned) == np.inf
        assert np.geterr()["over"] == "raise"
    assert ["overflow" in line for line in warned] == [True]


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="there is no SIGSTOP here")
def test_a_process_that_is_stopped_for_longer_than_the_limit_fails_nothing():
    wake = f"import os, signal, time; time.sleep(0.6); os.kill({os.getpid()}, signal.SIGCONT)"

    def stopped():
        with subprocess.Popen([sys.executable, "-S", "-c", wake]):
            time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGSTOP)
        return 5

    assert guarded(stopped, seconds=0.2) == 5


def test_what_waits_without_computing_is_ended_by_the_clock(monkeypatch):
    monkeypatch.setattr(sandbox, "WALL_FACTOR", 3.0)
    start = time.monotonic()
    with pytest.raises(ExhaustedError):
        guarded(lambda: time.sleep(60), seconds=0.1)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("message", MISDEEDS)
def test_a_misdeed_is_told_and_undone(message, capfd):
    before = process()
    with pytest.raises(MisbehaviorError) as told:
        guarded(MISDEEDS[message])
    assert str(told.value) == message
    assert capfd.readouterr() == ("", "")
    assert before == process()


@pytest.mark.parametrize("made", [np.random.Philox, np.random.SFC64, np.random.PCG64])
def test_another_global_generator_is_put_back_too(made):
    before = np.random.get_bit_generator()
    np.random.set_bit_generator(made(5))
    try:
        first = np.random.normal()
        np.random.set_bit_generator(made(5))
        with pytest.raises(MisbehaviorError, match="global random state"):
            guarded(lambda: np.random.normal())
        assert np.random.normal() == first
        assert guarded(lambda: 5) == 5
    finally:
        np.random.set_bit_generator(before)


def test_what_was_printed_before_is_not_taken_for_the_components(capfd):
    print("before")
    assert guarded(lambda: 5) == 5
    print("after")
    assert capfd.readouterr().out == "before\nafter\n"


def test_endless_recursion_is_an_ordinary_error():
    with pytest.raises(RecursionError):
        guarded(recursion)


def interrupted():
    raise KeyboardInterrupt


def test_ctrl_c_passes_and_leaves_nothing_changed():
    with pytest.raises(KeyboardInterrupt):
        guarded(interrupted)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_outside_of_the_main_thread_all_but_the_time_is_guarded():
    told = []

    def work():
        try:
            guarded(lambda: print("hello"), seconds=0.01)
        except MisbehaviorError as fault:
            told.append(str(fault))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert told == ["printed 'hello\\n'"]


def test_no_except_exception_catches_the_time_limit():
    assert not issubclass(TimeLimitError, Exception)
