"""A plugin of somebody else's: built, installed beside fcframe's wheel in an environment of its own, and used."""

import importlib.metadata
import json
import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import fcframe

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "tests" / "third_party" / "fcframe-swish"
VERSION = importlib.metadata.version("fcframe")
OURS = ("PYTHON", "VIRTUAL_ENV", "COLUMNS")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def run(*command, cwd, env=ENVIRONMENT):
    return subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True)


def done(*command, cwd):
    found = run(*command, cwd=cwd)
    assert found.returncode == 0, f"{' '.join(map(str, command))}\n{found.stdout}\n{found.stderr}"
    return found.stdout


def build(source, folder):
    """The wheel of the distribution in a folder."""
    done(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, source, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


class Environment:
    """A virtual environment with fcframe's wheel, and a folder to work in."""

    def __init__(self, folder):
        self.folder = folder
        done(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
        scheme = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
        self.scripts = Path(sysconfig.get_path("scripts", "venv", scheme))
        self.python = self.scripts / Path(sys.executable).name

    def pip(self, *arguments):
        return done(self.python, "-m", "pip", "--disable-pip-version-check", *arguments, cwd=self.folder)

    def fcframe(self, *arguments):
        """Exit code, lines of output, and lines of complaint."""
        found = run(self.scripts / "fcframe", *arguments, cwd=self.folder)
        return found.returncode, found.stdout.splitlines(), found.stderr.splitlines()


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    probe = run(
        sys.executable, "-m", "pip", "download", "--no-deps", "hatchling", "--dest", folder / "probe", cwd=folder
    )
    if probe.returncode:
        pytest.skip(f"no package index to take dependencies from: {probe.stderr.strip().splitlines()[-1]}")
    wheels = folder / "wheels"
    wheels.mkdir()
    made = Environment(folder)
    made.pip("install", build(ROOT, wheels))
    return made


@pytest.fixture(scope="module")
def swish(tmp_path_factory):
    return build(TEMPLATE, tmp_path_factory.mktemp("swish"))


@pytest.fixture
def install(environment):
    """Installs a wheel for the length of a test."""
    names = []

    def install(wheel):
        environment.pip("install", "--no-deps", "--no-index", wheel)
        names.append(wheel.name.partition("-")[0])

    yield install
    if names:
        environment.pip("uninstall", "--yes", *names)


def changed(folder, name, *, module=None):
    """A copy of the template under another name."""
    source = folder / name
    shutil.copytree(TEMPLATE, source, ignore=shutil.ignore_patterns("__pycache__"))
    project = (source / "pyproject.toml").read_text(encoding="utf-8")
    new_module = name.replace("-", "_")
    project = project.replace('"fcframe-swish"', f'"{name}"').replace('"fcframe_swish"', f'"{new_module}"')
    (source / "pyproject.toml").write_text(project, encoding="utf-8")
    text = (source / "fcframe_swish.py").read_text(encoding="utf-8")
    (source / "fcframe_swish.py").unlink()
    (source / f"{new_module}.py").write_text(module or text, encoding="utf-8")
    (folder / "wheels").mkdir()
    return build(source, folder / "wheels")


def listed(environment, name):
    code, lines, complaints = environment.fcframe("list")
    assert (code, complaints) == (0, [])
    return [line for line in lines if name in line.split()]


def experiment(environment, activation):
    spec = json.loads((ROOT / "specs" / "digits.json").read_text(encoding="utf-8"))
    spec["network"]["layers"][1] = activation
    spec["training"]["epochs"] = 3
    path = environment.folder / f"{activation['type'].replace(':', '-')}.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return path


@pytest.mark.slow
def test_from_the_wheel_alone_everything_bundled_works(environment, tmp_path):
    where = done(environment.python, "-c", "import fcframe; print(fcframe.__file__)", cwd=environment.folder)
    assert Path(where.strip()).is_relative_to(environment.folder / "venv")
    code, lines, complaints = environment.fcframe("list", "--json")
    found = json.loads("\n".join(lines))
    registry = fcframe.registry()
    bundled = [(made.kind, made.type) for made in registry if registry.origin(made).distribution == "fcframe"]
    assert (code, complaints, found["not_usable"]) == (0, [], [])
    assert [(item["kind"], item["type"]) for item in found["components"]] == bundled
    assert {(item["distribution"], item["version"]) for item in found["components"]} == {("fcframe", VERSION)}
    spec = experiment(environment, {"type": "relu"})
    assert environment.fcframe("check", "--data", spec) == (0, [f"{spec}: valid, 3 layers, 7,510 parameters"], [])
    code, lines, complaints = environment.fcframe("train", spec, "--out", tmp_path / "run", "--json")
    assert (code, complaints) == (0, [])
    assert json.loads("\n".join(lines))["test"]["test_acc"] > 0.9
    assert environment.fcframe("schema")[0] == 0
    code, _, complaints = environment.fcframe("check", experiment(environment, {"type": "swish"}))
    assert code == 2
    assert "no layer called 'swish'" in complaints[0]


@pytest.mark.slow
def test_an_installed_layer_is_listed_described_and_trained(environment, install, swish, tmp_path):
    install(swish)
    (line,) = listed(environment, "swish")
    assert line.split()[:5] == ["layer", "swish", "swish", "fcframe-swish", "1.0"]
    code, lines, _ = environment.fcframe("describe", "swish")
    assert (code, lines[0]) == (0, "swish (layer), from plugin 'swish' of fcframe-swish 1.0")
    assert any(line.split()[:3] == ["beta", "number", ">"] for line in lines)
    spec = experiment(environment, {"type": "swish", "beta": 1.5})
    code, lines, complaints = environment.fcframe("train", spec, "--out", tmp_path / "run")
    assert (code, complaints) == (0, [])
    assert lines[-1] == f"run: {tmp_path / 'run'}"
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert summary["test"]["test_acc"] > 0.9
    assert summary["versions"].items() >= {"fcframe": VERSION, "fcframe-swish": "1.0"}.items()


@pytest.mark.slow
def test_a_type_of_two_distributions_is_refused_by_its_bare_name_and_works_by_its_long_one(
    environment, install, swish, tmp_path
):
    install(swish)
    install(changed(tmp_path, "other-swish"))
    code, _, complaints = environment.fcframe("check", experiment(environment, {"type": "swish"}))
    assert (code, len(complaints)) == (2, 1)
    assert "Write 'fcframe-swish:swish' or 'other-swish:swish'" in complaints[0]
    assert environment.fcframe("check", experiment(environment, {"type": "relu"}))[0] == 0
    spec = experiment(environment, {"type": "other-swish:swish"})
    code, _, complaints = environment.fcframe("train", spec, "--out", tmp_path / "run")
    assert (code, complaints) == (0, [])
    written = tmp_path / "run" / "spec.json"
    assert json.loads(written.read_text(encoding="utf-8"))["network"]["layers"][1]["type"] == "other-swish:swish"
    assert environment.fcframe("check", written)[0] == 0


@pytest.mark.slow
def test_a_broken_plugin_is_listed_as_not_usable_and_the_rest_works(environment, install, tmp_path):
    install(changed(tmp_path, "broken-swish", module="import fcframe\nimport nowhere_at_all\n"))
    code, lines, complaints = environment.fcframe("list")
    assert (code, complaints) == (0, [])
    assert lines[-1].startswith(
        "plugin 'swish' of broken-swish 1.0 is not usable: ModuleNotFoundError: No module named 'nowhere_at_all' ("
    )
    assert "broken_swish.py:2). Correct it, install another version of broken-swish, or disable it: " in lines[-1]
    assert environment.fcframe("check", experiment(environment, {"type": "relu"}))[0] == 0
    code, _, complaints = environment.fcframe("check", experiment(environment, {"type": "swish"}))
    assert (code, len(complaints)) == (2, 1)
    assert "plugin 'swish' of broken-swish 1.0 is not usable" in complaints[0]


def test_the_templates_gradient_is_right():
    layer = runpy.run_path(str(TEMPLATE / "fcframe_swish.py"))["Swish"](beta=1.7)
    x, dout, ctx = np.linspace(-5, 5, 24).reshape(4, 6), np.linspace(1, 2, 24).reshape(4, 6), fcframe.Context()
    _, cache = layer.forward(x, {}, ctx)
    dx, _ = layer.backward(dout, cache, ctx)
    high, low = (layer.forward(x + h, {}, ctx)[0] for h in (1e-5, -1e-5))
    np.testing.assert_allclose(dx, dout * (high - low) / 2e-5, atol=1e-9)


@pytest.mark.slow
def test_an_installed_layer_is_verified_by_the_command_and_by_pytest(environment, install, swish, tmp_path):
    install(swish)
    code, lines, complaints = environment.fcframe("gradcheck", "swish")
    assert (code, complaints) == (0, [])
    assert [line.split()[:2] for line in lines[1:]] == [["layer", "swish"]]
    assert environment.fcframe("gradcheck", "--plugin", "fcframe-swish")[0] == 0
    environment.pip("install", "pytest")
    ini = (TEMPLATE / "pyproject.toml").read_text(encoding="utf-8") + '\n[tool.pytest.ini_options]\nfcframe = "true"\n'
    (tmp_path / "pyproject.toml").write_text(ini, encoding="utf-8")
    found = done(environment.python, "-m", "pytest", cwd=tmp_path)
    assert "fcframe: checks layer swish (plugin 'swish' of fcframe-swish 1.0)" in found
    assert " passed" in found
