"""`fcframe gradcheck`: a row a component, the failures in words, and an exit code to build on."""

import json
import os
import signal
import subprocess

import pytest

from tests.cli.shell import ENVIRONMENT, SCRIPT, fcframe
from tests.verify.plugins import install, layer, module

SPEC = {
    "input": [4],
    "layers": [{"type": "affine", "units": 5}, {"type": "relu"}, {"type": "affine", "units": 3}],
    "loss": {"type": "softmax"},
    "regularizer": {"type": "l2", "strength": 0.01},
}


@pytest.fixture
def plugin(tmp_path):
    """Installs layers as the plugin `mine`; the value is the environment in which it is found."""

    def make(*layers):
        install(tmp_path / "site", "mine", module(*layers))
        return {"PYTHONPATH": str(tmp_path / "site")}

    return make


def test_a_right_component_has_a_row_and_exit_code_0(tmp_path):
    done = fcframe("gradcheck", "relu", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    header, row = done.out.splitlines()
    columns = "component checks passed failed inconclusive skipped not applicable cases seconds verdict"
    assert header.split() == columns.split()
    assert row.startswith("layer relu ")
    assert row.split()[-1] == "passed"


def test_a_name_of_several_kinds_means_all_of_them(tmp_path):
    done = fcframe("gradcheck", "softmax", cwd=tmp_path)
    assert [line.split()[:2] for line in done.out.splitlines()[1:]] == [["layer", "softmax"], ["loss", "softmax"]]


def test_a_wrong_gradient_is_told_once_in_plain_words_with_exit_code_1(tmp_path, plugin):
    done = fcframe("gradcheck", "thrice", cwd=tmp_path, **plugin(layer("Thrice", dx="3 * dout")))
    assert done.code == 1
    table, *failures = done.out.strip().split("\n\n")
    assert table.splitlines()[1].split()[-1] == "FAILED"
    assert len(failures) == 1
    assert "dx is wrong in 15 of 15 elements" in failures[0]
    assert "likely cause: it is 1.5 times the right gradient" in failures[0]
    assert "look at backward in mine_plugin.py:" in failures[0]
    assert "more cases" in failures[0].splitlines()[-1]


MISDEEDS = {
    "raises": ("raise ValueError('no such luck')", "raised ValueError: no such luck"),
    "returns_none": ("return None", "forward returned None, expected (out, cache)"),
    "returns_three": ("return x, (), 3", "forward returned a tuple of 3, expected (out, cache)"),
    "prints": ("print('look at me')", "printed 'look at me\\n'"),
    "prints_past_python": ("os.write(1, b'look at me')", "printed 'look at me'"),
    "exits": ("sys.exit(3)", "left by sys.exit(3)"),
    "seeds": ("np.random.seed(3)", "changed NumPy's global random state"),
    "silences": ("np.seterr(all='ignore')", "changed NumPy's error state"),
    "recurses": ("return self.forward(x, params, ctx)", "raised RecursionError"),
    "allocates": ("np.empty(10**11)", "ran out of memory"),
}


def test_whatever_a_layer_does_is_its_own_failure_and_no_others(tmp_path, plugin):
    layers = [layer(name.title(), forward=forward) for name, (forward, _) in MISDEEDS.items()]
    done = fcframe("gradcheck", "--plugin", "mine", "--json", cwd=tmp_path, **plugin(layer("Right"), *layers))
    assert (done.code, done.err) == (1, "")
    found = {component["component"]: component for component in done.json["components"]}
    assert found.pop("layer right")["verdict"] == "passed"
    for name, (_, message) in MISDEEDS.items():
        component = found.pop(f"layer {name}")
        assert component["verdict"] == ("passed" if name == "warns" else "failed")  # a warning is noted
        assert message in json.dumps(component, ensure_ascii=False).replace("\\\\", "\\")
    assert not found


def test_a_warning_is_noted_and_breaks_nothing(tmp_path, plugin):
    warns = layer("Warns", forward="warnings.warn('careful')")
    done = fcframe("gradcheck", "warns", cwd=tmp_path, **plugin(warns))
    assert done.code == 0
    assert "UserWarning: careful" in done.out
    assert "mine_plugin.py:" in done.out


def test_the_ledger_counts_every_check_of_every_component(tmp_path):
    done = fcframe("gradcheck", "relu", "sgd", "--seed", "3", "--json", cwd=tmp_path)
    assert (done.code, done.json["seed"], done.json["verdict"]) == (0, 3, "passed")
    assert [component["component"] for component in done.json["components"]] == ["layer relu", "optimizer sgd"]
    for component in done.json["components"]:
        checks = [check["check"] for check in component["checks"]]
        assert len(checks) > 10
        assert checks[-1] == "every_check_ran"
        assert all(check["reasons"] for check in component["checks"] if check["status"] == "not applicable")


def test_a_spec_is_checked_as_a_whole_loss_and_regularizer_included(tmp_path):
    (tmp_path / "net.json").write_text(json.dumps(SPEC))
    done = fcframe("gradcheck", "net.json", cwd=tmp_path)
    assert done.code == 0
    assert done.out.splitlines()[1].startswith("network net.json ")


def test_mutate_says_which_changes_of_the_text_no_check_noticed(tmp_path):
    done = fcframe("gradcheck", "relu", "--mutate", cwd=tmp_path)
    assert done.code == 0
    assert "layer relu: " in done.out
    assert "score 100.0%" in done.out


BAD_INPUT = {
    ("relo",): "no component called 'relo'. Did you mean 'relu'?",
    ("nowhere.json",): "nowhere.json",
    ("--plugin", "standart"): "no plugin called 'standart'. Did you mean 'standard'?",
    ("--plugin", "standard", "relo"): "plugin 'standard' registers no 'relo'",
    ("--seed", "-1"): "--seed",
    ("net.json", "--mutate"): "it does not take specs",
    ("misfit.json",): "misfit.json: layers[0]",
}


@pytest.mark.parametrize("arguments", BAD_INPUT, ids=" ".join)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, arguments):
    (tmp_path / "net.json").write_text(json.dumps(SPEC))
    misfit = {**SPEC, "layers": [{"type": "residual", "layers": [{"type": "affine", "units": 5}]}]}
    (tmp_path / "misfit.json").write_text(json.dumps(misfit))
    done = fcframe("gradcheck", *arguments, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    assert BAD_INPUT[arguments] in done.err


def test_a_plugin_that_cannot_be_used_fails_a_run_over_everything_it_should_bring(tmp_path, plugin):
    environment = plugin(layer("Right"))
    (tmp_path / "site" / "mine_plugin.py").write_text("import nowhere_at_all\n")
    done = fcframe("gradcheck", "--plugin", "mine", cwd=tmp_path, **environment)
    assert done.code == 2
    assert "plugin 'mine' of mine 1.0 is not usable: ModuleNotFoundError" in done.err


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_is_one_line_and_exit_code_130(tmp_path, plugin):
    signs = tmp_path / "started"
    slow = layer("Slow", forward=f"open({str(signs)!r}, 'w').close(); time.sleep(8)")
    command = [SCRIPT, "gradcheck", "slow"]
    environment = ENVIRONMENT | plugin(slow)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        while not signs.exists():
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=20)
    assert (running.returncode, out, err.strip()) == (130, "", "fcframe: interrupted")
