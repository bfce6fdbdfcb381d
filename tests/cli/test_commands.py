"""The commands, run as a shell runs them: what they print, and how they end."""

import importlib.metadata
import json
import os
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

import fcframe as package
from fcframe.cli.program import COMMANDS
from fcframe.spec.schema import json_schema
from tests.cli.shell import ENVIRONMENT, SCRIPT, Terminal, experiment, fcframe, started, tree, write

ROOT = Path(__file__).parent.parent.parent
INSTALLED = {(component.kind, component.type) for component in package.registry()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a good spec and a bad one, in which no command may change anything."""
    folder = tmp_path_factory.mktemp("cli")
    write(folder / "good.json", experiment(network__layers=[{"type": "affine", "units": 10}] * 2))
    write(folder / "bad.json", experiment(training__epochs=0, name=""))
    before = tree(folder)
    yield folder
    assert tree(folder) == before


def ended_well(done):
    assert (done.code, done.err) == (0, "")
    return done


# Help


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)], ids=str)
def test_the_program_lists_its_commands(arguments, folder):
    lines = ended_well(fcframe(*arguments, cwd=folder)).out.splitlines()
    listed = lines[lines.index("Commands:") + 1 :]
    assert [line.split()[0] for line in listed if re.match("  [a-z]", line)] == list(COMMANDS)
    assert {"train", "check", "show", "list", "describe", "schema"} <= COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_does(command, folder):
    out = ended_well(fcframe(command, "--help", cwd=folder)).out
    assert out.startswith(f"Usage: fcframe {command} ")


def test_the_program_knows_its_version(folder):
    done = ended_well(fcframe("--version", cwd=folder))
    assert importlib.metadata.version("fcframe") in done.out


# List, describe, schema


def test_list_has_a_line_for_every_component(folder):
    lines = ended_well(fcframe("list", cwd=folder)).out.splitlines()
    assert lines[0].split()[:4] == ["kind", "type", "plugin", "distribution"]
    assert {tuple(line.split()[:2]) for line in lines[1:]} >= INSTALLED


def test_list_takes_a_kind_and_gives_json(folder):
    found = ended_well(fcframe("list", "--kind", "loss", "--json", cwd=folder)).json
    assert {(component["kind"], component["type"]) for component in found["components"]} == {
        (kind, name) for kind, name in INSTALLED if kind == "loss"
    }
    assert {"name": "standard", "module": "fcframe_standard", "distribution": "fcframe"}.items() <= next(
        plugin for plugin in found["plugins"] if plugin["name"] == "standard"
    ).items()


def test_describe_explains_every_component_of_the_name(folder):
    out = ended_well(fcframe("describe", "softmax", cwd=folder)).out
    for kind in ("layers", "losses"):
        assert getattr(package.registry(), kind)["softmax"].__doc__.partition("\n")[0] in out


def test_describe_gives_the_fields_as_json(folder):
    (affine,) = ended_well(fcframe("describe", "affine", "--json", cwd=folder)).json
    assert affine["kind"] == "layer"
    fields = {field["name"]: field for field in affine["fields"]}
    units, initializer = fields["units"], fields["initializer"]
    assert units == {
        "name": "units",
        "takes": "integer > 0",
        "required": True,
        "default": None,
        "description": "Number of outputs.",
    }
    assert initializer["default"] == {"type": "he", "gain": 1.0}
    assert initializer["takes"] == "a initializer" or initializer["takes"] == "an initializer"


def test_schema_prints_what_the_library_says(folder):
    assert ended_well(fcframe("schema", cwd=folder)).json == json_schema(package.registry())


# Show and check


def test_show_prints_the_table_of_a_network(folder):
    out = ended_well(fcframe("show", "good.json", cwd=folder)).out
    assert [line.split() for line in out.splitlines()[:5]] == [
        ["layer", "type", "output", "shape", "parameters", "bytes"],
        ["input", "64"],
        ["affine1", "affine", "10", "650", "2.5", "kB"],
        ["affine2", "affine", "10", "110", "440", "bytes"],
        ["total", "760", "3.0", "kB"],
    ]


def test_show_gives_the_table_as_json(folder):
    found = ended_well(fcframe("show", "good.json", "--json", "--set", "network.dtype=float64", cwd=folder)).json
    assert (found["input"], found["dtype"], found["loss"]) == ([64], "float64", "softmax")
    assert (found["parameters"], found["bytes"]) == (760, 6080)
    assert found["layers"][1] == {
        "name": "affine2",
        "type": "affine",
        "depth": 0,
        "input_shape": [10],
        "output_shape": [10],
        "parameters": 110,
        "bytes": 880,
    }


def test_a_dash_is_standard_input(folder):
    text = json.dumps(experiment()["network"])
    assert ended_well(fcframe("show", "-", "--json", cwd=folder, text=text)).json["parameters"] == 650
    assert ended_well(fcframe("check", "-", cwd=folder, text=text)).out == "-: valid, 1 layer, 650 parameters\n"
    done = fcframe("show", "-", cwd=folder, text="")
    assert (done.code, done.err) == (2, "fcframe: -: the file is empty, expected a JSON object\n")


def test_check_reports_on_each_spec_and_fails_if_one_is_bad(folder):
    done = fcframe("check", "good.json", "bad.json", "missing.json", cwd=folder)
    assert done.code == 2
    assert done.out == "good.json: valid, 2 layers, 760 parameters\n"
    assert done.err == (
        'fcframe: bad.json: name: expected a string that matches ^[A-Za-z0-9][A-Za-z0-9._-]*$, got ""\n'
        "fcframe: bad.json: training.epochs: expected a number greater than 0, got 0\n"
        "fcframe: missing.json: there is no such file\n"
    )


def test_check_gives_its_verdicts_as_json(folder):
    done = fcframe("check", "good.json", "missing.json", "--json", cwd=folder)
    assert done.code == 2
    assert done.json == [
        {"spec": "good.json", "problems": [], "layers": 2, "parameters": 760},
        {"spec": "missing.json", "problems": ["missing.json: there is no such file"]},
    ]


def test_check_reads_the_data_where_it_is_told_to(folder):
    wrong = ("good.json", "--set", "network.input=[65]")
    ended_well(fcframe("check", *wrong, cwd=folder))
    done = fcframe("check", "--data", *wrong, cwd=folder)
    assert done.code == 2
    assert done.err == (
        "fcframe: good.json: network.input: the network takes examples of shape (65,), the data has (8, 8)\n"
    )
    ended_well(fcframe("check", "--data", "good.json", cwd=folder))


def test_check_says_of_the_rejected_specs_what_is_written_beside_them():
    paths = sorted((ROOT / "specs" / "rejected").glob("*.json"))
    done = fcframe("check", *(path.relative_to(ROOT) for path in paths), cwd=ROOT)
    expected = "".join(path.with_suffix(".txt").read_text(encoding="utf-8") for path in paths)
    assert (done.code, done.out) == (2, "")
    # Which types are registered depends on what else is installed.
    assert [line.partition("Registered:")[0] for line in done.err.splitlines()] == [
        line.partition("Registered:")[0] for line in expected.splitlines()
    ]


# Train


def test_train_prints_the_course_s_lines_and_writes_a_run(tmp_path):
    write(tmp_path / "digits.json", experiment())
    done = ended_well(fcframe("train", "digits.json", "--print-every", 10, cwd=tmp_path))
    lines = done.out.splitlines()
    patterns = [
        r"\(Iteration 1 / 26\) loss: \d\.\d{6}",
        r"\(Epoch 0 / 2\) train acc: \d\.\d{6}; val_acc: \d\.\d{6}",
        r"\(Iteration 11 / 26\) loss: \d\.\d{6}",
        r"\(Epoch 1 / 2\) train acc: \d\.\d{6}; val_acc: \d\.\d{6}",
        r"\(Iteration 21 / 26\) loss: \d\.\d{6}",
        r"\(Epoch 2 / 2\) train acc: \d\.\d{6}; val_acc: \d\.\d{6}",
        r"best on validation: val_loss \d\.\d{6}, val_acc \d\.\d{6} \(epoch 2\)",
        r"test_loss: \d\.\d{6} \(best parameters\)",
        r"test_acc: \d\.\d{6} \(best parameters\)",
        r"run: runs/digits-1",
    ]
    assert len(lines) == len(patterns)
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), line
    assert sorted(tree(tmp_path / "runs" / "digits-1")) == [
        "evaluations.csv",
        "losses.csv",
        "parameters.npz",
        "spec.json",
        "summary.json",
    ]


def test_the_same_training_twice_leaves_the_same_bytes(tmp_path):
    layers = [
        {"type": "affine", "units": 20},
        {"type": "batchnorm"},
        {"type": "dropout", "rate": 0.2},
        {"type": "affine", "units": 10},
    ]
    write(tmp_path / "digits.json", experiment(network__layers=layers, training__schedule={"type": "cosine"}))
    first = ended_well(fcframe("train", "digits.json", cwd=tmp_path))
    second = ended_well(fcframe("train", "digits.json", "--out", "some/other/place", cwd=tmp_path))
    assert first.out.splitlines()[:-1] == second.out.splitlines()[:-1]
    assert second.out.splitlines()[-1] == "run: some/other/place"
    files = tree(tmp_path / "runs" / "digits-1")
    assert files == tree(tmp_path / "some" / "other" / "place")
    with zipfile.ZipFile(tmp_path / "runs" / "digits-1" / "parameters.npz") as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}  # no clock, which ticks too slowly here
    spec = write(tmp_path / "again.json", json.loads(files["spec.json"]))
    ended_well(fcframe("train", spec.name, "--out", "again", cwd=tmp_path))
    assert files == tree(tmp_path / "again")


def test_train_gives_the_results_as_json_and_nothing_else(tmp_path):
    write(tmp_path / "digits.json", experiment(name="my-digits"))
    found = ended_well(fcframe("train", "digits.json", "--json", "--set", "training.epochs=3", cwd=tmp_path)).json
    assert found["path"] == str(Path("runs", "my-digits-1"))
    assert (found["parameters"], found["steps"]) == (650, 39)
    assert found["best"]["epoch"] == 3
    assert 0.5 < found["test"]["test_acc"] <= 1
    stored = json.loads((tmp_path / found["path"] / "summary.json").read_text(encoding="utf-8"))
    assert {key: value for key, value in stored.items() if key != "versions"} | {"path": found["path"]} == found
    with np.load(tmp_path / found["path"] / "parameters.npz", allow_pickle=False) as arrays:
        assert {name: array.shape for name, array in arrays.items()} == {
            "params/affine1.W": (64, 10),
            "params/affine1.b": (10,),
        }


def test_each_run_has_a_folder_of_its_own(tmp_path):
    spec = write(tmp_path / "digits.json", experiment(training__epochs=1))
    for number in (1, 2):
        done = ended_well(fcframe("train", "digits.json", cwd=tmp_path))
        assert done.out.endswith(f"run: runs/digits-{number}\n")
    done = ended_well(fcframe("train", "-", cwd=tmp_path, text=spec.read_text()))
    assert done.out.endswith("run: runs/run-1\n")
    (tmp_path / "empty").mkdir()
    ended_well(fcframe("train", "digits.json", "--out", "empty", cwd=tmp_path))
    assert tree(tmp_path / "empty") == tree(tmp_path / "runs" / "digits-1")


def test_trainings_that_start_together_have_a_folder_each(tmp_path):
    write(tmp_path / "digits.json", experiment(training__epochs=1))
    running = [started("train", "digits.json", "--threads", 1, cwd=tmp_path) for _ in range(4)]
    told = [process.communicate(timeout=60) for process in running]
    assert [(process.returncode, err) for process, (_, err) in zip(running, told, strict=True)] == [(0, "")] * 4
    assert {out.splitlines()[-1] for out, _ in told} == {f"run: runs/digits-{number}" for number in (1, 2, 3, 4)}


def test_a_terminal_shows_a_bar(tmp_path):
    write(tmp_path / "digits.json", experiment())
    terminal = Terminal()
    process = started("train", "digits.json", cwd=tmp_path, stdout=terminal.there)
    os.close(terminal.there)
    for text in ("(Epoch 2 / 2) train acc: ", "Epoch 2/2", "26/26", "run: runs/digits-1"):
        assert terminal.shows(text)
    assert process.communicate(timeout=60) == (None, "")
    terminal.close()
    assert process.returncode == 0


# Where the output goes


@pytest.mark.parametrize("command", ["schema", "list"])
def test_a_reader_that_has_seen_enough_is_no_error(command, folder):
    process = started(command, cwd=folder)
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("command", ["schema", "list"])
def test_an_output_that_is_closed_is_written_to_no_more(command, folder):
    done = subprocess.run(["sh", "-c", f"'{SCRIPT}' {command} >&-"], cwd=folder, env=ENVIRONMENT, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_output_without_the_characters_gets_others(folder):
    done = ended_well(fcframe("describe", "csv", cwd=folder, PYTHONIOENCODING="ascii"))
    assert "number ? 0, < 0.5" in done.out
    done = ended_well(fcframe("schema", cwd=folder, PYTHONIOENCODING="ascii"))
    assert done.json == json_schema(package.registry())


def test_check_counts_one_layer_in_the_singular(tmp_path):
    spec = {"input": [1], "layers": [{"type": "relu"}], "loss": {"type": "mse"}}
    (tmp_path / "one.json").write_text(json.dumps(spec))
    assert "one.json: valid, 1 layer, 0 parameters" in fcframe("check", "one.json", cwd=tmp_path).out


def test_the_help_of_gradcheck_gives_its_own_default_number_of_threads(folder):
    out = " ".join(ended_well(fcframe("gradcheck", "--help", cwd=folder)).out.split())
    assert "FCFRAME_THREADS, otherwise 1. " in out


def test_list_names_every_unknown_type(folder):
    done = fcframe("list", "nosuch", "relu", "neither", cwd=folder)
    assert (done.code, done.out, done.err.count("no component called ")) == (2, "", 2)


def test_check_notes_that_a_network_spec_has_no_data_to_check(tmp_path):
    spec = {"input": [1], "layers": [{"type": "relu"}], "loss": {"type": "mse"}}
    (tmp_path / "one.json").write_text(json.dumps(spec))
    done = fcframe("check", "--data", "one.json", cwd=tmp_path)
    assert (done.code, done.err) == (
        0,
        "fcframe: note: one.json: a network spec has no data, so --data checks nothing\n",
    )
