"""The laws of the house, proved on its text: who may know whom, what is documented, how long a file may be."""

import ast
import functools
import inspect
import json
import subprocess
import sys
import textwrap
import tomllib
import types
import typing
from pathlib import Path

import pytest

import fcframe
from fcframe import hookspecs
from fcframe.components import KINDS

ROOT = Path(__file__).parent.parent
CORE = ROOT / "fcframe"
PLUGINS = ROOT / "plugins"
PACKAGES = sorted(path for path in PLUGINS.iterdir() if path.is_dir() and list(path.glob("*.py")))
# What a bundled plugin may stand on beyond NumPy and pydantic, because an extra installs it and nothing else needs it.
OF_AN_EXTRA = {"fcframe_fast": {"llvmlite", "numba", "threadpoolctl"}}
THIRD_PARTY = ROOT / "tests" / "third_party" / "fcframe-swish" / "fcframe_swish.py"
HOOKS = [hook for name, hook in vars(hookspecs).items() if name.startswith("fcframe_")]

# A room of fcframe/ imports from rooms on the lines above it, and from itself where it is a package; rooms on one
# line do not know each other. `fcframe` itself gathers the public names, and no room imports it.
ROOMS = (
    "docstrings refusals wording",
    "arrays errors process_state strict terminal",
    "events limits threads",
    "kernels",
    "context",
    "components",
    "chain hookspecs parameters",
    "container plugins",
    "providers spec",
    "consistency network",
    "builder",
    "training verify",
    "cli",
    "__main__",
)

# The same for the wings of fcframe/verify/.
WINGS = (
    "report",
    "running",
    "generate",
    "fixtures",
    "derivatives",
    "diagnosis",
    "checks",
    "suite",
    "suite_run",
    "ledger mutation pytest_plugin",
)


def sources(*folders):
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(node):
    """(module, name or None, line) of every import, those inside functions and for type checkers included."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, None, node.lineno) for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: imports are absolute"
        yield from ((node.module, alias.name, node.lineno) for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from imports(child)


def room_of(path):
    return path.relative_to(CORE).parts[0].removesuffix(".py")


# Who knows whom.


def test_the_core_knows_no_component_by_name():
    known = {component.type for component in fcframe.registry()}
    found = []
    for path in sources(CORE):
        module = tree(path)
        documentation = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
        found += [
            f"{path.relative_to(ROOT)}:{node.lineno}: {node.value!r}"
            for node in ast.walk(module)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
            if any(node.value == name or f'"{name}"' in node.value or f"'{name}'" in node.value for name in known)
        ]
    assert len(known) > 20
    assert not found


def test_every_room_has_its_place_in_the_table():
    rooms = [room_of(path) for path in sources(CORE) if path != CORE / "__init__.py"]
    assert set(rooms) <= set(" ".join(ROOMS).split())


def test_imports_run_one_way():
    place = {room: number for number, line in enumerate(ROOMS) for room in line.split()}
    against = []
    for path in sources(CORE):
        room = room_of(path)
        for module, name, line in imports(tree(path)):
            if module.partition(".")[0] != "fcframe":
                continue
            target = [*module.split("."), name][1]
            if room not in ("__init__", target) and place.get(target, len(ROOMS)) >= place[room]:
                against.append(f"{path.relative_to(ROOT)}:{line}: {module} {name or ''}")
    assert not against


def test_the_wings_of_the_harness_import_one_way():
    place = {wing: number for number, line in enumerate(WINGS) for wing in line.split()}
    against = []
    for path in sources(CORE / "verify"):
        wing = path.relative_to(CORE / "verify").parts[0].removesuffix(".py")
        for module, name, line in imports(tree(path)):
            if not module.startswith("fcframe.verify") or wing == "__init__":
                continue
            target = [*module.split("."), name][2]
            if target != wing and place.get(target, len(WINGS)) >= place[wing]:
                against.append(f"{path.relative_to(ROOT)}:{line}: {module}")
    assert not against


def test_no_module_imports_itself_by_way_of_others():
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sources(CORE)}
    paths = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    imported = {
        name: {f"{module}.{part}" if f"{module}.{part}" in paths else module for module, part, _ in imports(tree(path))}
        for name, path in paths.items()
        if name not in ("fcframe", "fcframe.cli")  # for whoever is outside: the public names, and the command itself
    }
    while leaves := [name for name, needs in imported.items() if not needs & imported.keys() - {name}]:
        for name in leaves:
            del imported[name]
    assert sorted(imported) == []


def test_the_core_imports_no_plugin():
    packages = {path.name for path in PACKAGES}
    found = {module.partition(".")[0] for path in sources(CORE) for module, _, _ in imports(tree(path))}
    assert packages
    assert not found & packages


@pytest.mark.parametrize("package", [*PACKAGES, THIRD_PARTY], ids=lambda path: path.stem)
def test_a_plugin_imports_public_names_numpy_pydantic_and_its_own_package(package):
    against = []
    allowed = {"numpy", "pydantic", package.stem} | OF_AN_EXTRA.get(package.stem, set()) | sys.stdlib_module_names
    for path in [package] if package.is_file() else sources(package):
        module_tree = tree(path)
        for module, name, line in imports(module_tree):
            top = module.partition(".")[0]
            public = module == "fcframe" and (name is None or name in fcframe.__all__)
            if not public and top not in allowed:
                against.append(f"{path.relative_to(ROOT)}:{line}: {module} {name or ''}")
        against += [
            f"{path.relative_to(ROOT)}:{node.lineno}: fcframe.{node.attr}"
            for node in ast.walk(module_tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "fcframe"
            if node.attr not in fcframe.__all__
        ]
    assert not against


def test_every_plugin_ships_in_the_wheel_and_has_an_entry_point():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {path.name for path in PACKAGES}
    named = {
        value.partition(":")[0].partition(".")[0] for value in project["project"]["entry-points"]["fcframe"].values()
    }
    shipped = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"])
    assert named == packages
    assert shipped == {"fcframe", "fcframe_pytest.py", *(f"plugins/{name}" for name in packages)}


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()


def test_importing_fcframe_loads_nothing_that_it_stands_on_and_none_of_its_rooms():
    found = python("import sys, fcframe; print(*sys.modules)")
    assert [name for name in found if name.startswith("fcframe")] == ["fcframe"]
    assert not {"numpy", "pydantic", "pluggy", "click", "rich"}.intersection(found)


def test_what_a_plugin_imports_loads_no_plugin_and_nothing_that_only_a_user_needs():
    found = python(
        "import sys; from fcframe import AnyLayer, Container, Context, Data, Example, hookimpl; print(*sys.modules)"
    )
    late = {"click", "rich", "fcframe.cli", "fcframe.spec", "fcframe.network", "fcframe.training"}
    assert not late.union(path.name for path in PACKAGES).intersection(found)


@pytest.mark.parametrize(
    ("command", "late"),
    [
        (["--help"], {"numpy", "pydantic", "pluggy", "rich"}),
        (["check", "specs/digits.json"], {"rich", "fcframe.training", "numpy.random"}),
    ],
    ids=["help", "check"],
)
def test_a_command_loads_what_it_needs(command, late):
    code = f"import sys; from fcframe.cli.program import commands; commands.main({command}, standalone_mode=False)"
    assert not late.intersection(python(f"{code}; print(*sys.modules)"))


def test_the_installed_command_starts_without_importlib_metadata_and_has_it_where_it_is_used():
    code = "import sys; sys.argv[1:] = {}; import atexit; atexit.register(lambda: print(*sys.modules)); {}"
    main = "from fcframe.cli import main; main()"
    assert "email" not in python(code.format(["check", "specs/digits.json"], main))
    assert "email" in python(code.format(["--version"], main))


def test_checking_a_spec_imports_the_components_that_it_names_and_no_others():
    code = (
        "from fcframe.cli.program import commands; commands.main(['check', 'specs/digits.json'], standalone_mode=False)"
    )
    found = python(f"import sys; {code}; print(*sys.modules)")
    components = {name for name in found if name.startswith("fcframe_standard.") and name.count(".") == 2}
    unused = ("batchnorm", "dropout", "embedding", "residual", "muon", "sgd", "exponential", "r2", "csv_file", "npz")
    assert "fcframe_standard.layers.affine" in components
    assert not {name for name in components if name.rpartition(".")[2] in unused}


# What is public.


def test_a_field_that_holds_a_component_is_read_whatever_was_imported_before():
    fields = (
        "from fcframe.components.fields import AnyOf; from fcframe import AnyMetric; from pydantic import TypeAdapter"
    )
    assert python(f"{fields}; print(TypeAdapter(AnyMetric).validate_python({{'type': 'r2'}}).type)") == ["r2"]


def test_a_public_name_can_be_replaced_and_all_are_listed():
    assert set(fcframe.__all__) <= set(dir(fcframe))
    assert python("import fcframe; fcframe.registry = 5; import fcframe.plugins; print(fcframe.registry)") == ["5"]


def test_no_public_name_is_that_of_a_module():
    """Python gives a package each module of it that is imported as an attribute."""
    modules = {path.stem for path in CORE.iterdir()} - {"__init__"}
    assert not modules.intersection(fcframe.__all__)


def test_type_checkers_read_the_public_names_that_the_package_has():
    stub = {
        (node.module, alias.name, alias.asname)
        for node in tree(CORE / "__init__.pyi").body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert stub == {(f"fcframe.{room}", name, name) for name, room in fcframe._MODULE.items()}
    assert list(fcframe.__all__) == sorted(fcframe._MODULE)


@pytest.mark.parametrize("name", fcframe.__all__)
def test_a_public_name_can_be_used_and_says_what_it_is(name):
    value = getattr(fcframe, name)
    alias = typing.get_origin(value) is not None  # of a type; the types say what they are
    assert alias or (value.__doc__ or "").strip()


def test_what_is_not_public_is_refused_by_name():
    with pytest.raises(AttributeError, match="module 'fcframe' has no attribute 'nothing'"):
        _ = fcframe.nothing


@pytest.mark.parametrize("component", list(fcframe.registry()), ids=lambda found: f"{found.kind}-{found.type}")
def test_a_component_derives_from_its_kind_and_from_nothing_else(component):
    assert component.__bases__ in {(base,) for base in (*KINDS, fcframe.Container)}


# Hooks.


def example_of(hook):
    """The indented part of a hook's documentation, executed."""
    lines = [line for line in inspect.getdoc(hook).splitlines() if not line or line.startswith("    ")]
    names = {"fcframe": fcframe, "Swish": "Swish", "Mish": "Mish", "Rapid": "Rapid"}
    exec(textwrap.dedent("\n".join(lines)), names)
    return names[hook.__name__]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_a_hook_says_when_it_is_called_what_it_returns_and_gives_an_example(hook):
    text = inspect.getdoc(hook)
    assert "alled " in text
    assert "Returns " in text
    assert "@fcframe.hookimpl\n" in text
    example = example_of(hook)
    assert set(inspect.signature(example).parameters) <= set(inspect.signature(hook).parameters)


def test_the_announcing_hooks_examples_return_lists():
    assert example_of(hookspecs.fcframe_register)() == ["Swish", "layer mish = my_package.mish:Mish"]
    assert example_of(hookspecs.fcframe_kernels)() == ["Rapid"]


def test_the_other_hooks_examples_are_called_during_a_training_when_their_documentation_says(capsys):
    calls = []

    def recorded(example):
        @functools.wraps(example)
        def call(*args):
            calls.append(example.__name__.removeprefix("fcframe_"))
            return example(*args)

        return call

    observer = types.ModuleType("observer")
    for hook in HOOKS:
        if hook not in (hookspecs.fcframe_register, hookspecs.fcframe_kernels):
            setattr(observer, hook.__name__, recorded(example_of(hook)))
    spec = json.loads((ROOT / "specs" / "digits.json").read_text(encoding="utf-8"))
    spec["training"] |= {"epochs": 2, "batch_size": 500}
    fcframe.train(fcframe.load_spec(spec), observers=[observer])
    assert calls == [
        "training_start",
        "gradients", "step_end", "evaluation", *["gradients", "step_end"] * 2, "evaluation", "epoch_end",
        *["gradients", "step_end"] * 3, "evaluation", "epoch_end",
        "updates_end", "training_end",
    ]  # fmt: skip
    assert "6 updates to do" in capsys.readouterr().out


# Length.


def test_no_file_is_too_long_to_be_read_at_one_sitting():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources(CORE, PLUGINS)}
    assert {name: length for name, length in lengths.items() if length > 350} == {}


def test_a_layer_is_short_enough_to_read_like_the_textbook():
    layers = fcframe.registry().layers.values()
    lengths = {layer.type: len(Path(inspect.getfile(layer)).read_text().splitlines()) for layer in layers}
    assert {name: length for name, length in lengths.items() if length > 80} == {}
