"""pytest verifies the components of a plugin: once it is asked to, and no sooner."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verify.plugins import install, layer, module

pytest_plugins = ["pytester"]

RIGHT = layer("Twice")
WRONG = layer("Thrice", does="is off by half", dx="3 * dout")
KNOWN = "thrice::the_gradient_of_x_is_right: a lesson"


@pytest.fixture
def project(pytester, monkeypatch):
    """A project `mine` with a right and a wrong layer, and somebody else's plugin beside it."""
    site = pytester.mkdir("site")
    install(site, "mine", module(RIGHT, WRONG))
    install(site, "theirs", module(layer("Other")))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))

    def write(*ini):
        lines = ['[project]\nname = "Mine"\nversion = "1.0"\n[tool.pytest.ini_options]', *ini]
        pytester.path.joinpath("pyproject.toml").write_text("\n".join(lines), encoding="utf-8")
        return lambda *arguments: pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    return write


def test_nothing_is_collected_and_nothing_imported_until_it_is_asked_for(project, pytester):
    pytester.makepyfile("import sys\ndef test_a(): assert not {'fcframe', 'numpy', 'pydantic'} & set(sys.modules)")
    run = project()()
    run.assert_outcomes(passed=1)
    run.stdout.no_fnmatch_line("fcframe:*")


def test_the_module_that_pytest_imports_imports_nothing():
    code = "import sys, typing; before = set(sys.modules); import fcframe_pytest; print(*(set(sys.modules) - before))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert found.stdout.split() == ["fcframe_pytest"]


def test_the_id_that_pytest_printed_reruns_that_one_check(project):
    ask = project('fcframe = "true"')
    identity = "fcframe/layers/thrice::the_gradient_of_x_is_right[x=3x5]"
    run = ask(identity, "-v")
    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(["FAILED fcframe/layers/thrice::the_gradient_of_x_is_right?x=3x5?*"])
    assert project()(identity, "fcframe/layers/twice::the_dtype_is_kept[x=3x5]").parseoutcomes() == {
        "failed": 1, "passed": 1,
    }  # fmt: skip


def test_an_id_of_no_check_is_refused_with_a_suggestion(project):
    run = project()("fcframe/layers/thrice::the_gradient_of_y_is_right")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines(["*no check has the id 'fcframe/layers/thrice::the_gradient_of_y_is_right'*"])


def test_the_last_failed_alone_are_run_again(project, pytester):
    project('fcframe = "true"')
    first = pytester.runpytest_subprocess("-k", "x_is_right or twice and dtype").parseoutcomes()
    again = pytester.runpytest_subprocess("--lf").parseoutcomes()
    assert first["failed"] == again["failed"] > 0
    assert first["passed"] > 0
    assert "passed" not in again


@pytest.mark.parametrize("ask", ["--fcframe", 'fcframe = "true"', "fcframe = true", 'fcframe_plugins = "mine"'])
def test_once_asked_for_the_projects_components_are_checked_and_no_others(project, ask):
    option = [ask] if ask.startswith("--") else []
    run = project("" if option else ask)(*option, "--collect-only", "-q", "-v")
    run.stdout.fnmatch_lines(["fcframe: checks layer thrice, layer twice (plugin 'mine' of mine 1.0)"])
    run.stdout.fnmatch_lines(["*<ComponentNode twice>"])
    run.stdout.no_fnmatch_line("*<ComponentNode other>")
    assert run.ret == 0


def test_each_check_and_case_has_an_id_that_k_finds(project):
    run = project()("--fcframe", "-v", "-k", "twice and gradient_of_x")
    run.stdout.fnmatch_lines(["fcframe/layers/twice::the_gradient_of_x_is_right?x=3x5?*PASSED*"])
    assert run.ret == 0


def test_a_failure_shows_words_and_no_traceback(project):
    run = project()("--fcframe", "-k", "thrice and gradient_of_x")
    text = run.stdout.str()
    assert "dx is wrong in " in text
    assert "look at backward in mine_plugin.py:" in text
    assert "it is 1.5 times the right gradient" in text
    assert "Traceback" not in text
    assert "raise CheckFailedError" not in text
    assert "def runtest" not in text


def test_a_known_failure_is_expected(project):
    run = project(f"fcframe_known_failures = [{KNOWN!r}]")("--fcframe", "-rx", "-k", "thrice and gradient_of_x")
    assert run.parseoutcomes()["xfailed"] == 1
    run.stdout.fnmatch_lines(["XFAIL fcframe/layers/thrice::the_gradient_of_x_is_right*a lesson"])


def test_a_known_failure_that_passes_is_a_failure(project):
    known = KNOWN.replace("thrice", "twice")
    run = project(f"fcframe_known_failures = [{known!r}]")("--fcframe", "-k", "twice and gradient_of_x")
    assert run.parseoutcomes()["failed"] == 1
    run.stdout.fnmatch_lines(["*XPASS(strict)*a lesson*"])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "thirce::the_gradient_of_x_is_right: why",
            "*no component called 'thirce' is checked. Did you mean 'thrice'?*",
        ),
        ("thrice::the_gradient_of_y_is_right: why", "*no check called*Did you mean 'the_gradient_of_x_is_right'?*"),
        ("thrice::the_gradient_of_x_is_right", "*is not written as*"),
    ],
)
def test_a_known_failure_of_what_does_not_exist_is_refused(project, line, told):
    run = project(f"fcframe_known_failures = [{line!r}]")("--fcframe")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines([f"ERROR: fcframe: fcframe_known_failures: {told}"])


def test_a_plugin_that_is_not_installed_is_refused(project):
    run = project('fcframe_plugins = "mien"')()
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines(["ERROR: fcframe: fcframe_plugins: no plugin called 'mien'. Did you mean 'mine'?*"])


def test_a_project_without_a_plugin_is_told_what_to_do(project, pytester):
    ask = project()
    pytester.path.joinpath("pyproject.toml").write_text('[project]\nname = "nobody"\n[tool.pytest.ini_options]\n')
    run = ask("--fcframe")
    run.stderr.fnmatch_lines(["ERROR: fcframe: no installed plugin belongs to the project 'nobody'*pip install -e .*"])


def test_a_broken_plugin_of_the_project_fails(project, pytester):
    ask = project()
    pytester.path.joinpath("site", "mine_plugin.py").write_text("import nowhere_at_all\n")
    run = ask("--fcframe")
    run.assert_outcomes(failed=1)
    run.stdout.fnmatch_lines(["*plugin 'mine' of mine 1.0 is not usable: ModuleNotFoundError*"])


@pytest.mark.slow
def test_single_test_files_are_run_without_the_harness_unless_the_option_is_given(project, pytester):
    path = pytester.makepyfile("def test_a(): pass")
    ask = project('fcframe = "true"')
    ask(path).assert_outcomes(passed=1)
    assert ask(path, "--fcframe", "-k", "test_a or dtype").parseoutcomes()["passed"] > 10


@pytest.mark.slow
def test_the_closing_item_passes_on_a_whole_run_and_is_skipped_on_a_part(project):
    run = project()("--fcframe", "-k", "twice", "-v", "-rs")
    assert run.ret == 0
    run.stdout.fnmatch_lines(["fcframe/layers/twice::every_check_ran*PASSED*"])
    run = project()("--fcframe", "-k", "twice and (every_check_ran or gradient)", "-v")
    run.stdout.fnmatch_lines(["fcframe/layers/twice::every_check_ran*SKIPPED*"])


def test_without_the_plugin_nothing_is_known_of_it(project):
    run = project()("-p", "no:fcframe", "--fcframe")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert project()("-p", "no:fcframe").ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.slow
def test_everything_registered_passes_through_pytest(pytester):
    run = pytester.runpytest_subprocess("--fcframe-all", "-q", "-p", "no:cacheprovider")
    assert run.ret == 0, run.stdout.str()[-3000:]
    assert run.parseoutcomes()["passed"] > 5000
