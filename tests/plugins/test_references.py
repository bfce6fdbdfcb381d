"""References announce components without importing them; what is wrong with one harms it alone."""

import importlib
import sys

import pytest

import fcframe
from fcframe.plugins import load
from tests.test_registry import ECHO, LAYER, METRIC, network, site  # noqa: F401 - a fixture

REFER = "import fcframe\n\n@fcframe.hookimpl\ndef fcframe_register():\n    return {}\n"


@pytest.fixture
def refers(site):  # noqa: F811
    """Installs a plugin of these references, and a module `parts` of components."""

    def install(*references, parts=LAYER, beside=False):
        (site.folder / "parts.py").write_text(parts, encoding="utf-8")
        site.install("some", REFER.format(list(references)))
        return site.load_beside_the_bundled() if beside else site.load()

    return install


def test_a_class_is_imported_when_it_is_asked_for_and_not_when_names_are_looked_at(refers):
    registry = refers("layer echo = parts:Echo", "metric other = elsewhere:Other")
    assert list(registry.layers) == ["echo"]
    assert len(registry.layers) == 1
    assert "echo" in registry.layers
    assert "some:echo" in registry.layers
    assert registry.layers.keys() == {"echo"}
    assert "parts" not in sys.modules
    echo = registry.layers["echo"]
    assert echo.__module__ == "parts"
    assert registry.find("layer", "echo") is registry.named("echo")[0] is echo
    assert [*registry.layers.values()] == [echo]
    assert registry.origin(echo).name == "some"


def test_a_class_that_another_module_imported_has_its_origin_too(refers):
    registry = refers("layer echo = parts:Echo")
    echo = importlib.import_module("parts").Echo
    assert registry.origin(echo).name == "some"
    assert registry.name(echo) == "echo"


def test_a_spec_imports_the_components_that_it_names_alone(refers):
    registry = refers("layer echo = parts:Echo", "layer other = elsewhere:Other", beside=True)
    fcframe.load_spec(network("relu"), registry=registry)
    assert "parts" not in sys.modules
    assert fcframe.load_spec(network("echo"), registry=registry).layers[0].type == "echo"


def test_a_nested_class_can_be_referred_to(refers):
    nested = "class Inside:\n" + "\n".join(f"    {line}" for line in LAYER.splitlines())
    assert refers("layer echo = parts:Inside.Echo", parts=nested).layers["echo"].__qualname__ == "Inside.Echo"


BROKEN = {
    "no module": ("layer echo = nowhere:Echo", LAYER, "cannot be resolved: there is no module 'nowhere'"),
    "no module in a package": ("layer echo = parts.inside:Echo", LAYER, "there is no module 'parts.inside'"),
    "no class": ("layer echo = parts:Ecco", LAYER, "cannot be resolved: parts has no 'Ecco'. Did you mean 'Echo'?"),
    "of another kind": ("metric echo = parts:Echo", LAYER, "registers a metric, but Echo is a layer"),
    "of another type": ("layer ecco = parts:Echo", LAYER, "registers the type 'ecco', but the class has type = 'echo'"),
    "no component": ("layer echo = parts:dict", "dict = dict\n", "<class 'dict'> is not a component"),
    "no class but an object": ("layer echo = parts:Echo", "Echo = 5\n", "5 is not a component"),
    "a module that fails": ("layer echo = parts:Echo", "\nraise ValueError('at once')\n", "ValueError: at once"),
    "a module that exits": ("layer echo = parts:Echo", "\nimport sys; sys.exit(3)\n", "SystemExit: 3"),
    "a module that lacks another": ("layer echo = parts:Echo", "\nimport absent_one\n", "No module named 'absent_one'"),
    "a syntax error": ("layer echo = parts:Echo", "\nx = = 5\n", "SyntaxError: invalid syntax"),
    "an incomplete class": ("layer echo = parts:Echo", LAYER.replace("def backward", "def b"), "lacks backward"),
}


@pytest.mark.parametrize(("reference", "parts", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_reference_that_cannot_be_followed_is_quarantined_alone_and_told_where_it_is_used(
    refers, reference, parts, reason
):
    registry = refers(reference, parts=parts, beside=True)
    kind, name = reference.split()[:2]
    (fault,) = registry.quarantined
    assert fault.component == f"{kind} {name!r}"
    assert reason in fault.reason
    assert "plugin 'some' of some 1.0" in str(fault)
    assert len(str(fault).splitlines()) == 1
    assert "install another version of some" in str(fault)
    with pytest.raises(LookupError) as caught:
        registry.find(kind, name)
    assert str(caught.value.args[0]) == str(fault)
    with pytest.raises(KeyError, match="is not usable"):
        registry.of(kind)[name]
    assert [component.type for component in registry if registry.origin(component).name == "some"] == []
    assert "relu" in [component.type for component in registry]


def test_the_place_of_what_a_module_raises_is_told(refers, site):  # noqa: F811
    (fault,) = refers("layer echo = parts:Echo", parts="\n\nraise ValueError('no')\n").quarantined
    assert fault.place == site.file("parts", 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "layer echo",
        "echo = parts:Echo",
        "layer echo = parts",
        "layer echo: parts.Echo",
        "layer my-echo = parts:Echo",
    ],
)
def test_a_malformed_reference_is_quarantined_with_its_text_and_the_form_expected(refers, text):
    registry = refers("layer echo = parts:Echo", text)
    (fault,) = registry.quarantined
    assert f'cannot read the reference "{text}": expected "kind type = module:Class"' in fault.reason
    assert list(registry.layers) == ["echo"]


def test_a_kind_that_does_not_exist_is_answered_with_those_that_do(refers):
    (fault,) = refers("layr echo = parts:Echo").quarantined
    assert "has an unknown kind 'layr'. Did you mean 'layer'? Kinds: layer, loss, " in fault.reason


def test_classes_and_references_may_stand_side_by_side(site):  # noqa: F811
    (site.folder / "parts.py").write_text("import fcframe\n" + METRIC + "    label = 'echo'\n")
    site.install("some", ECHO.replace("[Echo]", "[Echo, 'metric echo = parts:EchoMetric']"))
    registry = site.load()
    assert [component.kind for component in registry.named("echo")] == ["layer", "metric"]


def test_a_name_that_newcomers_try_is_answered_with_what_it_is_called_here(refers):
    parts = LAYER.replace('type = "echo"', 'type = "echo"\n    also_called = ("mirror", "parrot")')
    registry = refers("layer echo = parts:Echo", parts=parts, beside=True)
    for word in ("mirror", "Mirror"):
        with pytest.raises(LookupError, match=f"no layer called '{word}'. It is called 'echo' here. Registered: aff"):
            registry.find("layer", word)
    with pytest.raises(LookupError, match=r"no component called 'parrot'. It is called 'echo' here"):
        registry.named("parrot")


def test_a_thousand_references_are_read_and_none_is_imported(refers):
    registry = refers(*(f"layer echo{number} = absent{number}:Echo" for number in range(1000)), beside=True)
    assert len(registry.layers) > 1000
    assert fcframe.load_spec(network("relu"), registry=registry).layers[0].type == "relu"


def test_the_bundled_plugin_imports_no_component_until_it_is_used_and_has_each_by_its_class_s_name():
    import fcframe_standard

    for name in fcframe_standard.__all__:
        component = getattr(fcframe_standard, name)
        assert fcframe.registry().of(component.kind)[component.type] is component
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = fcframe_standard.Nothing
    assert load().quarantined == ()


def test_the_message_of_a_reference_ends_with_one_full_stop(refers):
    registry = refers("layer echo = parts:Nope", "layer other = parts:Ecco")
    first, second = map(str, registry.quarantined)
    assert "parts has no 'Nope'. Correct it" in first
    assert "parts has no 'Ecco'. Did you mean 'Echo'? Correct it" in second
