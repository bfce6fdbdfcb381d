"""Signals, full disks and readers that go away: real processes, and nothing of a user's or of a result is lost."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.shell import ENVIRONMENT, SCRIPT, experiment, fcframe, started, tree, write
from tests.verify import plugins

LONG = experiment(training__epochs=1_000_000)
EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
WRITTEN = ["evaluations.csv", "losses.csv", "parameters.npz", "spec.json", "summary.json"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def listener(tmp_path, body):
    """A plugin that listens to every training; the value is the environment in which it is found."""
    text = "import os, signal, sys, time, pathlib\nimport fcframe\n\n" + body
    plugins.install(tmp_path / "site", "mine", text)
    return {"PYTHONPATH": str(tmp_path / "site")}


# While training


@pytest.mark.parametrize("number", EXIT_CODES)
def test_a_signal_ends_a_training_with_a_line_and_its_exit_code_and_leaves_nothing(tmp_path, number):
    write(tmp_path / "long.json", LONG)
    before = tree(tmp_path)
    process = started("train", "long.json", "--out", "ot", cwd=tmp_path)
    next(process.stdout)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("\n")) == (EXIT_CODES[number], 1)
    assert err.startswith("fcframe: interrupted at iteration ")
    assert tree(tmp_path) == before


def test_a_second_signal_right_after_the_first_does_not_interrupt_the_clean_up(tmp_path):
    write(tmp_path / "long.json", LONG)
    before = tree(tmp_path)
    process = started("train", "long.json", cwd=tmp_path)
    next(process.stdout)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert err.count("\n") == 1
    assert process.returncode in EXIT_CODES.values()
    assert tree(tmp_path) == before


def test_under_nohup_a_hangup_changes_nothing(tmp_path):
    write(tmp_path / "long.json", LONG)
    process = subprocess.Popen(
        ["nohup", SCRIPT, "train", "long.json"],
        cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    next(process.stdout)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143


def test_the_user_s_files_in_the_folder_survive_an_interrupt(tmp_path):
    write(tmp_path / "long.json", LONG)
    process = started("train", "long.json", "--out", "run", cwd=tmp_path)
    next(process.stdout)
    (tmp_path / "run" / "checkpoints").mkdir()
    (tmp_path / "run" / "checkpoints" / "1.npz").write_text("mine")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert tree(tmp_path / "run") == {"checkpoints": None, "checkpoints/1.npz": b"mine"}


# At the end


@pytest.mark.parametrize("number", EXIT_CODES)
def test_a_signal_after_the_last_update_costs_no_result(tmp_path, number):
    environment = listener(
        tmp_path,
        "@fcframe.hookimpl\ndef fcframe_epoch_end(training):\n"
        "    if training.epoch == training.epochs:\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "        time.sleep(0.1)\n",
    )
    write(tmp_path / "short.json", experiment())
    done = fcframe("train", "short.json", "--out", "run", cwd=tmp_path, **environment)
    assert (done.code, done.err) == (0, "")
    assert names(tmp_path / "run") == WRITTEN


def test_an_observer_that_fails_at_the_end_costs_no_result(tmp_path):
    environment = listener(
        tmp_path, "@fcframe.hookimpl\ndef fcframe_training_end():\n    raise OSError(5, 'tracker is gone')\n"
    )
    write(tmp_path / "short.json", experiment())
    fcframe("train", "short.json", "--out", "run", cwd=tmp_path, **environment)
    assert names(tmp_path / "run") == WRITTEN


# Output that cannot be written


def test_a_log_on_a_full_disk_ends_no_training(tmp_path):
    write(tmp_path / "short.json", experiment())
    with Path("/dev/full").open("w") as full:
        process = started("train", "short.json", "--print-every", 1, "--out", "run", cwd=tmp_path, stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == "fcframe: note: standard output: No space left on device; run: run\n"
    assert names(tmp_path / "run") == WRITTEN


def test_json_that_cannot_be_printed_is_an_error_and_the_run_is_there(tmp_path):
    write(tmp_path / "short.json", experiment())
    with Path("/dev/full").open("w") as full:
        process = started("train", "short.json", "--json", "--out", "run", cwd=tmp_path, stdout=full)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (2, "fcframe: standard output: No space left on device\n")
    assert names(tmp_path / "run") == WRITTEN


def test_a_reader_that_has_seen_enough_ends_no_training(tmp_path):
    write(tmp_path / "short.json", experiment(training__epochs=20))
    command = f"'{SCRIPT}' train short.json --print-every 1 --out run | head -1"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
    assert names(tmp_path / "run") == WRITTEN


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_outputs_end_no_training(tmp_path, closed):
    write(tmp_path / "short.json", experiment())
    command = f"'{SCRIPT}' train short.json --out run {closed}"
    assert subprocess.run(["sh", "-c", command], cwd=tmp_path, env=ENVIRONMENT).returncode == 0
    assert names(tmp_path / "run") == WRITTEN


# Runs that cannot be written


def test_a_run_that_the_disk_has_no_room_for_is_told_and_what_fits_is_kept(tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))

    (tmp_path / "temporary").mkdir()
    write(tmp_path / "short.json", experiment())
    process = subprocess.Popen(
        [SCRIPT, "train", "short.json", "--out", "new/run"], cwd=tmp_path, text=True, preexec_fn=small_files,
        env=ENVIRONMENT | {"TMPDIR": str(tmp_path / "temporary"), "HOME": str(tmp_path / "temporary")},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.count("\n") == 1
    assert "new/run: the run could not be written: File too large; files that could be saved: " in err
    assert "summary.json" in err
    assert not (tmp_path / "new").exists()
    kept = [path for path in tmp_path.rglob("summary.json") if str(path.parent) in err]
    assert kept
    assert all(json.loads(path.read_text())["steps"] == 26 for path in kept)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts a file system")
def test_a_run_on_a_full_file_system_is_kept_in_the_temporary_folder(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", small], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        (tmp_path / "temporary").mkdir()
        layers = [{"type": "affine", "units": 300}, {"type": "affine", "units": 10}]
        write(tmp_path / "short.json", experiment(network__layers=layers))
        done = fcframe("train", "short.json", "--out", "small/run", cwd=tmp_path, TMPDIR=str(tmp_path / "temporary"))
        assert done.code == 2
        (kept,) = (tmp_path / "temporary").iterdir()
        assert "small/run: the run could not be written: No space left on device; " in done.err
        assert f"files that could be saved: {kept} (parameters.npz, " in done.err
        assert names(kept) == WRITTEN
        assert names(small) == []
    finally:
        subprocess.run(["umount", small], check=True)


# Ctrl-C elsewhere


def test_python_m_fcframe_is_the_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "fcframe", "--version"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("fcframe, version ")
