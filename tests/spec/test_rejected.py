"""The bad specs of specs/rejected/, and the message that each must get, word for word.

The messages are those of the command line: `fcframe check specs/rejected/NAME.json 2> specs/rejected/NAME.txt` writes
one, where no plugin but fcframe's own is installed.
"""

from pathlib import Path

import pytest

import fcframe
from fcframe.builder import plan
from tests.spec.components import fcframe_alone

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path("specs", "rejected")
NAMES = sorted(path.stem for path in (ROOT / FOLDER).glob("*.json"))


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_spec_gets_the_message_beside_it(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("FCFRAME_MAX_BYTES", raising=False)
    path = FOLDER / f"{name}.json"
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")
    try:
        spec = fcframe.load_spec(path, registry=fcframe_alone())
    except fcframe.SpecError as error:
        problems = error.problems
    else:  # valid by itself, and yet no network
        with pytest.raises(fcframe.SpecError) as caught:
            plan(spec)
        problems = [f"{path.as_posix()}: {problem}" for problem in caught.value.problems]
    assert "".join(f"fcframe: {problem}\n" for problem in problems) == expected


def test_each_bad_spec_has_its_message_and_each_message_its_spec():
    assert len(NAMES) >= 20
    assert {path.name for path in (ROOT / FOLDER).iterdir()} == {
        f"{name}{end}" for name in NAMES for end in (".json", ".txt")
    }
