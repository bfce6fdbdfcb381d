"""The benchmarks' own logic, without a look at how fast anything is."""

import contextlib
import doctest
import itertools
import json
import math
import os
import signal
import socket
import sys

import numpy as np
import pytest

import fcframe
from benchmarks import (
    against,
    allocations,
    check,
    command,
    documents,
    goals,
    noise,
    report,
    rounds,
    startup,
    worker,
)
from benchmarks.contenders import CONTENDERS, REFERENCE, Contender
from benchmarks.noise import LostError, Noise, Reference, Turn
from benchmarks.process import CrashedError, Worker, answer_of
from benchmarks.rounds import Times
from benchmarks.worker import AbsentError
from benchmarks.workers import hand
from benchmarks.workloads import WORKLOADS, Workload


@pytest.mark.parametrize("module", [against, documents, noise, report, rounds], ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_hold(module):
    assert not doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed


@pytest.mark.parametrize("page", documents.PAGES, ids=lambda path: path.name)
def test_the_tables_in_the_documents_are_those_of_the_results_on_file(page):
    text = page.read_text(encoding="utf-8")
    assert documents.MARKED.search(text)
    assert documents.filled(text, documents.read()) == text


def test_the_results_name_no_machine_and_no_place_on_it():
    text = documents.FILE.read_text(encoding="utf-8")
    assert socket.gethostname() not in text
    assert str(documents.ROOT) not in text


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=lambda workload: workload.name)
def test_fcframe_builds_what_the_others_are_given(workload):
    network = fcframe.build(fcframe.load_spec(workload.spec()))
    shapes = [view.shape for name, view in network.params.items() if name.endswith(".W")]
    assert shapes == workload.shapes
    assert network.dtype == np.float32


# Rounds.

CALM, SHAKEN = Turn(1.0, 1.0, 1.0), Turn(1.0, 1.0, 9.0)


class Listed:
    """Work whose turns take what a list says, over and over."""

    def __init__(self, *seconds):
        self.seconds = itertools.cycle(seconds)

    def turn(self):
        return next(self.seconds)


def test_what_decides_whether_a_round_counts_is_the_reference_and_not_a_contender():
    slow = Turn(50.0, 1.0, 1.0)
    done = [{"a": CALM, "b": slow}, {"a": SHAKEN, "b": CALM}, {"a": slow, "b": CALM}]
    assert rounds.quiet_rounds(done, Reference(Listed(1.0, 1.0, 1.0, 9.0))) == [done[0], done[2]]


def test_an_hour_that_is_slow_throughout_is_noticed_where_it_is_known_how_quiet_the_machine_can_be():
    turns = {"a": Listed(3.0)}
    counted, noise = rounds.timed(turns, Reference(Listed(1.5)), 4, {})
    assert len(counted) == 4
    assert not noise.too_noisy
    counted, noise = rounds.timed(turns, Reference(Listed(1.5), quietest=1.0), 4, {})
    assert len(counted) == 1  # for who forces a report
    assert noise.too_noisy
    assert noise.quiet == 1.5


def test_how_quiet_a_machine_can_be_is_known_of_the_machine_on_file_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "FILE", tmp_path / "results.json")
    assert documents.quietest({"cores": 2}, {}) == math.inf
    documents.FILE.write_text(json.dumps({"machine": {"cores": 2}, "versions": {}, "reference_seconds": 0.008}))
    assert documents.quietest({"cores": 2}, {}) == 0.008
    assert documents.quietest({"cores": 4}, {}) == math.inf
    assert documents.quietest({"cores": 2}, {"numpy": "3"}) == math.inf


def test_commands_are_refused_on_a_noisy_machine(monkeypatch):
    calm, shaken = Reference(Listed(1.0)), Reference(Listed(1.0), quietest=0.5)
    monkeypatch.setattr(startup, "COMMANDS", {startup.BASE: ["-c", "0"], "other": ["-c", "0"]})
    for found, noisy in ((calm, False), (shaken, True)):
        monkeypatch.setattr(startup, "reference", lambda _, found=found: contextlib.nullcontext(found))
        rows, noise = startup.measure(2)
        assert noise.too_noisy == noisy
        assert len(rows) == 2  # also where somebody forces a report


def test_a_crash_of_the_reference_work_is_no_contenders_crash():
    class Ending(Listed):
        def turn(self):
            if (seconds := super().turn()) == math.inf:
                raise CrashedError("it ended")
            return seconds

    beside, crashed = Reference(Ending(*[1.0] * 21, math.inf)), {}  # the first 20 are its own
    with pytest.raises(LostError, match=r"^the reference work crashed: it ended$"):
        rounds.timed({"a": Listed(3.0)}, beside, 4, crashed)
    assert not crashed


@pytest.mark.parametrize("module", ["no_such_module", "json"], ids=["it does not start", "it is no work"])
def test_reference_work_that_does_not_start_is_no_traceback(module, monkeypatch):
    monkeypatch.setattr(noise, "REFERENCE", Contender("", module))
    with pytest.raises(LostError, match=r"^the reference work crashed: it ended: "), noise.reference():
        pass


def test_what_is_forced_is_printed_and_never_written(monkeypatch, capsys):
    def written(_results):
        raise AssertionError("written")

    def noisy(options):
        options.judge("startup", Noise(3, 3, 0.5, 3))
        return [{"name": startup.BASE, "seconds": 0.1, "ratio": 1.0}]

    monkeypatch.setattr(documents, "write", written)
    monkeypatch.setitem(command.PARTS, "startup", noisy)
    monkeypatch.setattr(sys, "argv", ["run.py", "--only", "startup", "--write"])
    assert command.main() == command.NOISY
    assert "too noisy to report; nothing is written" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["run.py", "--only", "startup", "--write", "--force"])
    assert command.main() == 0
    assert "3 of 3 rounds disturbed" in (said := capsys.readouterr().err)
    assert "--force: nothing is written" in said


def test_where_nobody_can_be_measured_that_is_said_and_not_that_it_is_noisy():
    with pytest.raises(AbsentError, match="nobody to measure: absent cannot run here"):
        rounds.measure({"absent": Contender("", "reference", packages=("no-such-distribution",))}, "step", "", 1, 1)


def test_too_few_undisturbed_rounds_are_too_noisy():
    assert Noise(rounds=30, disturbed=21, spread=0.1, wanted=10).too_noisy
    assert not Noise(rounds=30, disturbed=20, spread=0.1, wanted=10).too_noisy


def test_ratios_are_medians_of_paired_ratios():
    seconds = {"fcframe": [1.0, 2.0, 9.0], "plain": [2.0, 4.0, 9.0]}
    times = Times(seconds, {"fcframe": "", "plain": ""}, {}, {}, {}, Noise(3, 0, 0.0, 3))
    assert times.summary(("fcframe",))["ratios"] == {"fcframe": {"plain": 0.5}}


def test_a_contender_that_is_not_installed_or_crashes_is_reported_and_the_others_are_measured():
    contenders = {
        "there": REFERENCE,
        "absent": Contender("", "reference", packages=("no-such-distribution",)),
        "broken": Contender("", "no_such_file", packages=("numpy",)),
    }
    said = []
    times = rounds.measure(contenders, "step", "", 1, 1, say=said.append)
    assert times.absent == {"absent": "no-such-distribution is not installed"}
    assert "No module named 'benchmarks.workers.no_such_file'" in times.crashed["broken"]
    assert list(times.seconds) == ["there"]
    assert len(said) == 2


def test_a_worker_that_ends_while_it_is_measured_crashes():
    with Worker(REFERENCE, "step", "") as worker:
        os.killpg(worker.pid, signal.SIGKILL)
        with pytest.raises(CrashedError, match="it ended"):
            worker.turn()


def test_a_turn_of_whole_epochs_is_divided_by_the_steps_that_it_did(monkeypatch):
    done = []
    monkeypatch.setattr(worker.time, "perf_counter", lambda: float(sum(done)))  # a step takes a second
    assert worker.Ready(done.append, whole=8).timed(3, 10) == 1.0
    assert done == [8, 16]


def test_kernels_that_are_not_there_leave_fcframe_out():
    contender = Contender("", "framework", {"FCFRAME_KERNELS": "no_such_kernels"}, packages=("fcframe",))
    with pytest.raises(AbsentError, match="no_such_kernels"):
        Worker(contender, "step", "W1")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_text_written_for_speed_computes_what_fcframe_does(optimizer):
    workload = Workload("tiny", (6, 5, 5, 4), 8, optimizer, steps=1)
    spec = fcframe.load_spec(workload.spec())
    network, update = fcframe.build(spec), spec.training.optimizer.update
    slots = {name: {slot: np.zeros_like(w) for slot in ("m", "v")} for name, w in network.params.items()}
    for index, (W, b) in enumerate(workload.weights(), start=1):
        network.params[f"affine{index}.W"], network.params[f"affine{index}.b"] = W, b
    X, y = workload.data()
    by_hand = hand.minibatch(workload, X, y)
    for step in range(1, 4):
        loss, grads = network.loss(X, y)
        assert by_hand() == pytest.approx(loss, rel=1e-6)
        for name, w in network.params.items():
            update(w, grads[name], slots[name], fcframe.Step(step, workload.rate))


# What else is measured.


def test_an_allocation_is_seen_though_it_is_freed_at_once():
    def function():
        small = np.zeros(10)
        small += np.zeros(200_000).sum()
        return small

    found = allocations.watched(function)
    assert 1_500_000 < found["bytes"] < 1_700_000
    assert found["where"].startswith("test_suite.py:")


def test_a_large_spec_is_parsed_and_built():
    found = answer_of("large_spec", "11", {})
    assert found["parse_ms"] > 0
    assert found["build_ms"] > 0


def test_a_module_that_fails_is_a_crash():
    with pytest.raises(CrashedError, match="large_spec"):
        answer_of("large_spec", "many", {})


# Goals, and the check for CI.


def test_a_goal_is_held_missed_or_not_measured():
    ratios = {"fcframe": {"jax": 0.9, "torch": 0.2}}
    judged = {goal["goal"]: goal["held"] for goal in goals.judged({"step": {"W1": {"ratios": ratios}}})}
    assert judged["W1, default / JAX"] is False
    assert judged["W1, default / torch eager"] is True
    assert judged["W1, `fast` / JAX"] is None


def test_figures_of_two_machines_are_not_mixed():
    old = {"machine": {"cores": 2}, "versions": {}, "step": {}}
    with pytest.raises(documents.MixedError, match="machine"):
        documents.merged(old, {"machine": {"cores": 4}, "versions": {}})
    new = {"machine": {"cores": 2}, "versions": {}, "step": {"W1": {}}, "startup": []}
    assert documents.merged(old | {"step": {"W2": {}}}, new) == new | {"step": {"W1": {}, "W2": {}}}


@pytest.mark.parametrize(
    ("plain", "noise", "crashed", "code", "said"),
    [
        (1.0, Noise(10, 0, 0.0, 10), {}, 0, "held"),
        (0.5, Noise(10, 0, 0.0, 10), {}, 1, "TOO SLOW"),
        (0.5, Noise(30, 25, 0.5, 10), {}, 0, "NOT CHECKED"),
        (1.0, Noise(10, 0, 0.0, 10), {"fcframe": "it ended"}, 1, ""),
    ],
)
def test_the_check_for_ci(monkeypatch, plain, noise, crashed, code, said):
    seconds = {"products": [0.2] * 10, "plain": [plain] * 10, "fcframe": [0.6] * 10}
    times = Times(seconds, dict.fromkeys(seconds, ""), {}, {}, crashed, noise)
    monkeypatch.setattr(check, "measure", lambda *_, **__: times)
    lines = []
    assert check.main(10, lines.append) == code
    assert said in "\n".join(lines)


# Two checkouts.


@pytest.fixture
def checkout(tmp_path):
    """A folder that looks like a checkout of another version, whose step takes no time."""
    project = '[project]\nname = "fcframe"\nversion = "0.0.1"\n[project.entry-points.fcframe]\nold = "old_components"\n'
    files = {
        "pyproject.toml": project,
        "fcframe/__init__.py": "",
        "plugins/old_components.py": "",
        "benchmarks/__init__.py": "",
        "benchmarks/workers/__init__.py": "",
        "benchmarks/workers/framework.py": """
import importlib.metadata, fcframe, old_components
from benchmarks.worker import Ready
def step(workload):
    points = [point.value for point in importlib.metadata.entry_points(group="fcframe")]
    return Ready(lambda steps: None, note=f"{points} {importlib.metadata.version('fcframe')}")
""",
    }
    for name in ("worker", "workloads"):
        files[f"benchmarks/{name}.py"] = (documents.ROOT / "benchmarks" / f"{name}.py").read_text()
    for name, text in files.items():
        path = tmp_path / "old" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "old"


def test_another_checkout_runs_its_own_files_with_its_own_plugins(checkout, tmp_path):
    against.announce(checkout, tmp_path / "facts")
    with Worker(against.within(CONTENDERS["fcframe"], checkout, tmp_path / "facts"), "step", "W1") as worker:
        assert worker.note == "['old_components'] 0.0.1"


@pytest.mark.parametrize(("now", "code"), [(1.01, 0), (1.03, 1)])
def test_a_checkout_that_is_slower_than_another_one_is_told(monkeypatch, capsys, checkout, now, code):
    seconds = {"now": [now, 9.0, now], "before": [1.0, 9.0 / now, 1.0]}
    times = Times(seconds, dict.fromkeys(seconds, ""), {}, {}, {}, Noise(3, 0, 0.0, 3))
    monkeypatch.setattr(against, "measure", lambda *_, **__: times)
    assert against.main(checkout, ["W1", "W3"], ["fcframe"], 3, say=lambda _: None) == code
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [f"| {now:.3f} |" in row for row in rows] == [True, True]


def test_a_folder_that_is_no_checkout_is_told_in_a_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["run.py", "--against", str(tmp_path)])
    with pytest.raises(SystemExit):
        command.main()
    assert f"--against: {tmp_path} is no checkout of fcframe" in capsys.readouterr().err


def test_every_contender_has_a_file():
    folder = documents.ROOT / "benchmarks" / "workers"
    assert all((folder / f"{contender.module}.py").exists() for contender in CONTENDERS.values())
