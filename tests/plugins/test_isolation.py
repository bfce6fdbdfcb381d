"""What a plugin does beside announcing components, and what is installed beside plugins, harms nobody."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pytest

import fcframe
from fcframe.plugins import installed, load
from tests.cli.shell import write
from tests.test_registry import ECHO, LAYER, QUIET, REGISTER, network, site  # noqa: F401 - a fixture


def command(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", "from fcframe.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(folder)} | environment,
    )


# What it prints.


@pytest.mark.parametrize("arguments", [["schema"], ["list", "--json"], ["check", "--json", "specs/digits.json"]])
def test_standard_output_holds_the_json_alone_whatever_plugins_print(site, arguments):  # noqa: F811
    noisy = "import sys\nprint('noisy loaded')\nsys.stdout.write('and written')\n"
    (site.folder / "parts.py").write_text("print('noisy part')\n" + LAYER)
    hook = REGISTER.replace("return [Echo]", "print('noisy hook'); return ['layer echo = parts:Echo']")
    site.install("noisy", noisy + "import fcframe\n" + hook)
    found = command(site.folder, *arguments)
    assert found.returncode == 0, found.stderr
    json.loads(found.stdout)
    assert "noisy loaded" in found.stderr
    assert "noisy hook" in found.stderr


# What it changes.

CHANGES = {
    "NumPy's error state": ("import numpy; numpy.seterr(all='raise')", np.geterr),
    "the state of Python's random module": ("import random; random.seed(5)", random.getstate),
    "NumPy's global random state": ("import numpy; numpy.random.seed(5)", lambda: np.random.get_state()[1].tolist()),  # noqa: NPY002
    "Python's recursion limit": ("import sys; sys.setrecursionlimit(5000)", sys.getrecursionlimit),
    "the filters of warnings": ("import warnings; warnings.simplefilter('ignore')", lambda: list(warnings.filters)),
    "the signal handlers": (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        lambda: signal.getsignal(signal.SIGTERM),
    ),
    "the current folder": ("import os; os.chdir('/')", os.getcwd),
    "sys.stdout": ("import sys; sys.stdout = None", lambda: sys.stdout),
}


@pytest.mark.parametrize("when", ["imported", "asked", "referred to"])
@pytest.mark.parametrize(("what", "change", "state"), [(what, *rest) for what, rest in CHANGES.items()], ids=CHANGES)
def test_what_a_plugin_changes_while_it_is_loaded_is_put_back_and_the_plugin_named(
    site,  # noqa: F811
    caplog,
    what,
    change,
    state,
    when,
):
    np.random.get_state()  # noqa: NPY002 - it is made where it is first asked for
    if when == "imported":
        site.install("some", f"{change}\n{ECHO}")
    elif when == "asked":
        site.install("some", ECHO.replace("    return [Echo]", f"    {change}\n    return [Echo]"))
    else:
        (site.folder / "parts.py").write_text(f"{change}\n{LAYER}")
        site.install("some", QUIET.replace("[]", "['layer echo = parts:Echo']"))
    before = state()
    registry = site.load()
    assert registry.layers["echo"].type == "echo"
    assert state() == before
    (line,) = [record.getMessage() for record in caplog.records]
    assert "plugin 'some' of some 1.0 changed " in line
    assert what in line
    assert "restored" in line


def test_a_plugin_may_filter_its_own_warnings(site, caplog):  # noqa: F811
    site.install("some", f"import warnings\nwarnings.filterwarnings('ignore', message='mine')\n{ECHO}")
    with warnings.catch_warnings():
        site.load()
        assert any(entry[1] is not None and entry[1].pattern == "mine" for entry in warnings.filters)
    assert not caplog.records


# What is left out.


@pytest.mark.parametrize("name", ["some", "Some.Layers", "some-layers", "other, some", "__all__"])
def test_a_plugin_can_be_left_out_by_its_name_or_its_distribution_s(site, monkeypatch, name):  # noqa: F811
    site.install("some-layers", "raise SystemExit\n", entry_point="some")
    monkeypatch.setenv("FCFRAME_DISABLE_PLUGINS", name)
    registry = site.load_beside_the_bundled()
    assert registry.quarantined == ()
    assert "some" in [plugin.name for plugin in registry.left_out]
    assert "relu" in registry.layers
    with pytest.raises(LookupError, match=r"plugin 'some' of some-layers 1.0, which FCFRAME_DISABLE_PLUGINS disables"):
        registry.find("layer", "echo")


def test_the_plugin_that_ends_the_process_can_be_found(site):  # noqa: F811
    site.install("deadly", "import os\nos._exit(0)\n")
    found = command(site.folder, "check", "specs/digits.json", FCFRAME_TRACE_PLUGINS="1")
    assert found.stderr.splitlines()[-1] == "fcframe: loading plugin 'deadly' of deadly 1.0"
    saved = command(site.folder, "check", "specs/digits.json", FCFRAME_DISABLE_PLUGINS="deadly")
    assert (saved.returncode, saved.stderr) == (0, "")


# What is installed beside it.


def distribution(folder, name, entry_points=b"", metadata=None):
    made = folder / f"{name}-1.0.dist-info"
    made.mkdir()
    (made / "entry_points.txt").write_bytes(entry_points)
    if metadata is not None:
        (made / "METADATA").write_text(metadata)
    return made


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00nonsense", b"[console_scripts]\nno equals sign\n", b"no section", b"[", b"=\n[other]\nx=\n", b""],
)
def test_a_distribution_that_is_no_plugin_is_passed_over_whatever_its_metadata(site, content):  # noqa: F811
    distribution(site.folder, "broken", content)
    distribution(site.folder, "nameless", content, "Version: 1\n")
    registry = site.install("some", ECHO).load()
    assert list(registry.layers) == ["echo"]
    assert registry.quarantined == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[fcframe]\nsome = \xff\n", "entry_points.txt is not text in UTF-8 (byte 17)"),
        (b"[fcframe]\nsome\n", "expected a line like name = module, got 'some'"),
        (b"[fcframe]\nsome = a b c\n", "expected a line like name = module, got 'some = a b c'"),
        (b"[fcframe]\n = some\n", "expected a line like name = module, got '= some'"),
    ],
)
def test_a_plugin_whose_entry_points_cannot_be_read_is_named_with_its_folder(site, content, reason):  # noqa: F811
    folder = distribution(site.folder, "broken", content, "Name: broken\nVersion: 2.0\n")
    registry = site.install("good", ECHO).load()
    assert list(registry.layers) == ["echo"]
    (fault,) = registry.quarantined
    assert reason in fault.reason
    assert fault.place == str(folder)
    assert "broken 2.0" in str(fault)


@pytest.mark.parametrize("metadata", [None, "", "Version: 3.0\n", "Metadata-Version: 2.1\n\nName: elsewhere\n"])
def test_a_plugin_without_a_name_in_its_metadata_is_called_as_its_folder(site, metadata):  # noqa: F811
    (site.folder / "parts.py").write_text(ECHO)
    distribution(site.folder, "some_layers", b"[fcframe]\nsome = parts\n", metadata)
    (plugin,) = site.load().plugins
    assert plugin.distribution == "some_layers"
    assert plugin.version == ("3.0" if metadata and "3.0" in metadata else "1.0")


@pytest.mark.parametrize("folder", ["some.egg-info", "some-1.0-py3.11.egg-info", "some-1.0-py3.11.egg/EGG-INFO"])
def test_a_plugin_is_found_in_the_metadata_of_older_installers(site, folder):  # noqa: F811
    (site.folder / "parts.py").write_text(ECHO)
    made = site.folder / folder
    made.mkdir(parents=True)
    (made / "entry_points.txt").write_text("[fcframe]\nsome = parts\n")
    (made / "PKG-INFO").write_text("Name: some\nVersion: 1.0\n")
    registry = load([str(made.parent), str(site.folder)])
    assert [str(plugin) for plugin in registry.plugins] == ["plugin 'some' of some 1.0"]


def test_a_plugin_is_found_in_an_archive_on_the_path(site):  # noqa: F811
    with zipfile.ZipFile(site.folder / "packed.zip", "w") as archive:
        archive.writestr("packed_plugin.py", ECHO)
        archive.writestr("packed-1.0.dist-info/entry_points.txt", "[fcframe]\npacked = packed_plugin\n")
        archive.writestr("packed-1.0.dist-info/METADATA", "Name: packed\nVersion: 1.0\n")
    (found,) = installed.find([str(site.folder / "packed.zip")])
    assert str(found.plugin) == "plugin 'packed' of packed 1.0"


def test_escape_sequences_are_shown_as_text(site):  # noqa: F811
    site.install("some", "raise ValueError('\\x1b[31mred')\n", version="1.0\x1b[2J")
    (fault,) = site.load().quarantined
    assert "\x1b" not in str(fault)
    assert "\\x1b[31mred" in str(fault)


# Names that the framework uses.

SHADOWS = {
    "the kind": ('kind = "max"', "has kind = 'max', which shadows Layer.kind ('layer')"),
    "the plural": ('plural = "maxes"', "has plural = 'maxes', which shadows Layer.plural"),
    "a method by a field": ("inner: int = 3", "has a field 'inner', which shadows Layer.inner"),
    "an abstract method by a field": ("forward: int = 3", "has a field 'forward', which shadows Layer.forward"),
    "a fact by a field": ("stochastic: bool = True", "has a field 'stochastic', which shadows Layer.stochastic"),
    "a method by a number": (
        "parameters: __import__('typing').ClassVar = 3",
        "has parameters = 3, which shadows the method Layer.parameters",
    ),
    "the type by a field": ("type: str = 'x'", "the field 'type' shadows the component's name"),
    "a field of the framework's": ("trainable: float = 1.0", "has a field 'trainable' of another type"),
    "examples of a wrong type": ("examples = ({'units': 5},)", "expected a tuple of fcframe.Example"),
    "rejected of a wrong type": ("rejected = 5", "expected a tuple of fcframe.Rejected"),
    "a number below the smallest": ("minimum_batch = 0", "has minimum_batch = 0, expected a value like"),
    "a truth value for a number": ("minimum_batch = True", "has minimum_batch = True, expected a value like"),
    "a method for a fact": ("def stochastic(self): return True", "has stochastic = a method (line "),
    "a method for names": ("def also_called(self): pass", "has also_called = a method (line "),
    "a property for names": ("also_called = property(lambda self: ())", "expected a tuple of names, such as ("),
    "a string for names": (
        "also_called = 'sq'",
        "has also_called = 'sq', expected a tuple of names, such as (\"sq\",)",
    ),
    "numbers for names": ("also_called = (1,)", "has also_called = (1,), expected a tuple of names"),
    "a method with an argument too few": (
        "def inner(self): return ()",
        "which cannot be called like Layer.inner: write inner(self, input_shape)",
    ),
    "a method with an argument too many": (
        "def parameters(self, input_shape, more): return {}",
        "has parameters(self, input_shape, more) (",
    ),
    "a method with a keyword alone": (
        "def state(self, *, input_shape): return {}",
        "cannot be called like Layer.state",
    ),
    "a method without the object": ("def inner(): return ()", "has inner() ("),
    "a static method with the object": (
        "@staticmethod\n    def inner(self, input_shape): return ()",
        "cannot be called like Layer.inner",
    ),
    "a property for a method": ("inner = property(lambda self: ())", "has a property inner ("),
    "an initialization of its own": ("def __init__(self, a): pass", "has __init__(self, a) ("),
    "a fact of a wrong type": ("stochastic = 'sometimes'", "has stochastic = 'sometimes', expected a value like"),
}


@pytest.mark.filterwarnings("ignore:Field name")
@pytest.mark.parametrize(("line", "reason"), SHADOWS.values(), ids=SHADOWS)
def test_a_class_that_takes_a_name_of_the_framework_s_is_quarantined_alone(site, line, reason):  # noqa: F811
    bad = LAYER.replace("Echo", "Bad")
    if line.startswith("type"):
        bad = bad.replace('type = "echo"', line)
    else:
        bad = bad.replace('type = "echo"', f'type = "bad"\n    {line}')
    if line.startswith("forward"):
        bad = bad.replace("def forward", "def forwards")
    site.install("some", LAYER + bad + REGISTER.replace("[Echo]", "[Echo, Bad]"))
    registry = site.load()
    assert list(registry.layers) == ["echo"]
    (fault,) = registry.quarantined
    assert reason in fault.reason
    assert "Bad" in fault.reason


CALLABLE = {
    "with other names": "def inner(self, shape): return ()",
    "with more that may be left out": "def inner(self, input_shape, more=3): return ()",
    "with any arguments": "def inner(self, *arguments): return ()",
    "static": "@staticmethod\n    def inner(input_shape): return ()",
    "of the class": "@classmethod\n    def inner(cls, input_shape): return ()",
    "a function": "inner = lambda self, input_shape: ()",
    "a partial function": "inner = __import__('functools').partialmethod(lambda self, x, input_shape: (), 3)",
    "the initialization": "def __init__(self, **fields): super().__init__(**fields)",
    "a property for a fact": "stochastic = property(lambda self: True)",
    "a list of names": "also_called = ['echoes']",
}


@pytest.mark.parametrize("line", CALLABLE.values(), ids=CALLABLE)
def test_a_method_that_can_be_called_as_the_framework_does_is_taken(site, line):  # noqa: F811
    site.install("some", ECHO.replace('type = "echo"', f'type = "echo"\n    {line}'))
    registry = site.load()
    assert registry.quarantined == ()
    assert registry.layers["echo"]().output_shape((3,)) == (3,)


def test_a_method_that_cannot_be_called_is_named_with_its_file_and_line(site):  # noqa: F811
    bad = ECHO.replace("def output_shape(self, input_shape):", "def output_shape(self):")
    (fault,) = site.install("some", bad).load().quarantined
    assert fault.reason == (
        f"Echo ('echo') has output_shape(self) ({site.file('some', 9)}), which cannot be called like "
        "Layer.output_shape: write output_shape(self, input_shape)"
    )


def test_a_spec_that_names_a_class_that_was_not_registered_gets_the_reason_alone(site):  # noqa: F811
    site.install("some", ECHO.replace('type = "echo"', 'type = "echo"\n    inner: int = 3'))
    site.install("more", "raise ValueError('not now')\n")
    write(site.folder / "echo.json", network("echo"))
    expected = (
        "layer 'echo' of plugin 'some' of some 1.0 is not usable: Echo ('echo') has a field 'inner', which shadows "
        "Layer.inner: rename it. Correct it, or install another version of some\n"
    )
    checked = command(site.folder, "check", str(site.folder / "echo.json"))
    assert checked.stderr == f"fcframe: {site.folder / 'echo.json'}: layers[0].type: {expected}"
    for arguments in (["gradcheck", "echo"], ["describe", "some:echo"], ["list", "echo"]):
        assert command(site.folder, *arguments).stderr == f"fcframe: {expected}"
    assert command(site.folder, "list", "relu").stderr == ""


def test_an_unknown_name_may_belong_to_the_plugins_of_which_the_names_are_not_known(site):  # noqa: F811
    site.install("some", ECHO.replace('type = "echo"', 'type = "echo"\n    inner: int = 3'))
    registry = site.load()
    with pytest.raises(LookupError, match=r"Registered: none$"):
        registry.find("layer", "mist")
    site.install("more", "raise ValueError('not now')\n")
    with pytest.raises(LookupError, match=r"\. It may belong to a broken plugin: plugin 'more' of more 1\.0 is not"):
        site.load().find("layer", "mist")
    site.install("most", "raise ValueError('not now')\n")
    origins = "It may belong to plugin 'more' of more 1.0, which is not usable, or to plugin 'most' of most 1.0, which"
    with pytest.raises(LookupError, match=origins) as caught:
        site.load().find("layer", "mist")
    assert str(caught.value).count("It may belong") == 1
    with pytest.raises(LookupError, match=r"Did you mean 'relu'\? Registered: [a-z, ]+$"):
        site.load_beside_the_bundled().find("layer", "rely")


# Fields that JSON cannot describe.

UNWRITABLE = {
    "a default": ("of: bytes = b'\\xff'", r"field 'of': its default b'\xff' cannot be written as JSON"),
    "a type": (
        "model_config = {'arbitrary_types_allowed': True}\n    of: __import__('numpy').ndarray = None",
        "field 'of': ",
    ),
    "a choice": (
        "model_config = {'arbitrary_types_allowed': True}\n    of: __import__('numpy').ndarray | None = None",
        "",
    ),
}


@pytest.mark.parametrize(("line", "reason"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_a_field_that_json_cannot_describe_is_refused_by_every_command_in_the_same_words(site, line, reason):  # noqa: F811
    site.install("some", ECHO.replace('type = "echo"', f'type = "echo"\n    {line}'))
    refused = "fcframe: layer 'echo' of plugin 'some' of some 1.0 is not usable: Echo: " + reason
    for arguments in (["gradcheck", "echo"], ["describe", "echo"], ["list", "echo"]):
        found = command(site.folder, *arguments)
        assert (found.returncode, found.stdout) == (2, "")
        assert found.stderr.startswith(refused)
        assert found.stderr.count("\n") == 1
        assert "pydantic.dev" not in found.stderr
    for arguments in (["gradcheck", "relu"], ["schema"], ["check", "specs/digits.json"]):
        found = command(site.folder, *arguments)
        assert (found.returncode, found.stderr) == (0, "")
        assert "noted" not in found.stdout


# Observers.


class Equal:
    def __init__(self):
        self.calls = 0

    def __eq__(self, other):
        return isinstance(other, Equal)

    __hash__ = None

    @fcframe.hookimpl
    def fcframe_epoch_end(self, training):
        self.calls += 1


def test_observers_that_compare_equal_and_one_that_is_given_twice_are_all_told():
    first, second = Equal(), Equal()
    load(()).hooks([first, second, second]).fcframe_epoch_end(training=None)
    assert (first.calls, second.calls) == (1, 2)


def test_an_argument_that_a_hook_does_not_give_is_refused_in_a_line():
    class Misnamed:
        @fcframe.hookimpl
        def fcframe_epoch_end(self, trainin):
            pass

    with pytest.raises(fcframe.PluginError) as caught:
        load(()).hooks([Misnamed()])
    assert str(caught.value) == (
        "observer Misnamed: fcframe_epoch_end has an argument 'trainin', which the hook does not pass. "
        "Did you mean 'training'? Arguments: training"
    )


def test_properties_of_an_observer_are_not_asked():
    class Touchy(Equal):
        @property
        def explosive(self):
            raise AssertionError

    observer = Touchy()
    load(()).hooks([observer]).fcframe_epoch_end(training=None)
    assert observer.calls == 1


SETS = """
import dataclasses, enum, pydantic

class Color(enum.Enum):
    RED, GREEN, BLUE, BLACK = "red", "green", "blue", "black"

@dataclasses.dataclass
class Box:
    of: frozenset[str] = frozenset("abcdef")

class Inner(pydantic.BaseModel):
    of: set[str] = {"a", "b", "c", "d", "e"}
"""
FIELDS = """
    members: frozenset[Color] = frozenset(Color)
    words: set[str] = {"a", "b", "c", "d", "e"}
    rows: tuple[frozenset[str], ...] = (frozenset("abcdef"),)
    pairs: frozenset[tuple[str, int]] = frozenset({("a", 1), ("b", 2), ("c", 3), ("d", 4)})
    named: dict[str, set[str]] = {"x": {"a", "b", "c", "d", "e"}}
    box: Box = Box()
    inner: Inner = Inner()
""".replace("inner", "inside")


def test_the_schema_is_the_same_whatever_the_order_of_sets(site):  # noqa: F811
    site.install("some", SETS + ECHO.replace('type = "echo"', 'type = "echo"' + FIELDS))
    for arguments in (["schema"], ["describe", "echo", "--json"], ["gradcheck", "--json", "echo"]):
        found = [command(site.folder, *arguments, PYTHONHASHSEED=str(seed)).stdout for seed in (0, 1)]
        first, second = (re.sub(r'"seconds": [\d.]+', "", text) for text in found)
        assert first == second != ""
    schema = json.loads(command(site.folder, "schema").stdout)["$defs"]["layer.echo"]["properties"]
    assert schema["members"]["default"] == ["black", "blue", "green", "red"]


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ("Echo", "the class Echo; return a list: [Echo]"),
        ("'layer echo = parts:Echo'", '"layer echo = parts:Echo"; return a list: ["layer echo = parts:Echo"]'),
        ("5", "5"),
        ("None", "null"),
    ],
)
def test_what_is_registered_must_be_a_list(site, result, shown):  # noqa: F811
    (fault,) = site.install("some", ECHO.replace("[Echo]", result)).load().quarantined
    assert fault.reason == (f"fcframe_register must return a list of component classes and references, got {shown}")


@pytest.mark.parametrize(
    ("name", "similar"), [("fcframe_deploy", ""), ("fcframe_epoch_ends", "Did you mean 'fcframe_epoch_end'? ")]
)
def test_the_prefix_alone_makes_no_hook_similar(site, name, similar):  # noqa: F811
    source = f"import fcframe\n@fcframe.hookimpl\ndef {name}():\n    pass\n"
    (fault,) = site.install("some", source).load().quarantined
    assert f"which does not exist in this version. {similar}Hooks: " in fault.reason


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("raise KeyboardInterrupt\n", "plugin 'some' of some 1.0"),
        (QUIET.replace("[]", "['layer echo = parts:Echo']"), "layer 'echo' of plugin 'some' of some 1.0"),
    ],
)
def test_an_interrupt_while_a_plugin_is_loaded_names_it(site, source, what):  # noqa: F811
    (site.folder / "parts.py").write_text("raise KeyboardInterrupt\n")
    site.install("some", source)
    found = command(site.folder, "list")
    assert (found.returncode, found.stderr) == (130, f"fcframe: interrupted while {what} was loaded\n")
