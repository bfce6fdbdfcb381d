"""Providers of kernels: which one runs, and what is said of one that cannot."""

import json
import re
import subprocess
import sys
from contextlib import contextmanager, suppress

import numpy as np
import pytest

import fcframe
from fcframe import providers, threads
from fcframe.kernels import NUMPY, Kernels
from fcframe.plugins import load
from fcframe.providers import running
from tests.cli.shell import experiment
from tests.cli.shell import fcframe as shell
from tests.test_registry import Site, site  # noqa: F401 - a fixture
from tests.training.toys import experiment as toy
from tests.verify import plugins

RAPID = '''
import fcframe

class Rapid(fcframe.Kernels):
    """Says that it runs."""

    name = "rapid"

    def __init__(self, threads=1):
        {loading}
        super().__init__(threads)

    @classmethod
    def lacks(cls):
        {lacks}

    def versions(self):
        {versions}

@fcframe.hookimpl
def fcframe_kernels():
    return [{announced}]
'''


def rapid(*, name="rapid", loading="pass", lacks="return ''", announced="Rapid", versions='return {"engine": "7.1"}'):
    source = RAPID.format(loading=loading, lacks=lacks, announced=announced, versions=versions)
    return source.replace('"rapid"', repr(name))


@pytest.fixture
def installed(site, monkeypatch):  # noqa: F811
    """Installs providers of these names, and makes them those that the installation has."""

    def install(**sources):
        for name, source in sources.items():
            site.install(name, source)
        monkeypatch.setenv("FCFRAME_DISABLE_PLUGINS", "fast")
        registry = load()
        monkeypatch.setattr(providers, "installed", lambda: registry)
        return registry

    monkeypatch.delenv(providers.VARIABLE, raising=False)
    return install


def spec():
    return fcframe.load_spec({"input": [3], "layers": [{"type": "affine", "units": 2}], "loss": {"type": "mse"}})


# Which one runs.


def test_without_a_provider_numpy_runs(installed):
    installed()
    assert providers.choose() is NUMPY
    assert fcframe.build(spec()).kernels is NUMPY


def test_a_provider_that_works_is_used_unless_numpy_is_named(installed, monkeypatch):
    installed(some=rapid())
    assert fcframe.build(spec()).kernels.name == "rapid"
    assert fcframe.build(spec(), kernels="numpy").kernels is NUMPY
    monkeypatch.setenv(providers.VARIABLE, "numpy")
    assert fcframe.build(spec()).kernels is NUMPY
    assert fcframe.build(spec(), kernels="rapid").kernels.name == "rapid"


def test_of_several_the_first_by_name_is_used_and_each_can_be_named(installed):
    installed(a=rapid(name="slow"), b=rapid(name="quick"))
    assert providers.choose().name == "quick"
    assert providers.choose("slow").name == "slow"


def test_a_provider_itself_can_be_handed_in():
    class Own(fcframe.Kernels):
        name = "own"

    kernels = Own()
    network = fcframe.build(spec(), kernels=kernels)
    assert network.kernels is kernels
    assert network.scores(np.zeros((1, 3))).shape == (1, 2)


def test_a_provider_s_class_can_be_handed_in_and_is_made_for_the_threads_in_force():
    class Own(fcframe.Kernels):
        name = "own"

    with threads.limited(1):
        kernels = fcframe.build(spec(), kernels=Own).kernels
    assert isinstance(kernels, Own)
    assert kernels.threads == 1
    assert isinstance(fcframe.train(toy(epochs=1), kernels=Own).network.kernels, Own)


def refuses(self, threads):
    raise OSError("no engine")


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("__init__", r"^kernels 'own' are not usable: OSError: no engine$"),
        ("limited", r"^kernels 'own': limited\(1\) raised OSError: no engine$"),
    ],
)
def test_a_provider_s_class_that_cannot_be_used_is_refused(method, said):
    with pytest.raises(fcframe.PluginError, match=said):
        fcframe.train(toy(epochs=1), kernels=type("Own", (fcframe.Kernels,), {"name": "own", method: refuses}))


class Grip(Kernels):
    """Is held to its threads in some wrong way."""

    name = "grip"
    way = None

    def limited(self, threads):
        return type(self).way(self)

    @contextmanager
    def keeping(self):
        yield
        raise KeyError("the pool")

    @contextmanager
    def swallowing(self):
        with suppress(BaseException):
            yield


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (lambda _: None, "limited(1) returned None, expected a context manager"),
        (lambda grip: grip.keeping(), "the end of limited(1) raised KeyError: 'the pool'"),
    ],
    ids=["nothing is returned", "the end raises"],
)
def test_a_provider_that_breaks_the_contract_of_limited_is_named_and_the_harness_finds_it(way, said, monkeypatch):
    monkeypatch.setattr(Grip, "way", way)
    with pytest.raises(fcframe.PluginError) as refused:
        fcframe.train(toy(epochs=1), kernels=Grip)
    assert str(refused.value) == f"kernels 'grip': {said}"
    failures = fcframe.gradcheck(Grip, checks=["it_keeps_to_the_thread_limit", "it_rectifies"]).failures
    assert {failure.check for failure in failures} == {"it_keeps_to_the_thread_limit"}
    assert failures[0].message == f"kernels 'grip': {said}"


def test_a_provider_swallows_nothing_of_what_goes_wrong_in_a_training(monkeypatch):
    monkeypatch.setattr(Grip, "way", Grip.swallowing)
    with pytest.raises(ZeroDivisionError), running(Grip, 1):
        raise ZeroDivisionError


def test_one_that_nobody_named_and_that_cannot_be_held_is_passed_over(monkeypatch, caplog):
    monkeypatch.setattr(Grip, "way", lambda _: None)
    monkeypatch.setattr(providers, "choose", lambda wanted, registry: Grip())
    monkeypatch.delenv("FCFRAME_KERNELS", raising=False)
    with running(None, 1) as found:
        assert found is NUMPY
    assert "kernels 'grip': limited(1) returned None, expected a context manager; other kernels are used" in caplog.text


def test_what_goes_wrong_while_a_provider_is_held_to_its_threads_is_not_taken_for_its_fault():
    with pytest.raises(ZeroDivisionError), running("numpy", 1):
        raise ZeroDivisionError


class Counted(Kernels):
    """Writes down each limit."""

    name = "counted"

    def __init__(self, threads=1):
        super().__init__(threads)
        self.limits = []

    @contextmanager
    def limited(self, threads):
        with super().limited(threads):
            self.limits.append(threads)
            yield
            self.limits.append("over")


def test_a_training_holds_the_kernels_to_its_own_threads_whatever_they_were_made_for():
    kernels = Counted(threads=7)
    fcframe.train(toy(epochs=1), kernels=kernels, threads=1)
    assert kernels.limits == [1, "over"]


def test_a_provider_is_told_how_many_threads_it_has(installed):
    installed(some=rapid())
    assert providers.choose().threads == threads.count()


# What is refused.


def test_an_unknown_name_is_refused_with_what_there_is(installed, monkeypatch):
    installed(some=rapid())
    with pytest.raises(
        fcframe.SpecError,
        match=r"^kernels: no kernels called 'rapit'. Did you mean 'rapid'\? Known: numpy, rapid$",
    ):
        fcframe.build(spec(), kernels="rapit")
    monkeypatch.setenv(providers.VARIABLE, "numppy")
    with pytest.raises(fcframe.SpecError, match=r"^FCFRAME_KERNELS: no kernels called 'numppy'. Did you mean 'numpy'"):
        fcframe.build(spec())


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (rapid(lacks="return 'this is no Cray'"), "this is no Cray"),
        (rapid(lacks="return 1 / 0"), "its lacks() raised ZeroDivisionError: division by zero"),
        (rapid(lacks="pass"), "its lacks() returned None, expected text"),
        (rapid(lacks="return 0"), "its lacks() returned 0, expected text"),
        (rapid(loading="import missing_library"), "ModuleNotFoundError: No module named 'missing_library'"),
        (rapid(loading="raise SystemExit('no licence')"), "SystemExit: no licence"),
    ],
    ids=["lacks", "lacks raises", "lacks says nothing", "lacks says a number", "import", "exit"],
)
def test_one_that_cannot_be_used_is_refused_by_name_and_numpy_runs_without_one(installed, source, reason, caplog):
    installed(some=source)
    with pytest.raises(fcframe.PluginError) as refused:
        providers.choose("rapid")
    assert str(refused.value) == f"kernels 'rapid' are not usable: {reason}"
    assert providers.choose() is NUMPY
    unforeseen = [record.getMessage() for record in caplog.records]
    line = f"fcframe: kernels 'rapid' are not usable: {reason}; other kernels are used"
    assert unforeseen == ([line] if providers.name_in_use(providers.installed()) == "rapid" else [])


@pytest.mark.parametrize("wanted", [3, b"numpy", int, ["numpy"]])
def test_what_is_neither_a_name_nor_a_provider_is_refused_in_a_line(wanted):
    line = f"kernels: expected a provider's name, class or instance, got {wanted!r}"
    with pytest.raises(fcframe.SpecError, match=f"^{re.escape(line)}$"):
        fcframe.build(spec(), kernels=wanted)


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        ("raise RuntimeError('nobody\\nknows')", "raised RuntimeError: nobody knows"),
        ("return None", "returned None, expected a dict of texts"),
        ("return {'engine': 7}", "returned {'engine': 7}, expected a dict of texts"),
    ],
    ids=["raises", "nothing", "a number"],
)
def test_versions_that_cannot_be_written_down_are_refused_before_the_training(installed, tmp_path, versions, reason):
    class Steps:
        @fcframe.hookimpl
        def fcframe_training_start(self, training):
            raise AssertionError("it trains")

    registry = installed(some=rapid(versions=versions))
    line = f"kernels 'rapid', plugin 'some' of some 1.0: versions() {reason}"
    with pytest.raises(fcframe.PluginError, match=f"^{re.escape(line)}$"):
        fcframe.train(toy(epochs=1), kernels="rapid", out=tmp_path / "run", observers=[Steps()], registry=registry)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("announced", "reason"),
    [
        ("int", "<class 'int'> does not provide kernels: it must be a class that derives from fcframe.Kernels"),
        ("Rapid, Rapid", "the plugin registers the kernels 'rapid' 2 times"),
        ("fcframe.Kernels", "Kernels needs a name of its own, name = \"…\", got 'numpy'"),
    ],
    ids=["a class of something else", "twice", "without a name"],
)
def test_a_plugin_that_announces_something_else_is_quarantined(installed, announced, reason):
    (broken,) = installed(some=rapid(announced=announced)).quarantined
    assert broken.reason == reason


def test_a_plugin_that_raises_is_quarantined_and_may_be_the_one_that_is_meant(installed):
    installed(some=rapid(announced="1 / 0"))
    with pytest.raises(fcframe.SpecError, match=r"no kernels called 'rapid'.*belong to plugin 'some'.*ZeroDiv"):
        providers.choose("rapid")


def test_kernels_that_two_plugins_provide_are_refused_by_their_bare_name(site):  # noqa: F811
    site.install("one", rapid()).install("two", rapid())
    registry = site.load()
    with pytest.raises(fcframe.SpecError, match=r"the kernels 'rapid' is provided by plugin 'one' .* 'two'"):
        providers.choose("rapid", registry=registry)
    assert providers.choose("two:rapid", registry=registry).name == "rapid"


# On the command line.


def test_a_run_says_which_kernels_ran_and_what_they_stand_on(tmp_path):
    plugins.install(tmp_path / "site", "some", rapid())
    (tmp_path / "spec.json").write_text(json.dumps(experiment()))
    done = shell("train", "spec.json", "--kernels", "rapid", "--json", cwd=tmp_path, PYTHONPATH=str(tmp_path / "site"))
    assert done.json["kernels"] == "rapid"
    summary = (tmp_path / done.json["path"] / "summary.json").read_text()
    assert '"engine": "7.1"' in summary
    assert '"some": "1.0"' in summary


def test_list_shows_providers_and_which_is_in_use(tmp_path):
    plugins.install(tmp_path / "site", "some", rapid())
    plugins.install(tmp_path / "site", "other", rapid(name="absent", lacks="return 'its wheel is missing'"))
    path = {"PYTHONPATH": str(tmp_path / "site"), "FCFRAME_KERNELS": "rapid"}
    lines = shell("list", cwd=tmp_path, **path).out.splitlines()
    assert ["rapid", "some", "some", "1.0"] in [line.split()[:4] for line in lines]
    assert "kernels 'absent' are not usable: its wheel is missing" in lines
    assert lines[-1] == "kernels in use: rapid"
    facts = shell("list", "--json", cwd=tmp_path, **path).json["kernels"]
    assert facts["in_use"] == "rapid"
    assert {"name": "absent", "not_usable": "its wheel is missing"}.items() <= facts["providers"][1].items()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("numppy", "kernels: no kernels called 'numppy'. Did you mean 'numpy'? Known: "),
        ("absent", "kernels 'absent' are not usable: its wheel is missing"),
    ],
)
def test_training_with_kernels_that_are_not_there_ends_in_a_line(tmp_path, name, told):
    plugins.install(tmp_path / "site", "other", rapid(name="absent", lacks="return 'its wheel is missing'"))
    (tmp_path / "spec.json").write_text(json.dumps(experiment()))
    done = shell("train", "spec.json", "--kernels", name, cwd=tmp_path, PYTHONPATH=str(tmp_path / "site"))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"fcframe: {told}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--help"], ["check", "specs/digits.json"], ["list"]], ids=lambda words: words[0]
)
def test_what_trains_nothing_loads_no_kernels(arguments):
    code = (
        "import sys; from fcframe.cli.program import commands\n"
        f"commands.main({arguments}, standalone_mode=False)\n"
        "assert not {'numba', 'llvmlite', 'threadpoolctl'}.intersection(sys.modules)\n"
        "maps = open('/proc/self/maps').read() if sys.platform == 'linux' else ''\n"
        "assert 'libmkl' not in maps\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
