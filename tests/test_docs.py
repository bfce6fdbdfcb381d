"""What the documents show is what lies in the repository."""

import doctest
import json
import re
from pathlib import Path

import pytest

import fcframe
from tests.test_architecture import ROOMS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(document, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)


def test_the_layer_in_contributing_is_the_one_that_is_built_and_trained():
    swish = ROOT / "tests" / "third_party" / "fcframe-swish"
    assert blocks("CONTRIBUTING.md", "python")[0] == (swish / "fcframe_swish.py").read_text(encoding="utf-8")
    assert blocks("CONTRIBUTING.md", "toml")[0] == (swish / "pyproject.toml").read_text(encoding="utf-8")


def test_the_spec_in_the_readme_is_the_one_that_its_command_trains():
    shown = blocks("README.md", "json")[0]
    assert json.loads(shown) == json.loads((ROOT / "specs" / "digits.json").read_text(encoding="utf-8"))


def test_the_examples_in_contributing_are_true():
    """Those below the layer, which is executed where it lies."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("**3. ")[2]
    examples = doctest.DocTestParser().get_doctest(text, {}, "CONTRIBUTING.md", "CONTRIBUTING.md", 0)
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples)
    assert outcome.attempted > 3
    assert outcome.failed == 0


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_links_to_is_there(document):
    text = document.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    assert all((document.parent / link).exists() for link in links), links


def test_every_bundled_dataset_and_command_is_in_the_documents():
    from fcframe.cli.program import COMMANDS

    readme, specs = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/specs.md"))
    assert all(f"`fcframe {command}" in readme for command in COMMANDS)
    assert all(f"| `{name}` |" in specs for name in fcframe.registry().datasets)


def mapped():
    """The files of fcframe/ in the tables of docs/design.md; one without a folder is in that of the file before it."""
    folder, found = "", []
    for line in (ROOT / "docs" / "design.md").read_text(encoding="utf-8").splitlines():
        for name in re.findall(r"`([\w/]+\.py)`", line) if line.startswith("| ") else ():
            folder = name.rpartition("/")[0] or folder
            found.append(f"{folder}/{name.rpartition('/')[2]}")
    return [name for name in found if name != "fcframe/fcframe_pytest.py"]  # it lies beside the package


def test_the_map_has_every_file_once_in_the_order_of_imports():
    files = (path.relative_to(ROOT).as_posix() for path in (ROOT / "fcframe").rglob("*.py"))
    packages = {"fcframe/__init__.py"}
    assert sorted(mapped()) == sorted(name for name in files if "__init__" not in name or name in packages)
    levels = {room: level for level, line in enumerate(ROOMS) for room in line.split()}
    order = [levels[name.split("/")[1].removesuffix(".py")] for name in mapped() if name not in packages]
    assert order == sorted(order)
