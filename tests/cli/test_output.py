"""Standard output holds a command's own facts, whatever plugins print, and no text of theirs controls the terminal."""

import json
import os
import re

import pytest
from rich.cells import cell_len

from tests.cli.shell import Terminal, experiment, fcframe, started, write
from tests.verify import plugins

NOISY = """import os, sys, ctypes
print("noisy loaded")
sys.stdout.write("noisy text")
os.write(1, b"noisy bytes")
libc = ctypes.CDLL(None)
libc.printf(b"noisy in C, not flushed")
"""
ESCAPES = re.compile("\x1b|\x9b|\u202e")


@pytest.fixture
def installed(tmp_path):
    """Installs a plugin; the value is the environment in which it is found."""

    def make(text):
        plugins.install(tmp_path / "site", "mine", text)
        return {"PYTHONPATH": str(tmp_path / "site")}

    return make


@pytest.mark.parametrize(
    "command", [["schema"], ["list", "--json"], ["check", "s.json", "--json"], ["show", "s.json", "--json"],
                ["describe", "affine", "--json"], ["gradcheck", "relu", "--json"], ["train", "s.json", "--json"]],
    ids=lambda command: command[0],
)  # fmt: skip
def test_standard_output_holds_the_json_alone(command, tmp_path, installed):
    write(tmp_path / "s.json", experiment(training__epochs=1))
    done = fcframe(*command, cwd=tmp_path, **installed(plugins.module(plugins.layer("Right"), head=NOISY)))
    assert done.code == 0
    json.loads(done.out)
    for text in ("noisy loaded", "noisy text", "noisy bytes", "noisy in C"):
        assert text in done.err


def test_a_plugin_that_takes_standard_output_away_harms_nobody(tmp_path, installed):
    text = plugins.module(plugins.layer("Right"), head="sys.stdout = None\n") + (
        "\n\n@fcframe.hookimpl\ndef fcframe_step_end():\n    sys.stdout = None\n"
    )
    write(tmp_path / "s.json", experiment())
    for arguments in (["train", "s.json", "--out", "run"], ["list"]):
        done = fcframe(*arguments, cwd=tmp_path, **installed(text) if arguments[0] == "train" else {})
        assert done.code == 0
        assert all(line.startswith("fcframe: note: plugin 'mine'") for line in done.err.splitlines())
        assert done.out
    assert (tmp_path / "run" / "summary.json").exists()


NASTY = "\\x1b[31mred\\x1b[2J\\x9b2J\\u202e\\x07"


def test_the_text_of_a_plugin_moves_no_cursor(tmp_path, installed):
    head = f'NASTY = "{NASTY}"\n'
    nasty = plugins.layer("Nasty", does="shows").replace('"""A layer that shows."""', f'"""A layer {NASTY}."""')
    nasty = nasty.replace("pass", "raise ValueError(NASTY)").replace(
        "    def output_shape", f'    size: int = 3\n    """A size {NASTY}."""\n\n    def output_shape', 1
    )
    environment = installed(plugins.module(nasty, head=head))
    write(tmp_path / "s.json", experiment(network__layers=[{"type": "nasty"}, {"type": "affine", "units": 10}]))
    for command in (["list"], ["list", "--json"], ["describe", "nasty"], ["describe", "nasty", "--json"],
                    ["train", "s.json"], ["gradcheck", "nasty"], ["schema"]):  # fmt: skip
        done = fcframe(*command, cwd=tmp_path, FORCE_COLOR="", **environment)
        assert not ESCAPES.search(done.out + done.err), command
        assert "red" in done.out + done.err


def test_the_error_and_the_name_of_a_plugin_are_shown_as_text(tmp_path, installed):
    environment = installed(f'raise RuntimeError("{NASTY}")\n')
    information = tmp_path / "site" / "mine-1.0.dist-info"
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mi\x1b[31mne\nVersion: 1\x1b[0m.0\n")
    for command in (["list"], ["list", "--json"], ["describe", "nosuch"], ["gradcheck", "--plugin", "mine"]):
        done = fcframe(*command, cwd=tmp_path, **environment)
        assert not ESCAPES.search(done.out + done.err), command
        assert "\\x1b[31m" in done.out + done.err or "\\u001b[31m" in done.out + done.err


# Colours and widths


@pytest.mark.parametrize("command", [["train", "s.json"], ["gradcheck", "relu"], ["list"]], ids=lambda found: found[0])
def test_where_colour_is_forced_a_pipe_gets_colour_at_most(command, tmp_path):
    write(tmp_path / "s.json", experiment())
    done = fcframe(*command, cwd=tmp_path, FORCE_COLOR="1", TTY_COMPATIBLE="1")
    assert done.code == 0
    for text in (done.out, done.err):
        assert not re.search("\r|" + r"\x1b\[(?![0-9;]*m)", text)
    assert done.err == ""


WIDTH_COMMANDS = [["list"], ["describe", "batchnorm"], ["describe", "csv"], ["show", "s.json"], ["gradcheck", "relu"],
                  ["gradcheck", "s.json"]]  # fmt: skip


@pytest.mark.parametrize("command", WIDTH_COMMANDS, ids=" ".join)
def test_a_table_fits_80_columns_where_they_say_80(command, tmp_path):
    write(tmp_path / "s.json", experiment(network__layers=[{"type": "affine", "units": 10}] * 3))
    done = fcframe(*command, cwd=tmp_path, COLUMNS="80")
    assert done.code == 0
    assert max(map(cell_len, done.out.splitlines())) <= 80
    header = next(line for line in done.out.splitlines() if re.match("kind|field|layer |component", line))
    assert header.split()[-1] in ("is", "bytes", "verdict")


def test_a_pipe_gets_the_full_text(tmp_path):
    out = fcframe("list", cwd=tmp_path).out
    assert "distribution" in out
    assert max(map(len, out.splitlines())) > 100


def test_a_terminal_of_80_columns_gets_short_lines(tmp_path):
    terminal = Terminal()
    process = started("list", cwd=tmp_path, stdout=terminal.there)
    os.close(terminal.there)
    process.communicate(timeout=60)
    terminal.close()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", terminal._shown.decode()).splitlines()
    assert max(map(cell_len, lines)) <= 80


# Options and notes


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--lr", "0.1"], "training.optimizer.learning_rate=0.1"),
        (["--lr=0.1"], "training.optimizer.learning_rate=0.1"),
        (["--epochs", "3"], "training.epochs=3"),
        (["--batch-size", "32"], "training.batch_size=32"),
        (["--learning-rate", "1"], "training.optimizer.learning_rate=1"),
        (["--dtype", "float64"], "network.dtype=float64"),
        (["--optimizer", "adam"], "training.optimizer.type=adam"),
    ],
)
def test_an_option_that_names_a_field_of_the_spec_is_answered_with_its_path(arguments, field, tmp_path):
    write(tmp_path / "s.json", experiment())
    done = fcframe("train", "s.json", *arguments, cwd=tmp_path)
    option = arguments[0].partition("=")[0]
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"fcframe: no such option: {option}. Fields of the spec are changed with --set: --set {field}; "
        "see fcframe train --help\n"
    )
    told = done.err.partition("--set: ")[2].partition(";")[0].split()
    assert fcframe("check", "s.json", *told, cwd=tmp_path).code == 0


def test_an_option_that_was_removed_is_refused_and_its_file_left_alone(tmp_path):
    (tmp_path / "keep.xml").write_text("mine")
    done = fcframe("gradcheck", "nosuch", "--junit", "keep.xml", cwd=tmp_path)
    assert (done.code, done.err) == (2, "fcframe: no such option: --junit; see fcframe gradcheck --help\n")
    assert (tmp_path / "keep.xml").read_text() == "mine"


@pytest.mark.parametrize("command", ["check", "train", "show"])
def test_a_note_is_shown_once_on_standard_error(command, tmp_path, installed):
    text = plugins.module(plugins.layer("Right"))
    note = "logging.getLogger('fcframe').warning('the rate is %s', 'odd'); return input_shape"
    text = text.replace("return input_shape", note).replace("import os,", "import logging, os,")
    write(tmp_path / "s.json", experiment(network__layers=[{"type": "right"}, {"type": "affine", "units": 10}]))
    done = fcframe(command, "s.json", cwd=tmp_path, **installed(text))
    assert (done.code, done.err) == (0, "fcframe: note: the rate is odd\n")


def test_a_note_about_a_field_has_the_file_of_the_spec_whoever_gives_it(tmp_path):
    rows = [f"{number},{number % 7},often\n" for number in range(40)]
    (tmp_path / "t.csv").write_text("a,b,kind\n" + "".join(rows) + "1,2,once\n3,4,one\n5,6,uno\n7,8,eins\n")
    data = {"type": "csv", "path": "t.csv", "validation": 0.4, "test": 0.4}
    layers = [{"type": "affine", "units": 5}]
    write(tmp_path / "s.json", experiment(network__input=[2], network__layers=layers, data=data, training__epochs=1))
    for command in (["check", "--data", "s.json"], ["train", "s.json"]):
        done = fcframe(*command, cwd=tmp_path)
        assert done.code == 0
        assert "fcframe: note: s.json: data: t.csv: " in done.err
        assert all(line.startswith("fcframe: note: s.json: ") for line in done.err.splitlines())
    (told,) = fcframe("check", "--data", "--json", "s.json", cwd=tmp_path).json
    assert any(note.startswith("data: t.csv: ") for note in told["notes"])


def test_a_tilde_in_an_option_is_the_home_folder(tmp_path):
    write(tmp_path / "s.json", experiment(training__epochs=1))
    done = fcframe("train", "s.json", "--out=~/x", cwd=tmp_path, HOME=str(tmp_path / "home"))
    assert done.out.endswith(f"run: {tmp_path / 'home' / 'x'}\n")
    assert (tmp_path / "home" / "x" / "summary.json").exists()
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("name", ["affine", "adam", "clip_gradients", "csv", "l2", "residual", "softmax"])
def test_describe_shows_json_that_the_component_takes(name, tmp_path):
    import fcframe as package

    for found in fcframe("describe", name, "--json", cwd=tmp_path).json:
        component = getattr(package.registry(), {"loss": "losses"}.get(found["kind"], f"{found['kind']}s"))[name]
        assert component.model_validate(found["example"]).type == name
        assert json.dumps(found["example"], ensure_ascii=False) in fcframe("describe", name, cwd=tmp_path).out


def test_the_json_of_a_container_has_no_fields_at_their_defaults(tmp_path):
    (found,) = fcframe("describe", "residual", "--json", cwd=tmp_path).json
    assert found["example"]["layers"][0] == {"type": "affine", "units": 5}


def test_describe_names_what_is_in_a_list_in_the_plural(tmp_path, installed):
    text = plugins.module(plugins.layer("Right")).replace(
        "    def output_shape",
        """    sizes: list[PositiveInt] = []
    some: list[int | None] | None = None
    names: list[Literal["a", "b"]] = []
    inside: list[Inside] = []
    losses: list[AnyLoss] = []

    def output_shape""",
        1,
    )
    head = """from typing import Literal
from pydantic import BaseModel, PositiveInt
from fcframe import AnyLoss


class Inside(BaseModel):
    part: int = 0


"""
    (found,) = fcframe("describe", "right", "--json", cwd=tmp_path, **installed(head + text)).json
    takes = {field["name"]: field["takes"] for field in found["fields"]}
    assert takes["sizes"] == "list of integers > 0"
    assert takes["some"] == "list of (integer or null) or null"
    assert takes["names"] == 'list of ("a" or "b")'
    assert takes["inside"] == "list of objects"
    assert takes["losses"] == "list of losses"


def test_describe_wraps_the_prose_of_a_docstring_once(tmp_path):
    out = fcframe("describe", "csv", cwd=tmp_path, COLUMNS="100").out
    labels = next(part for part in out.split("\n\n") if part.startswith("Labels become"))
    assert all(len(line.rstrip()) > 80 for line in labels.splitlines()[:-1])
    assert "\n...     path = pathlib.Path(folder" in out


def test_describe_leaves_no_gap_where_a_docstring_is_missing(tmp_path, installed):
    text = plugins.module(plugins.layer("Right")).replace('"""A layer that doubles."""', "")
    out = fcframe("describe", "right", cwd=tmp_path, **installed(text)).out
    assert out.startswith("right (layer), from plugin 'mine' of mine 1.0\n\nIn a spec")
    assert not re.search(r"\n\s*\n\s*\n", out)


# Ambiguous and unusable components


@pytest.fixture
def two_relus(tmp_path, installed):
    """A second layer called relu, and a layer that cannot be used."""
    plugins.install(
        tmp_path / "site", "broken", plugins.module(plugins.layer("Odd").replace("def output_shape", "def output_shap"))
    )
    return installed(plugins.module(plugins.layer("ReLU")))


def test_list_names_what_is_ambiguous_and_what_does_not_work_with_the_remedy(tmp_path, two_relus):
    done = fcframe("list", cwd=tmp_path, **two_relus)
    assert done.code == 0
    assert "layer        mine:relu " in done.out
    assert "layer        fcframe:relu " in done.out
    assert "Write 'mine:relu' or 'fcframe:relu'" in done.out
    assert "layer 'odd' of plugin 'broken' of broken 1.0 is not usable: " in done.out
    told = fcframe("list", "--json", cwd=tmp_path, **two_relus).json
    assert [entry["component"] for entry in told["not_usable"]] == ["layer 'odd'"]
    assert len(told["problems"]) == 2


def test_a_component_is_called_by_its_distribution_and_type(tmp_path, two_relus):
    assert fcframe("list", "mine:relu", cwd=tmp_path, **two_relus).out.count("relu") == 1
    described = fcframe("describe", "mine:relu", cwd=tmp_path, **two_relus)
    assert described.out.startswith("mine:relu (layer), from plugin 'mine' of mine 1.0\n")
    assert '{"type": "mine:relu"}' in described.out
    checked = fcframe("gradcheck", "mine:relu", cwd=tmp_path, **two_relus)
    assert checked.out.splitlines()[1].startswith("layer mine:relu ")
    for command in ("describe", "gradcheck"):
        done = fcframe(command, "relu", cwd=tmp_path, **two_relus)
        assert (done.code, done.out) == (2, "")
        assert done.err.endswith("Write 'mine:relu' or 'fcframe:relu'\n")


def test_list_shows_all_components_of_an_ambiguous_type(tmp_path, two_relus):
    found = fcframe("list", "--json", "relu", "affine", cwd=tmp_path, **two_relus).json["components"]
    assert sorted(component["name"] for component in found) == ["affine", "fcframe:relu", "mine:relu"]


def test_a_component_of_an_ambiguous_type_passes_its_checks(tmp_path, two_relus):
    for name in ("MINE:relu", "residual"):
        checked = fcframe("gradcheck", name, cwd=tmp_path, **two_relus)
        assert (checked.code, checked.err) == (0, ""), checked.out


def test_a_plugin_of_which_nothing_can_be_used_fails_its_check(tmp_path, two_relus):
    done = fcframe("gradcheck", "--plugin", "broken", cwd=tmp_path, **two_relus)
    assert done.code == 1
    assert "Odd (layer 'odd') lacks output_shape" in done.out


def test_check_and_train_note_what_is_probably_a_mistake(tmp_path):
    layers = [{"type": "affine", "units": 10}, {"type": "batchnorm"}]
    write(tmp_path / "s.json", experiment(network__layers=layers, training__batch_size=1, training__epochs=1))
    write(tmp_path / "good.json", experiment())
    note = "batchnorm learns nothing from a minibatch of 1"
    done = fcframe("check", "good.json", "s.json", cwd=tmp_path)
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert done.err.startswith(f"fcframe: note: s.json: training.batch_size: {note}")
    (told,) = fcframe("check", "s.json", "--json", cwd=tmp_path).json
    assert note in told["notes"][0]
    done = fcframe("train", "s.json", cwd=tmp_path)
    assert done.err.startswith(f"fcframe: note: s.json: training.batch_size: {note}")
    done = fcframe("check", "--data", "good.json", "--set", "training.batch_size=5000", cwd=tmp_path)
    assert done.err.startswith("fcframe: note: good.json: training.batch_size: 5000 is more than the 1,257 training")
