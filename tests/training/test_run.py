"""The folders of runs: each its own, none left by a training that failed, and nothing of anybody else's removed."""

import contextlib
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

import fcframe
from fcframe import OutputError
from fcframe.training.folder import UNFINISHED, folder, numbered
from fcframe.training.run import FILES
from tests.training.toys import Toy, experiment

WRITTEN = sorted(FILES)


class Failed(BaseException):
    """Ends a training, as no error of an observer does."""


def fail():
    raise Failed


class At:
    """An observer that does something in the middle of a training, or at its end."""

    def __init__(self, deed, end=False):
        self.deed, self.end = deed, end

    @fcframe.hookimpl
    def fcframe_epoch_end(self, training):
        if training.epoch == (training.epochs if self.end else 1):
            self.deed()


def diverging(**fields):
    return experiment(optimizer={"type": "sgd", "learning_rate": 1e30}, **fields)


def names(path):
    return sorted(found.name for found in path.iterdir())


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory, monkeypatch):
    """Where a run that cannot be written where it should is kept."""
    place = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


# Numbered folders


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


# The claim


def test_of_two_trainings_into_one_folder_the_second_is_refused_and_the_first_is_not_harmed(tmp_path):
    refused = []

    def again():
        with pytest.raises(OutputError, match="another training writes to this folder, or was killed") as error:
            fcframe.train(experiment(), out=tmp_path / "run")
        refused.append(error)

    fcframe.train(experiment(), out=tmp_path / "run", observers=[At(again)])
    assert len(refused) == 1
    assert names(tmp_path / "run") == WRITTEN


@pytest.mark.parametrize("left", [[], ["spec.json.partial"]])
def test_the_mark_of_a_training_that_was_killed_may_be_removed(tmp_path, left):
    for name in [UNFINISHED, *left]:
        (tmp_path / name).touch()
    with pytest.raises(OutputError, match="if no training runs there, remove the file unfinished and those"):
        fcframe.train(experiment(), out=tmp_path)
    for name in [UNFINISHED, *left]:
        (tmp_path / name).unlink()
    fcframe.train(experiment(), out=tmp_path)


def test_a_training_that_ends_between_the_look_at_the_folder_and_the_claim_keeps_it(tmp_path, monkeypatch):
    real, path = os.open, tmp_path / "run"

    def open_late(name, *arguments, **options):
        if Path(name) == path / UNFINISHED and not (path / "summary.json").exists():
            monkeypatch.setattr(os, "open", real)
            fcframe.train(experiment(), out=path)
        return real(name, *arguments, **options)

    monkeypatch.setattr(os, "open", open_late)
    with pytest.raises(OutputError, match="this folder is not empty"), folder(path):
        pass
    assert names(path) == WRITTEN


def test_a_folder_that_was_there_and_empty_stays_and_those_that_were_made_do_not(tmp_path):
    (tmp_path / "there").mkdir()
    for out in ("there", "new/deep"):
        with pytest.raises(fcframe.DivergenceError):
            fcframe.train(diverging(), out=tmp_path / out)
    assert names(tmp_path) == ["there"]
    assert names(tmp_path / "there") == []


# Files of the user's own


def notes(path):
    """A user's own notes and checkpoints, with names that fcframe uses too."""
    (path / "checkpoints" / "deep").mkdir(parents=True)
    for name in (
        "notes.txt",
        "checkpoints/1.npz",
        "checkpoints/deep/parameters.npz",
        "losses.csv",
        "spec.json.partial",
    ):
        (path / name).write_text("mine")
    (path / "link").symlink_to(path.parent / "elsewhere")
    return sorted(set(path.rglob("*")) - {path / UNFINISHED})


def interrupt():
    raise KeyboardInterrupt


ENDS = {
    "Ctrl-C": (experiment(), interrupt, KeyboardInterrupt),
    "what no observer may raise": (experiment(), fail, Failed),
    "an observer that raises": (experiment(), lambda: 1 / 0, OutputError),
}


@pytest.mark.parametrize("end", [False, True], ids=["in the middle", "in the end"])
@pytest.mark.parametrize("case", ENDS)
def test_a_training_that_fails_leaves_the_user_s_files(tmp_path, case, end):
    spec, deed, error = ENDS[case]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "thesis.txt").touch()
    mine = []

    def write_and_end():
        mine.extend(notes(tmp_path / "run"))
        deed()

    with contextlib.suppress(error):
        fcframe.train(spec, out=tmp_path / "run", observers=[At(write_and_end, end)])
    assert mine
    assert set(mine) <= set((tmp_path / "run").rglob("*"))
    assert all(path.read_text() == "mine" for path in mine if path.is_file())
    assert names(tmp_path / "elsewhere") == ["thesis.txt"]
    assert UNFINISHED not in names(tmp_path / "run")


def test_a_divergence_leaves_the_user_s_files(tmp_path):
    class Writer:
        @fcframe.hookimpl
        def fcframe_training_start(self):
            self.mine = notes(tmp_path / "run")

    writer = Writer()
    with pytest.raises(fcframe.DivergenceError):
        fcframe.train(diverging(), out=tmp_path / "run", observers=[writer])
    assert sorted((tmp_path / "run").rglob("*")) == writer.mine


def test_the_user_s_files_stay_beside_those_of_a_complete_run(tmp_path):
    fcframe.train(experiment(), out=tmp_path / "run", observers=[At(lambda: (tmp_path / "run" / "a.txt").touch())])
    assert names(tmp_path / "run") == sorted([*FILES, "a.txt"])


def test_a_folder_that_was_replaced_by_a_link_loses_nothing_through_it(tmp_path, temporary):
    (tmp_path / "home" / "papers").mkdir(parents=True)
    (tmp_path / "home" / "unfinished").write_text("mine")
    (tmp_path / "home" / "summary.json").write_text("mine")

    def replace(end):
        (tmp_path / "run").rename(tmp_path / f"moved-{end}")
        (tmp_path / "run").symlink_to(tmp_path / "home")
        if end:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fcframe.train(experiment(), out=tmp_path / "run", observers=[At(lambda: replace(True))])
    assert names(tmp_path / "home") == ["papers", "summary.json", "unfinished"]
    (tmp_path / "run").unlink()
    with pytest.raises(OutputError, match=r"moved or replaced.*could be saved: .*parameters\.npz"):
        fcframe.train(experiment(), out=tmp_path / "run", observers=[At(lambda: replace(False))])
    assert names(tmp_path / "home") == ["papers", "summary.json", "unfinished"]
    (kept,) = temporary.iterdir()
    assert names(kept) == WRITTEN


def test_a_folder_that_moved_and_is_linked_to_is_still_the_run_s(tmp_path):
    def move():
        (tmp_path / "run").rename(tmp_path / "moved")
        (tmp_path / "run").symlink_to(tmp_path / "moved")

    fcframe.train(experiment(), out=tmp_path / "run", observers=[At(move)])
    assert names(tmp_path / "moved") == WRITTEN


def test_without_its_mark_a_run_is_written_as_always_and_a_failed_one_leaves_nothing(tmp_path):
    remove = At((tmp_path / "run" / UNFINISHED).unlink)
    fcframe.train(experiment(), out=tmp_path / "run", observers=[remove])
    assert names(tmp_path / "run") == WRITTEN
    with pytest.raises(Failed):
        fcframe.train(
            experiment(),
            out=tmp_path / "other",
            observers=[At((tmp_path / "other" / UNFINISHED).unlink), At(fail, end=True)],
        )
    assert names(tmp_path) == ["run"]


@pytest.mark.parametrize("fails", [False, True])
def test_another_training_that_moved_in_meanwhile_is_not_harmed(tmp_path, temporary, fails):
    def other_moves_in():
        (tmp_path / "run" / UNFINISHED).unlink()
        fcframe.train(experiment(seed=5), out=tmp_path / "run")
        if fails:
            raise Failed

    with pytest.raises(Failed if fails else OutputError):
        fcframe.train(experiment(), out=tmp_path / "run", observers=[At(other_moves_in)])
    assert names(tmp_path / "run") == WRITTEN
    assert '"seed": 5' in (tmp_path / "run" / "spec.json").read_text()
    assert len(list(temporary.iterdir())) == (0 if fails else 1)


def test_what_happens_after_the_last_file_undoes_nothing(tmp_path):
    class Late:
        @fcframe.hookimpl
        def fcframe_training_end(self):
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        fcframe.train(experiment(), out=tmp_path / "run", observers=[Late()])
    assert names(tmp_path / "run") == WRITTEN


def test_an_error_while_cleaning_up_does_not_hide_the_first_one(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise PermissionError(13, "not today")

    def break_down():
        monkeypatch.setattr(Path, "unlink", refuse)
        monkeypatch.setattr(Path, "rmdir", refuse)
        raise Failed

    with pytest.raises(Failed):
        fcframe.train(experiment(), out=tmp_path / "run", observers=[At(break_down)])


# A run that cannot be written


def test_a_run_whose_folder_is_gone_is_kept_elsewhere_and_the_message_says_where(tmp_path, temporary):
    def remove():
        (tmp_path / "run" / UNFINISHED).unlink()
        (tmp_path / "run").rmdir()

    with pytest.raises(OutputError, match=r"run: this folder was moved or replaced during the training; ") as error:
        fcframe.train(experiment(), out=tmp_path / "run", observers=[At(remove)])
    (kept,) = temporary.iterdir()
    assert f"files that could be saved: {kept} (parameters.npz, summary.json, " in str(error.value)
    assert names(kept) == WRITTEN
    trained = fcframe.train(experiment())
    with np.load(kept / "parameters.npz") as arrays:
        assert np.array_equal(arrays["params/affine1.W"], trained.network.params["affine1.W"])
    assert names(tmp_path) == []


def test_a_file_that_a_user_gave_the_name_of_the_run_s_is_not_overwritten(tmp_path, temporary):
    write = At(lambda: (tmp_path / "run" / "summary.json").write_text("mine"))
    with pytest.raises(OutputError, match=r"run could not be written: .*summary\.json") as error:
        fcframe.train(experiment(), out=tmp_path / "run", observers=[write])
    (kept,) = temporary.iterdir()
    assert str(kept) in str(error.value)
    assert names(tmp_path / "run") == ["summary.json"]
    assert (tmp_path / "run" / "summary.json").read_text() == "mine"


def test_what_fits_is_kept_where_nothing_else_does(tmp_path, temporary, monkeypatch):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(OutputError, match=r"run: the run could not be written: No space left on device; ") as error:
        fcframe.train(experiment(), out=tmp_path / "run")
    assert "parameters.npz" not in str(error.value)
    assert all(names(kept) == sorted(FILES.keys() - {"parameters.npz"}) for kept in temporary.iterdir())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("a\0b", r"out: expected the path of a folder, got 'a\\x00b', which has a null character"),
        (5, "out: expected the path of a folder, got 5"),
        (b"run", "out: expected the path of a folder, got b'run'"),
        ("~nobody-of-this-name/run", "~nobody-of-this-name/run: a run cannot be written there: "),
    ],
)
def test_an_out_that_is_no_path_is_refused(out, message):
    with pytest.raises(OutputError, match=message):
        fcframe.train(experiment(), out=out)


@pytest.mark.parametrize("count", ["x", 1.5, [1], True, -1])
def test_threads_that_are_no_number_are_refused(count):
    with pytest.raises(fcframe.FcframeError, match=r"^threads: expected 1"):
        fcframe.train(experiment(), threads=count)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fcframe.train(experiment(), out="~/run").path == tmp_path / "run"
    assert names(tmp_path / "run") == WRITTEN


# What a run says of itself


def test_the_repr_of_a_run_is_short():
    run = fcframe.train(experiment(epochs=2))
    assert repr(run) == f"Run(2 epochs, val_acc {run.best.results['val_acc']:.4g}, test_acc {run.test['test_acc']:.4g})"
    regression = repr(fcframe.train(experiment(loss="mse", epochs=1, data=Toy(regression=True))))
    assert len(regression) < 100


def test_the_repr_of_a_run_names_the_spec_and_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = experiment(epochs=1).model_copy(update={"name": "toy"})
    text = repr(fcframe.train(spec, out="runs/toy-1"))
    assert text.startswith("Run(toy, 1 epoch, val_acc ")
    assert text.endswith(", runs/toy-1)")
