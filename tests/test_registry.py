"""The registry: what is installed is found, contradictions are refused, and what is broken hurts nobody else."""

import re
import sys
from itertools import permutations
from pathlib import Path

import pytest

import fcframe
from fcframe.plugins import load
from fcframe.providers import choose
from fcframe.spec.schema import json_schema

LAYER = '''
import fcframe

class Echo(fcframe.Layer):
    """Gives back what it gets."""

    type = "echo"

    def output_shape(self, input_shape):
        return input_shape

    def forward(self, x, params, ctx):
        return x.copy(), ()

    def backward(self, dout, cache, ctx):
        return dout.copy(), {}
'''
METRIC = """
class EchoMetric(fcframe.Metric):
    type = "echo"

    def value(self, scores, y):
        return 0.0

"""
REGISTER = """
@fcframe.hookimpl
def fcframe_register():
    return [Echo]
"""
ECHO = LAYER + REGISTER
METRIC_PLUGIN = "import fcframe\n" + METRIC + "    label = 'echo'\n" + REGISTER.replace("Echo", "EchoMetric")
OPTIONAL = "@fcframe.hookimpl(optionalhook=True)\ndef fcframe_some_day():\n    pass\n"
QUIET = "import fcframe\n\n@fcframe.hookimpl\ndef fcframe_register():\n    return []\n"


class Site:
    """A folder of installed distributions, each of one module and one entry point."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name, source, *, version="1.0", entry_point=None, value=None):
        module = name.replace("-", "_")
        (self.folder / f"{module}.py").write_text(source, encoding="utf-8")
        metadata = self.folder / f"{module}-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (metadata / "entry_points.txt").write_text(f"[fcframe]\n{entry_point or name} = {value or module}\n")
        return self

    def file(self, name, line=None):
        return f"{self.folder / name}.py" + (f":{line}" if line else "")

    def load(self):
        return load([str(self.folder)])

    def load_beside_the_bundled(self):
        return load()  # the folder is on sys.path


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    yield Site(tmp_path)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def network(layer_type):
    return {"input": [4], "layers": [{"type": layer_type}], "loss": {"type": "mse"}}


# What is installed is found.


def test_an_installed_plugin_is_found_with_its_distribution_and_version(site):
    registry = site.install("some-layers", ECHO, version="2.3").load()
    (plugin,) = registry.plugins
    assert (plugin.name, plugin.module) == ("some-layers", "some_layers")
    assert (plugin.distribution, plugin.version) == ("some-layers", "2.3")
    assert registry.origin(registry.layers["echo"]) == plugin
    assert list(registry) == [registry.layers["echo"]]


def test_a_component_of_a_plugin_works_in_a_spec_beside_the_bundled_ones(site):
    registry = site.install("some-layers", ECHO).load_beside_the_bundled()
    built = fcframe.build(fcframe.load_spec(network("echo"), registry=registry))
    assert built.scores([[1.0, 2.0, 3.0, 4.0]]).tolist() == [[1, 2, 3, 4]]


def test_the_order_of_installation_changes_nothing(site, monkeypatch):
    folders = []
    for name in ("a", "b", "c"):
        folder = site.folder / name
        folder.mkdir()
        Site(folder).install(name, ECHO.replace("echo", f"echo_{name}"))
        monkeypatch.syspath_prepend(folder)
        folders.append(str(folder))
    found = [load(paths) for paths in permutations(folders)]
    assert {tuple(registry.layers) for registry in found} == {("echo_a", "echo_b", "echo_c")}
    assert {registry.plugins for registry in found} == {found[0].plugins}
    assert [plugin.name for plugin in found[0].plugins] == ["a", "b", "c"]


def test_an_entry_point_may_name_an_object_in_a_module(site):
    source = LAYER + "\nclass Plugin:\n    @fcframe.hookimpl\n    def fcframe_register(self):\n        return [Echo]\n"
    registry = site.install("some", source + "\nplugin = Plugin()\n", value="some:plugin").load()
    assert list(registry.layers) == ["echo"]


def test_one_type_may_be_of_two_kinds(site):
    both = LAYER + METRIC + "    label = 'echo'\n" + REGISTER.replace("[Echo]", "[Echo, EchoMetric]")
    registry = site.install("some", both).load()
    assert list(registry.layers) == list(registry.metrics) == ["echo"]


def test_without_any_plugin_there_is_no_component_and_the_message_says_so():
    with pytest.raises(fcframe.SpecError, match=r"layers\[0\].type: no layer called 'echo'. Registered: none"):
        fcframe.load_spec(network("echo"), registry=load(()))


def test_the_installed_registry_is_made_once():
    assert fcframe.registry() is fcframe.registry()


def test_nothing_can_be_added_to_a_registry_or_taken_away(site):
    registry = site.install("some", ECHO).load()
    with pytest.raises(TypeError):
        registry.layers["other"] = registry.layers["echo"]
    with pytest.raises(TypeError):
        del registry.layers["echo"]
    with pytest.raises(AttributeError, match="a registry has no 'layrs'"):
        _ = registry.layrs


# Contradictions are refused.


def test_two_distributions_with_one_entry_point_name_both_work(site):
    site.install("first", ECHO, entry_point="same")
    site.install("second", ECHO.replace("echo", "other"), entry_point="same")
    registry = site.load()
    assert list(registry.layers) == ["echo", "other"]
    assert [str(plugin) for plugin in registry.plugins] == ["plugin 'same' of first 1.0", "plugin 'same' of second 1.0"]


def test_a_type_that_two_plugins_provide_is_refused_where_it_is_used_and_has_two_longer_names(site):
    site.install("first", ECHO).install("Second_One", ECHO, version="2.2").install("third", METRIC_PLUGIN)
    registry = site.load_beside_the_bundled()
    (ambiguous,) = registry.ambiguous
    line = (
        "the layer 'echo' is provided by plugin 'Second_One' of Second_One 2.2 and plugin 'first' of first 1.0. "
        "Write 'Second_One:echo' or 'first:echo'"
    )
    assert str(ambiguous) == line
    assert {"Second_One:echo", "first:echo", "relu"} <= set(registry.layers)
    assert "echo" not in registry.layers
    with pytest.raises(KeyError, match="Write 'Second_One:echo' or 'first:echo'"):
        registry.layers["echo"]
    with pytest.raises(LookupError, match="Write 'Second_One:echo' or 'first:echo'"):
        registry.find("layer", "echo")
    with pytest.raises(LookupError, match="Write 'Second_One:echo' or 'first:echo'"):
        registry.named("echo")
    with pytest.raises(fcframe.SpecError) as caught:
        fcframe.load_spec(network("echo"), registry=registry)
    assert caught.value.problems == (f"spec: layers[0].type: {line}",)
    assert registry.layers.get("echo") is None
    for name in ("second-one:echo", "Second.One:echo"):
        assert registry.layers[name] is registry.find("layer", name) is registry.named(name)[0]
        assert fcframe.load_spec(network(name), registry=registry).layers[0].type == "echo"
    assert registry.find("layer", "first:echo") is not registry.find("layer", "second-one:echo")
    spec = fcframe.load_spec(network("first:echo"), registry=registry)
    written = spec.model_dump(mode="json", context={"registry": registry})
    assert written["layers"][0]["type"] == "first:echo"
    assert fcframe.load_spec(written, registry=registry) == spec
    assert registry.name(registry.layers["first:echo"]) == "first:echo"
    assert registry.metrics["echo"].kind == "metric"
    assert fcframe.load_spec(network("relu"), registry=registry).layers[0].type == "relu"


def test_a_distribution_and_a_type_name_every_component(site):
    registry = site.install("some-layers", ECHO).load_beside_the_bundled()
    assert registry.layers["some_layers:echo"] is registry.layers["echo"]
    assert registry.name(registry.layers["echo"]) == "echo"
    assert registry.layers["FCFRAME:relu"] is registry.layers["relu"]
    with pytest.raises(LookupError, match=r"no layer called 'other:echo': .*Write 'some-layers:echo'"):
        registry.find("layer", "other:echo")


def test_kernels_of_one_name_are_refused_where_they_are_asked_for(site):
    source = QUIET + (
        "class Rapid(fcframe.Kernels):\n    name = 'rapid'\n\n"
        "@fcframe.hookimpl\ndef fcframe_kernels():\n    return [Rapid]\n"
    )
    registry = site.install("first", source).install("second", source).load()
    assert list(registry.kernels) == ["first:rapid", "second:rapid"]
    with pytest.raises(fcframe.SpecError, match="Write 'first:rapid' or 'second:rapid'"):
        choose("rapid", registry=registry)
    assert choose("first:rapid", registry=registry).name == "rapid"
    assert [found.kind for found in registry.ambiguous] == ["kernels"]


def test_one_distribution_that_provides_a_type_twice_is_told_how_to_go_on(site):
    site.install("first", ECHO)
    module = site.folder / "again.py"
    module.write_text(ECHO)
    (site.folder / "first-1.0.dist-info" / "entry_points.txt").write_text("[fcframe]\na = first\nb = again\n")
    registry = site.load()
    with pytest.raises(LookupError, match="Disable one: FCFRAME_DISABLE_PLUGINS="):
        registry.find("layer", "first:echo")


@pytest.mark.parametrize(
    "hook",
    [
        "@fcframe.hookimpl\ndef fcframe_registr():\n    return []\n",
        "@fcframe.hookimpl(specname='fcframe_registr')\ndef anything():\n    return []\n",
    ],
)
def test_a_plugin_with_a_misspelt_hook_is_quarantined_with_a_suggestion(site, hook):
    site.install("good", ECHO + OPTIONAL).install("bad", QUIET + hook, version="3.1")
    registry = site.load()
    assert list(registry.layers) == ["echo"]
    (bad,) = registry.quarantined
    assert str(bad.plugin) == "plugin 'bad' of bad 3.1"
    assert "it implements a hook 'fcframe_registr', which does not exist in this version." in bad.reason
    assert "Did you mean 'fcframe_register'? Hooks: fcframe_register, fcframe_kernels, " in bad.reason
    assert "FCFRAME_DISABLE_PLUGINS=bad" in str(bad)


def test_a_hook_that_only_another_version_calls_may_be_marked_optional(site):
    registry = site.install("some", ECHO + OPTIONAL).load()
    registry.hooks()
    assert list(registry.layers) == ["echo"]


# What is broken hurts nobody else.

BROKEN = {
    "a missing import": (
        "import fcframe\nimport nowhere_at_all\n",
        r"ModuleNotFoundError: No module named 'nowhere",
        2,
    ),
    "a missing name": ("from fcframe import Nothing\n", r"ImportError: cannot import name 'Nothing'", 1),
    "a syntax error": ("x = 1\ny = = 2\n", r"SyntaxError: invalid syntax", 2),
    "sys.exit": ("import sys\nsys.exit(3)\n", r"^SystemExit: 3$", 2),
    "an exception without words": ("raise ValueError\n", r"^ValueError$", 1),
    "an exception of several lines": ("raise OSError('one\\n  two\\n\\nthree')\n", r"^OSError: one two three$", 1),
    "an exception of a page": ("raise OSError('word ' * 1000)\n", r"^OSError: (word )+.{0,5}…$", 1),
    "an exception in the hook": (ECHO.replace("[Echo]", "[1 / 0]"), r"^ZeroDivisionError: division by zero$", 20),
    "an exception in what the hook calls": (
        "import json\n" + QUIET.replace("[]", "json.loads('{')"),
        r"JSONDecodeError: Expecting property name",
        6,
    ),
    "an exception in what the plugin calls of its own": (
        QUIET.replace("[]", "inner()") + "def inner():\n    raise ValueError(7)\n",
        r"^ValueError: 7$",
        7,
    ),
    "an error of fcframe's own": (QUIET.replace("return []", "raise fcframe.DataError('no')"), r"^no$", 5),
    "a hook with an argument too many": (
        QUIET.replace("()", "(config)"),
        r"^fcframe_register has an argument 'config', which the hook does not pass. Arguments: none$",
        None,
    ),
    "no list": (
        QUIET.replace("[]", "None"),
        r"fcframe_register must return a list of component classes and references, got null$",
        None,
    ),
    "an unmarked hook": (
        ECHO.replace("@fcframe.hookimpl", ""),
        r"^fcframe_register is not called: decorate it with @fcframe.hookimpl$",
        None,
    ),
    "an unmarked hook beside a marked one": (
        QUIET + "def fcframe_step_end(training):\n    pass\n",
        r"^fcframe_step_end is not called",
        None,
    ),
    "no hook at all": ("import fcframe\n", r"^it implements no hook. Hooks: fcframe_register, ", None),
}
UNUSABLE = {
    "a list of what is no class": (QUIET.replace("[]", "[5]"), r"^5 is not a component: .* Layer, Loss"),
    "a class of no kind": (QUIET.replace("[]", "[dict]"), r"^<class 'dict'> is not a component"),
    "an instance": (ECHO.replace("[Echo]", "[Echo()]"), r"^Echo\(.*\) is not a component: it must be a class"),
    "a kind itself": (QUIET.replace("[]", "[fcframe.Layer]"), r"^Layer has no type: set its name in JSON, "),
    "no type": (ECHO.replace('type = "echo"', ""), r"^Echo has no type"),
    "an empty type": (ECHO.replace('"echo"', '""'), r"^Echo has no type"),
    "a type with a dot": (ECHO.replace('"echo"', '"acme.echo"'), r"^Echo: type 'acme.echo' is not an identifier"),
    "a type with a hyphen": (ECHO.replace('"echo"', '"my-echo"'), r"^Echo: type 'my-echo' is not an identifier"),
    "a metric labelled as the loss": (
        "import fcframe\n"
        + METRIC.replace('type = "echo"', 'type, label = "echo", "loss"')
        + REGISTER.replace("Echo", "EchoMetric"),
        r"^EchoMetric \(metric 'echo'\) has the label 'loss'",
    ),
    "a type that is no text": (ECHO.replace('"echo"', "7"), r"^Echo has no type"),
    "an incomplete class": (
        ECHO.replace("def backward", "def backwards").replace("def output_shape", "def shape"),
        r"^Echo \(layer 'echo'\) lacks backward, output_shape$",
    ),
    "a metric without label": (
        "import fcframe\n" + METRIC + REGISTER.replace("Echo", "EchoMetric"),
        r"^EchoMetric \(metric 'echo'\) lacks label$",
    ),
    "one type twice": (ECHO.replace("[Echo]", "[Echo, Echo]"), r"registers the layer 'echo' 2 times$"),
}


@pytest.mark.parametrize(("source", "reason", "line"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_quarantined_with_the_reason_in_a_line_and_the_others_work(site, source, reason, line):
    registry = site.install("aaa", source, version="0.9").install("good", ECHO.replace("echo", "other")).load()
    assert list(registry.layers) == ["other"]
    assert [plugin.name for plugin in registry.plugins] == ["good"]
    (broken,) = registry.quarantined
    assert str(broken.plugin) == "plugin 'aaa' of aaa 0.9"
    assert re.search(reason, broken.reason), broken.reason
    assert broken.place == (site.file("aaa", line) if line else "")
    assert len(str(broken).splitlines()) == 1
    assert len(str(broken)) < 900


@pytest.mark.parametrize(("source", "reason"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_item_that_is_no_usable_component_is_quarantined_alone(site, source, reason):
    fine = LAYER.replace("Echo", "Fine").replace("echo", "fine")
    source = source.replace("    return [", "    return [Fine, ").replace("import fcframe\n", f"{fine}\n", 1)
    registry = site.install("aaa", source, version="0.9").load()
    assert list(registry.layers) == ["fine"]
    assert [plugin.name for plugin in registry.plugins] == ["aaa"]
    (broken,) = registry.quarantined
    assert str(broken.plugin) == "plugin 'aaa' of aaa 0.9"
    assert re.search(reason, broken.reason), broken.reason
    assert broken.component
    assert str(broken).startswith(f"{broken.component} of plugin 'aaa' of aaa 0.9 is not usable: ")
    assert len(str(broken).splitlines()) == 1


def test_an_entry_point_that_leads_nowhere_is_quarantined_without_a_place(site):
    registry = site.install("some", ECHO, value="elsewhere.inside").install("other", ECHO, value="other:nothing").load()
    gone, lacking = sorted(registry.quarantined, key=lambda broken: broken.plugin.name, reverse=True)
    assert (gone.reason, gone.place) == ("ModuleNotFoundError: No module named 'elsewhere'", "")
    assert lacking.reason == "AttributeError: module 'other' has no attribute 'nothing'"


def test_a_syntax_error_is_placed_in_the_file_that_has_it(site):
    (site.folder / "parts.py").write_text("def f(:\n    pass\n")
    (broken,) = site.install("some", "import fcframe\n\nimport parts\n").load().quarantined
    assert broken.place == site.file("parts", 1)


def test_a_module_that_two_entry_points_name_is_registered_once(site):
    registry = site.install("a", ECHO).install("b", QUIET, value="a").load()
    assert [plugin.name for plugin in registry.plugins] == ["a"]
    assert [broken.plugin.name for broken in registry.quarantined] == ["b"]


def test_using_a_type_that_nobody_has_says_which_plugin_is_broken_and_why(site):
    registry = site.install("some", "import nowhere_at_all\n" + ECHO, version="0.9").load_beside_the_bundled()
    with pytest.raises(fcframe.SpecError) as caught:
        fcframe.load_spec(network("echo"), registry=registry)
    (line,) = caught.value.problems
    assert line.startswith("spec: layers[0].type: no layer called 'echo'.")
    assert "plugin 'some' of some 0.9 is not usable: ModuleNotFoundError: No module named 'nowhere_at_all'" in line
    assert site.file("some", 1) in line


def test_a_broken_plugin_is_not_mentioned_to_those_who_do_not_need_it(site):
    registry = site.install("some", "import nowhere_at_all\n").load_beside_the_bundled()
    with pytest.raises(fcframe.SpecError) as caught:
        fcframe.load_spec(network("relu") | {"input": []}, registry=registry)
    assert "nowhere_at_all" not in str(caught.value)


def test_a_plugin_that_failed_gets_no_hook_calls_and_leaves_no_component_behind(site):
    watching = "\ncalls = []\n\n@fcframe.hookimpl\ndef fcframe_step_end(training):\n    calls.append(training)\n"
    site.install("half", LAYER + watching + REGISTER.replace("[Echo]", "[Echo, 1 / 0]"))
    site.install("whole", ECHO + watching)
    registry = site.load()
    assert registry.origin(registry.layers["echo"]).name == "whole"
    registry.hooks().fcframe_step_end(training="a solver")
    assert sys.modules["whole"].calls == ["a solver"]
    assert sys.modules["half"].calls == []


UNREADABLE = {
    "an array": ("table: np.ndarray", "table"),
    "a function": ("act: Callable[[float], float]", "act"),
    "a function that has a default": ("act: Callable[[float], float] = abs", "act"),
    "a name that only a type checker imports": ("rate: 'Fraction'", "rate"),
    "a list of arrays": ("units: int = 3\n    tables: list[np.ndarray]", "tables"),
}


@pytest.mark.parametrize(("field", "name"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_component_with_a_field_of_a_type_that_has_no_json_is_quarantined_alone_and_the_field_named(
    site, field, name
):
    start = (
        "from collections.abc import Callable\nfrom typing import TYPE_CHECKING\nimport numpy as np\n"
        "if TYPE_CHECKING:\n    from fractions import Fraction\n"
    )
    bad = LAYER.replace('type = "echo"', f'type = "bad"\n    {field}').replace("Echo", "Bad")
    site.install("some", start + bad + LAYER + REGISTER.replace("[Echo]", "[Bad, Echo]"))
    registry = site.load_beside_the_bundled()
    assert {"bad", "echo", "relu"} <= set(registry.layers)
    assert fcframe.load_spec(network("echo"), registry=registry).layers[0].type == "echo"
    (fault,) = registry.quarantined
    assert fault.component == "layer 'bad'"
    assert f"field '{name}'" in fault.reason
    assert len(str(fault).splitlines()) == 1
    assert "bad" not in [component.type for component in registry]
    assert "bad" not in dict(registry.layers.items())
    assert "layer.bad" not in json_schema(registry)["$defs"]


def test_a_component_that_cannot_be_used_is_told_where_it_is_used(site):
    source = "import numpy\n" + ECHO.replace('type = "echo"', 'type = "echo"\n    scale: numpy.ndarray')
    registry = site.install("some", source).load_beside_the_bundled()
    with pytest.raises(fcframe.SpecError) as caught:
        fcframe.load_spec(network("echo"), registry=registry)
    (line,) = caught.value.problems
    assert line.startswith("spec: layers[0].type: layer 'echo' of plugin 'some' of some 1.0 is not usable: Echo: ")
    assert "field 'scale'" in line


@pytest.mark.parametrize("source", ["raise KeyboardInterrupt\n", QUIET.replace("return []", "raise KeyboardInterrupt")])
def test_ctrl_c_while_plugins_load_stops_the_program(site, source):
    site.install("some", source)
    with pytest.raises(KeyboardInterrupt):
        site.load()


# Hooks.

WATCHING = QUIET + (
    "\ncalls = []\n\n@fcframe.hookimpl\ndef fcframe_epoch_end(training):\n    calls.append(('plugin', training))\n"
)


class Observer:
    def __init__(self):
        self.calls = []

    @fcframe.hookimpl
    def fcframe_epoch_end(self, training):
        self.calls.append(("observer", training))


def test_plugins_and_observers_are_told_what_happens(site):
    observer = Observer()
    hooks = site.install("some", WATCHING).load().hooks([observer])
    hooks.fcframe_epoch_end(training=1)
    assert observer.calls == [("observer", 1)]
    assert sys.modules["some"].calls == [("plugin", 1)]


def test_an_observer_watches_one_training_and_leaves_the_registry_as_it_was(site):
    registry = site.install("some", WATCHING).load()
    observer = Observer()
    registry.hooks([observer])
    registry.hooks().fcframe_epoch_end(training=2)
    assert observer.calls == []
    assert sys.modules["some"].calls == [("plugin", 2)]
    assert [plugin.name for plugin in registry.plugins] == ["some"]


def test_a_hook_that_nobody_implements_is_known_to_have_no_listener(site):
    hooks = site.install("some", WATCHING).load().hooks()
    assert hooks.fcframe_step_end.get_hookimpls() == []
    assert len(hooks.fcframe_epoch_end.get_hookimpls()) == 1


def test_an_observer_that_would_never_be_called_is_refused():
    class Misspelt:
        @fcframe.hookimpl
        def fcframe_epoch_ends(self, training):
            pass

    class Unmarked:
        def fcframe_epoch_end(self, training):
            pass

    registry = load(())
    with pytest.raises(
        fcframe.PluginError, match=r"observer .*Misspelt: .*'fcframe_epoch_ends'.* Did you mean 'fcframe_epoch_end'"
    ):
        registry.hooks([Misspelt()])
    with pytest.raises(
        fcframe.PluginError, match=r"fcframe_epoch_end is not called: decorate it with @fcframe.hookimpl"
    ):
        registry.hooks([Unmarked()])
    with pytest.raises(fcframe.PluginError, match="it implements no hook"):
        registry.hooks([object()])
