"""The folders of runs: each its own, and none left by one that failed."""

from pathlib import Path

import pytest

from fcframe import OutputError
from fcframe.training.run import numbered


def test_a_numbered_folder_is_the_first_that_nobody_has(tmp_path):
    with numbered(tmp_path / "runs", "a") as first, numbered(tmp_path / "runs", "a") as second:
        assert (first.name, second.name) == ("a-1", "a-2")
    assert first.is_dir()


def test_one_that_another_training_takes_between_the_look_and_the_claim_is_left_to_it(tmp_path, monkeypatch):
    (tmp_path / "a-1").mkdir()
    monkeypatch.setattr(Path, "exists", lambda path: False)
    with numbered(tmp_path, "a") as path:
        assert path.name == "a-2"


def test_a_training_that_fails_takes_its_numbered_folder_back_and_those_around_it(tmp_path):
    with pytest.raises(ZeroDivisionError), numbered(tmp_path / "new" / "runs", "a"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_one_in_which_a_run_was_written_stays_whatever_comes_after_it(tmp_path):
    def fails_late(path):
        (path / "summary.json").touch()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), numbered(tmp_path, "a") as path:
        fails_late(path)
    assert (path / "summary.json").exists()


@pytest.mark.parametrize("name", ["file", "dangling"])
def test_where_no_folder_can_be_made_a_line_says_so(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with (
        pytest.raises(OutputError, match=f"{name}/a-1: a run cannot be written there: "),
        numbered(tmp_path / name, "a"),
    ):
        pass
