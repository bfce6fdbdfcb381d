"""Bad input: one clear line, exit code 2, no traceback, and nothing half-written stays."""

import itertools
import json
import os
import pickle
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from tests.cli.shell import Terminal, experiment, fcframe, started, tree, write
from tests.verify import plugins

TRUNCATED = json.dumps(experiment()).partition("epochs")[0] + "epo"
LAYERS = [{"type": "affine", "units": 10}, {"type": "relu"}, {"type": "affine", "units": 10}]
BAD_SPECS = {
    "empty": ("", "bad.json: the file is empty, expected a JSON object"),
    "not JSON": ("epochs = 3", "bad.json:1:1: not JSON: Expecting value"),
    "truncated": (
        TRUNCATED,
        f"bad.json:1:{len(TRUNCATED) - 3}: the JSON text ends too early: Unterminated string starting here",
    ),
    "a key twice": (
        json.dumps(experiment()).replace('"units": 10', '"units": 10, "units": 20'),
        "bad.json: network.layers[0].units: this key occurs more than once",
    ),
    "10 MB": (
        json.dumps(experiment(name="x" * 10_000_000)),
        "bad.json: more than 2,000,000 characters; a spec describes data, it does not contain it",
    ),
    "10,000 layers inside each other": (
        '{"layers": [' * 10_000 + "]}" * 10_000,
        "bad.json: brackets nest deeper than 100; put layers side by side rather than inside each other",
    ),
    "10^12 units": (
        json.dumps(experiment(network__layers=[{"type": "affine", "units": 10**12}])),
        "bad.json: network.layers[0]: affine needs 236.5 TB of parameters, for an input of shape (64,); "
        "4.0 GB are allowed (FCFRAME_MAX_BYTES)",
    ),
    "unknown key": (
        json.dumps(experiment(training__epoch=3)),
        "bad.json: training.epoch: unknown key. Did you mean 'epochs'? "
        "Known keys: batch_size, epochs, evaluation, observers, optimizer, sampling, schedule, seed",
    ),
    "wrong type": (
        json.dumps(experiment(training__epochs="3")),
        'bad.json: training.epochs: expected an integer, got "3"',
    ),
    "negative width": (
        json.dumps(experiment(network__layers=[{"type": "affine", "units": -1}])),
        "bad.json: network.layers[0].units: expected a number greater than 0, got -1",
    ),
    "NaN": (
        json.dumps(experiment(training__optimizer__learning_rate=float("nan"))),
        "bad.json: training.optimizer.learning_rate: expected a finite number up to 1.8e308, got NaN",
    ),
    "no layers": (
        json.dumps(experiment(network__layers=[])),
        "bad.json: network.layers: expected a list of 1 or more items, got []",
    ),
    "nothing to train on": (
        json.dumps(experiment()["network"]),
        "bad.json: a network spec alone cannot be trained: an experiment spec has network, data and training",
    ),
    "an input that the data does not have": (
        json.dumps(experiment(network__input=[65])),
        "bad.json: network.input: the network takes examples of shape (65,), the data has (8, 8)",
    ),
    "fewer scores than classes": (
        json.dumps(experiment(network__layers=[{"type": "affine", "units": 5}])),
        re.compile(
            r"bad\.json: data: row \d+ of the source: there is no score for the label '\d': the data has 10 classes "
            r"\('0', '1', .*, '9'\), and the network gives 5 scores an example; correct the labels, .*"
        ),
    ),
    "a learning rate that diverges": (
        json.dumps(experiment(network__layers=LAYERS, training__optimizer__learning_rate=1e30)),
        re.compile(r"training diverged: .*learning_rate \(now 1e\+30\), or inputs of a smaller scale"),
    ),
    "a schedule that watches what is not measured": (
        json.dumps(experiment(training__schedule={"type": "reduce_on_plateau", "watch": "val_r2"})),
        re.compile(r"bad\.json: training\.schedule: .* watches 'val_r2', which is never measured; measured: .*"),
    ),
}


def refused(folder, *arguments, message, **environment):
    """Runs a command that must refuse, in a folder that must stay as it is."""
    before = tree(folder)
    done = fcframe(*arguments, cwd=folder, **environment)
    assert done.code == 2
    assert done.err.startswith("fcframe: ")
    assert done.err.endswith("\n")
    (line,) = done.err.removesuffix("\n").split("\n")
    if isinstance(message, str):
        assert line == f"fcframe: {message}"
    else:
        assert message.fullmatch(line.removeprefix("fcframe: ")), line
    assert tree(folder) == before
    return done


@pytest.mark.parametrize("case", BAD_SPECS)
def test_a_bad_spec_is_refused(case, tmp_path):
    text, message = BAD_SPECS[case]
    (tmp_path / "bad.json").write_text(text, encoding="utf-8")
    refused(tmp_path, "train", "bad.json", "--out", "a/new/folder", message=message)


@pytest.mark.parametrize("command", ["train", "check", "show"])
def test_a_missing_file_is_refused(command, tmp_path):
    refused(tmp_path, command, "missing.json", message="missing.json: there is no such file")


def test_a_folder_is_no_spec(tmp_path):
    refused(tmp_path, "show", ".", message=".: this is a folder, expected a JSON file")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("trian",),
            "no command called 'trian'. Did you mean 'train'? "
            "Commands: train, check, show, list, describe, gradcheck, schema; see fcframe --help",
        ),
        (("list", "relu", "--kind", "loss"), "no loss called 'relu'; it is of kind layer"),
        (("describe", "layer"), "'layer' is a kind of component; `fcframe list --kind layer` lists its types"),
        (("gradcheck", "--seed", "a"), "--seed: expected an integer ≥ 0, got 'a'"),
        (("gradcheck", "--seed", "-1"), "--seed: expected an integer ≥ 0, got '-1'"),
        (("train", "s.json", "--print-every", "1.5"), "--print-every: expected an integer ≥ 1, got '1.5'"),
        (
            ("list", "--kind", "optimiser"),
            re.compile(r"--kind: no kind called 'optimiser'\. Did you mean 'optimizer'\? Kinds: layer, loss, .*"),
        ),
        (("train",), "Missing argument 'SPEC'; see fcframe train --help"),
        (("describe", "relo"), re.compile(r"no component called 'relo'\. Did you mean 'relu'\? Registered: .*relu.*")),
    ],
)
def test_a_bad_command_is_refused(arguments, message, tmp_path):
    refused(tmp_path, *arguments, message=message)


def test_a_bad_change_is_refused(tmp_path):
    write(tmp_path / "good.json", experiment())
    message = '--set "network.layers[7].units=3": network.layers has 1 element, so there is no [7]'
    refused(tmp_path, "train", "good.json", "--set", "network.layers[7].units=3", message=message)


# Data


def points(**arrays):
    rng = np.random.default_rng(0)
    return {"X": rng.normal(size=(60, 64)), "y": rng.integers(10, size=60)} | arrays


def test_data_with_nan_is_refused(tmp_path):
    X = points()["X"]
    X[:, 5] = float("nan")
    np.savez(tmp_path / "points.npz", **points(X=X))
    write(tmp_path / "bad.json", experiment(data={"type": "npz", "path": "points.npz"}))
    message = (
        "bad.json: data: points.npz: row 27 of X and y: number [5] of the example is nan; "
        "examples must be finite numbers"
    )
    refused(tmp_path, "train", "bad.json", message=message)


@pytest.mark.parametrize(
    ("label", "remedy"),
    [(10, "use y - 10"), (-1, "without gaps: names, y = np.unique(y, return_inverse=True)")],
)
def test_labels_out_of_range_are_refused(label, remedy, tmp_path):
    np.savez(tmp_path / "points.npz", **points(y=np.full(60, label)))
    write(tmp_path / "bad.json", experiment(data={"type": "npz", "path": "points.npz"}))
    message = (
        f"bad.json: data: points.npz: row 27 of X and y: target {label} is wrong: expected an integer from 0 to 9, for "
        f"10 scores an example (48 of 48 targets are wrong); labels count from 0{', ' if label < 0 else ': '}{remedy}"
    )
    refused(tmp_path, "train", "bad.json", message=message)


def test_a_csv_with_a_ragged_row_is_refused(tmp_path):
    (tmp_path / "pets.csv").write_text("height,weight,kind\n1,2,cat\n3,4,dog\n5,6\n", encoding="utf-8")
    write(tmp_path / "bad.json", experiment(data={"type": "csv", "path": "pets.csv"}, network__input=[2]))
    refused(tmp_path, "train", "bad.json", message="bad.json: data: pets.csv:4: 2 fields, expected 3")


def test_data_that_is_not_there_is_refused(tmp_path):
    write(tmp_path / "bad.json", experiment(data={"type": "csv", "path": "pets.csv"}))
    message = re.compile(r"bad\.json: data: pets\.csv: there is no such file.*")
    refused(tmp_path, "train", "bad.json", message=message)
    refused(tmp_path, "check", "--data", "bad.json", message=message)


class Evil:
    def __reduce__(self):
        return os.system, ("touch it-was-called",)


def test_a_pickle_that_calls_something_is_refused_and_calls_nothing(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        (folder / name).write_bytes(pickle.dumps(Evil()))
    write(tmp_path / "bad.json", experiment(data={"type": "cifar10", "root": "."}, network__input=[3072]))
    message = re.compile(r"bad\.json: data: cifar-10-batches-py/data_batch_1: .* asks for (posix|nt)\.system: refused")
    refused(tmp_path, "train", "bad.json", message=message)


# The machine


def test_a_network_larger_than_memory_is_refused(tmp_path):
    write(tmp_path / "bad.json", experiment(network__layers=[{"type": "affine", "units": 10**15}]))
    message = re.compile(r"out of memory: Unable to allocate .*")
    refused(tmp_path, "train", "bad.json", message=message, FCFRAME_MAX_BYTES=str(10**20))


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("file", "file: a run cannot be written there: File exists"),
        ("file/run", "file/run: a run cannot be written there: Not a directory"),
        ("full", "full: this folder is not empty; choose another one for the run"),
        ("/proc/run", "/proc/run: a run cannot be written there: No such file or directory"),
        ("new/" + "x" * 300, f"new/{'x' * 300}: a run cannot be written there: File name too long"),
    ],
    ids=["a file", "under a file", "a full folder", "a file system that takes nothing", "a name too long"],
)
def test_a_folder_that_cannot_be_written_is_refused_before_the_training(out, message, tmp_path):
    write(tmp_path / "good.json", experiment())
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    done = refused(tmp_path, "train", "good.json", "--out", out, message=message)
    assert done.out == ""


MISDEEDS = [
    ("check", "sys.exit(0)", "SystemExit: 0"),
    ("check", "raise BrokenPipeError('no tracker')", "BrokenPipeError: no tracker"),
    ("train", "sys.exit('giving up')", "SystemExit: giving up"),
    ("train", "raise OSError('table missing')", "OSError: table missing"),
    ("train", "raise BrokenPipeError('no tracker')", "BrokenPipeError: no tracker"),
]


@pytest.mark.parametrize(("command", "deed", "said"), MISDEEDS)
def test_what_a_plugin_does_is_not_taken_for_an_end_or_for_the_output(command, deed, said, tmp_path):
    text = plugins.module(plugins.layer("Wild")).replace(
        {"check": "return input_shape", "train": "pass"}[command], deed, 1
    )
    installed = plugins.install(tmp_path / "site", "mine", text)
    folder = tmp_path / "work"
    folder.mkdir()
    layers = [{"type": "wild"}, {"type": "affine", "units": 10}]
    write(folder / "wild.json", experiment(network__layers=layers))
    line = text[: text.index(deed)].count("\n") + 1
    told = re.compile(
        rf"{re.escape(said)} .*\({re.escape(str(installed))}:{line}\); a plugin does not keep its contract.*"
    )
    refused(folder, command, "wild.json", message=told, PYTHONPATH=str(installed.parent))


@pytest.mark.parametrize("size", ["-5", "4 GB"])
def test_an_allowance_of_memory_that_is_no_number_is_refused(size, tmp_path):
    write(tmp_path / "good.json", experiment())
    message = f"good.json: FCFRAME_MAX_BYTES: expected a whole number of bytes, like 4294967296, got {size!r}"
    refused(tmp_path, "check", "good.json", message=message, FCFRAME_MAX_BYTES=size)


def test_a_full_disk_is_named(tmp_path):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = started("schema", cwd=tmp_path, stdout=full)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (2, "fcframe: standard output: No space left on device\n")


INTERRUPTED = re.compile(r"fcframe: interrupted at iteration \d+ of \d+; nothing was written\n")


@pytest.mark.parametrize("out", [("--out", "some/new/folder"), ()], ids=["a folder of one's own", "the usual folder"])
def test_an_interrupt_in_the_middle_of_an_epoch_leaves_nothing(out, tmp_path):
    write(tmp_path / "long.json", experiment(training__epochs=1_000_000))
    before = tree(tmp_path)
    process = started("train", "long.json", *out, "--print-every", 1, cwd=tmp_path)
    lines = list(itertools.islice(process.stdout, 40))
    assert any("(Epoch 1 /" in line for line in lines)
    running = tree(tmp_path)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert INTERRUPTED.fullmatch(err), err
    assert process.returncode == 130
    assert running.keys() - before.keys()
    assert tree(tmp_path) == before


def test_a_folder_in_which_a_training_is_at_work_is_no_other_ones(tmp_path):
    write(tmp_path / "long.json", experiment(training__epochs=1_000_000))
    process = started("train", "long.json", "--out", "run", cwd=tmp_path)
    next(process.stdout)
    message = (
        "run: another training writes to this folder, or was killed while it did; choose another folder, or if no "
        "training runs there, remove the file unfinished and those that end in .partial"
    )
    refused(tmp_path, "train", "long.json", "--out", "run", message=message)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert not (tmp_path / "run").exists()


def test_an_interrupt_at_a_terminal_leaves_nothing_and_says_so(tmp_path):
    write(tmp_path / "long.json", experiment(training__epochs=1_000_000))
    before = tree(tmp_path)
    terminal = Terminal()
    process = started("train", "long.json", cwd=tmp_path, stdout=terminal.there)
    os.close(terminal.there)
    assert terminal.shows("(Epoch 1 /")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    terminal.close()
    assert process.returncode == 130
    assert INTERRUPTED.fullmatch(err), err
    assert tree(tmp_path) == before


@pytest.mark.parametrize("module", ["click", "numpy", "fcframe_standard.layers.affine"])
def test_an_interrupt_while_modules_are_imported_is_no_traceback(module, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "def hook(event, arguments):\n"
        f"    if event == 'import' and arguments[0] == {module!r} or "
        f"event == 'open' and {module.replace('.', '/')!r} in str(arguments[0]) and '.py' in str(arguments[0]):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.addaudithook(hook)\n"
    )
    done = fcframe("list", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (done.code, done.out, done.err.strip()) == (130, "", "fcframe: interrupted")
