"""`--threads` and FCFRAME_THREADS: what a training says and writes, and how bad numbers are answered."""

import json
import os
import subprocess

import numpy as np
import pytest

from fcframe import threads
from tests.cli.shell import ENVIRONMENT, experiment, fcframe, started, tree, write

CORES = threads.available()
WIDE = experiment(network__layers=[{"type": "affine", "units": 600}, {"type": "affine", "units": 10}],
                  training__epochs=1, training__batch_size=100)  # fmt: skip


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in threads.LIBRARIES:
        monkeypatch.delitem(ENVIRONMENT, name, raising=False)


def used(folder, document, *options, **environment):
    """The number of threads that a run's folder says it had."""
    spec = write(folder / "spec.json", document)
    done = fcframe("train", spec, "--out", folder / "run", "--json", *options, cwd=folder, **environment)
    assert done.code == 0, done.err
    assert json.loads((folder / "run" / "summary.json").read_text())["threads"] == done.json["threads"]
    return done.json["threads"]


def test_a_network_of_small_products_has_one_thread(tmp_path):
    assert used(tmp_path, experiment()) == 1


def test_a_network_of_large_products_has_one_a_core(tmp_path):
    assert used(tmp_path, WIDE) == CORES


@pytest.mark.parametrize("document", [experiment(), WIDE], ids=["small", "large"])
def test_the_option_goes_before_the_variable_and_the_variable_before_the_default(tmp_path, document):
    assert used(tmp_path, document, FCFRAME_THREADS="1") == 1
    (tmp_path / "again").mkdir()
    assert used(tmp_path / "again", document, "--threads", CORES, FCFRAME_THREADS="1") == CORES


def test_with_a_library_told_to_have_one_thread_so_has_the_training(tmp_path):
    assert used(tmp_path, WIDE, OPENBLAS_NUM_THREADS="1") == 1


def test_the_same_number_of_threads_gives_the_same_bytes(tmp_path):
    (tmp_path / "again").mkdir()
    for folder in (tmp_path, tmp_path / "again"):
        used(folder, WIDE)
    assert tree(tmp_path / "run") == tree(tmp_path / "again" / "run")


@pytest.mark.parametrize(
    ("command", "text"),
    [
        *((["train", "spec.json"], text) for text in ("0", "-1", "abc", "", str(CORES + 1))),
        (["gradcheck", "relu"], "0"),
    ],
)
def test_a_bad_number_is_answered_with_a_line_that_names_its_place(tmp_path, command, text):
    write(tmp_path / "spec.json", experiment())
    before = tree(tmp_path)
    asked = fcframe(*command, f"--threads={text}", cwd=tmp_path)
    assert asked.code == 2
    assert asked.err.startswith("fcframe: --threads: expected 1")
    assert asked.err.endswith(f"; got {text!r}\n")
    if text:
        told = fcframe(*command, cwd=tmp_path, FCFRAME_THREADS=text)
        assert told.code == 2
        assert told.err == asked.err.replace("--threads", "FCFRAME_THREADS")
    assert tree(tmp_path) == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_on_one_core_a_training_has_one_thread_and_more_are_refused(tmp_path):
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
    try:
        assert used(tmp_path, WIDE) == 1
        refused = fcframe("train", "spec.json", "--threads", "2", cwd=tmp_path)
    finally:
        os.sched_setaffinity(0, everywhere)
    assert refused.code == 2
    assert refused.err == "fcframe: --threads: expected 1, as this process may use one core; got '2'\n"


def test_two_trainings_at_once_give_what_each_gives_alone(tmp_path):
    write(tmp_path / "spec.json", WIDE)
    running = [
        started("train", "spec.json", "--out", f"run{i}", cwd=tmp_path, stdout=subprocess.DEVNULL) for i in (1, 2)
    ]
    for process in running:
        process.communicate(timeout=60)
        assert process.returncode == 0
    alone = fcframe("train", "spec.json", "--out", "alone", cwd=tmp_path)
    assert alone.code == 0
    assert tree(tmp_path / "run1") == tree(tmp_path / "run2") == tree(tmp_path / "alone")
    assert np.isfinite(np.loadtxt(tmp_path / "alone" / "losses.csv", delimiter=",", skiprows=1)).all()


def test_checking_gradients_takes_the_option(tmp_path):
    assert fcframe("gradcheck", "relu", "--threads", CORES, cwd=tmp_path).code == 0
