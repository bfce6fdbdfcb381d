"""Trainings at the same time take turns on the cores."""

import errno
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

import fcframe
from fcframe import threads
from fcframe.training import turns as module
from fcframe.training.turns import Turns, turns
from tests.cli.shell import experiment

ALL = threads.available()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    pytest.importorskip("fcntl")
    monkeypatch.setattr(module, "lock_folder", lambda: tmp_path / "locks")
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    (tmp_path / "locks").mkdir()
    return tmp_path / "locks"


@pytest.fixture
def training(folder):
    made = []

    def make(cores):
        made.append(Turns(cores, folder))
        return made[-1]

    yield make
    for taken in made:
        taken.close()


def elsewhere(folder):
    """Another process: it says that it is ready, takes all cores, says that it has them, and keeps them for a line."""
    code = (
        "import sys, pathlib; from fcframe.training.turns import Turns; print('ready', flush=True)\n"
        f"taken = Turns({ALL}, pathlib.Path({str(folder)!r})); taken.take(); print('mine', flush=True)\n"
        "sys.stdin.readline(); taken.give()"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_one_training_has_all_cores_and_another_waits(training):
    first, second = training(ALL), training(1)
    first.take()
    second.take()
    assert not first.over
    assert second.over


def test_cores_that_were_given_back_can_be_taken(training):
    first, second = training(ALL), training(ALL)
    first.take()
    first.give()
    second.take()
    assert not second.over


@pytest.mark.skipif(ALL == 1, reason="this process may use one core")
def test_trainings_that_need_a_core_each_run_beside_each_other(training):
    first, second, third = (training(1) for _ in range(3))
    first.take()
    second.take()
    assert not second.over
    if ALL == 2:
        third.take()
        assert third.over


def test_at_the_end_of_a_turn_the_one_who_waits_is_next(folder, monkeypatch):
    monkeypatch.setattr(module, "TURN", 0.0)
    monkeypatch.setattr(module, "PATIENCE", 30.0)
    with turns(ALL) as [mine]:
        other = elsewhere(folder)
        assert other.stdout.readline() == "ready\n"
        other.stdin.write("\n")
        other.stdin.flush()
        while other.poll() is None:
            mine()
        assert other.communicate()[0] == "mine\n"
        assert other.returncode == 0
        assert not mine.over


def test_a_process_that_is_killed_leaves_its_cores(folder):
    other = elsewhere(folder)
    assert [other.stdout.readline() for _ in range(2)] == ["ready\n", "mine\n"]
    other.kill()
    other.communicate()
    with turns(ALL) as [mine]:
        assert not mine.over


def test_a_training_inside_another_one_does_not_wait_for_it():
    with turns(ALL), turns(ALL) as inner:
        assert inner == []


def test_a_folder_that_cannot_be_had_means_no_turns(folder, monkeypatch):
    monkeypatch.setattr(module, "lock_folder", lambda: folder / "none" / "such")
    with turns(1) as found:
        assert found == []
    (folder / "link").symlink_to(folder)
    monkeypatch.setattr(module, "lock_folder", lambda: folder / "link")
    with turns(1) as found:
        assert found == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO])
@pytest.mark.parametrize("good", [0, 1, 5])
def test_where_locks_fail_a_training_goes_on_without_turns(folder, monkeypatch, number, good):
    real, calls = module.fcntl.flock, []

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) > good:
            raise OSError(number, "no locks here")
        return real(*arguments)

    monkeypatch.setattr(module.fcntl, "flock", fail)
    monkeypatch.setattr(module, "TURN", 0.0)
    run = fcframe.train(fcframe.load_spec(experiment()), share_cores=True)
    assert len(calls) > good
    assert len(run.history.losses) == 26


def test_a_training_takes_turns_only_where_it_is_told_to(folder):
    spec = fcframe.load_spec(experiment(training__epochs=1))
    fcframe.train(spec)
    assert list(folder.iterdir()) == []
    shared = fcframe.train(spec, share_cores=True)
    assert {path.name for path in folder.iterdir()} >= {"next"}
    assert shared.history.losses == fcframe.train(spec).history.losses


def test_a_training_from_python_takes_a_number_of_threads_and_gives_the_pools_back():
    spec = fcframe.load_spec(experiment())
    before = [pool["num_threads"] for pool in threadpool_info()]
    assert fcframe.train(spec, threads=ALL).threads == ALL
    assert fcframe.train(spec).threads == 1
    assert [pool["num_threads"] for pool in threadpool_info()] == before
    with pytest.raises(threads.ThreadsError, match=r"^threads: expected 1.*; got 0$"):
        fcframe.train(spec, threads=0)
