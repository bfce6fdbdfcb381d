"""Where files of data are looked for."""

import json
import pickle

import numpy as np
import pytest

import fcframe

TABLE = "a,b,t\n" + "1,2,x\n3,4,y\n" * 20
SPEC = {
    "network": {"input": [2], "layers": [{"type": "affine", "units": 2}], "loss": {"type": "softmax"}},
    "data": {"type": "csv", "path": "tables/t.csv"},
    "training": {"optimizer": {"type": "sgd"}, "epochs": 1},
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A folder of specs, the current folder, and the data folder."""
    for name in ("specs", "here", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "specs" / "s.json").write_text(json.dumps(SPEC))
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("FCFRAME_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "data"))
    return tmp_path


def put(folder, rows=40):
    (folder / "tables").mkdir(exist_ok=True)
    (folder / "tables" / "t.csv").write_text("\n".join(TABLE.splitlines()[: rows + 1]))


def loaded(spec):
    return len(spec.data.load(np.dtype("float32"), np.random.default_rng(0)).X_train)


def test_a_relative_path_is_looked_for_beside_the_spec_then_here_then_in_the_data_folder(folders):
    for name, rows in (("data", 20), ("here", 30), ("specs", 40)):
        put(folders / name, rows)
        assert loaded(fcframe.load_spec(folders / "specs" / "s.json")) == rows * 8 // 10


def test_a_missing_file_is_named_with_all_places(folders):
    with pytest.raises(FileNotFoundError) as caught:
        loaded(fcframe.load_spec(folders / "specs" / "s.json"))
    for place in (folders / "specs" / "tables" / "t.csv", "tables/t.csv", folders / "data" / "tables" / "t.csv"):
        assert str(place) in str(caught.value)
    assert "folder of the spec" in str(caught.value)


def test_where_a_spec_lies_is_no_part_of_it(folders):
    spec, same = fcframe.load_spec(folders / "specs" / "s.json"), fcframe.load_spec(SPEC)
    assert spec == same
    assert hash(spec.data) == hash(same.data)
    assert spec.model_dump_json() == same.model_dump_json()
    assert json.loads(spec.model_dump_json())["data"]["path"] == "tables/t.csv"
    assert repr(spec.data) == repr(same.data)


def test_a_copy_of_a_spec_knows_where_it_lay(folders):
    put(folders / "specs")
    spec = fcframe.load_spec(folders / "specs" / "s.json")
    again = type(spec).model_validate(spec.model_dump())
    copies = [spec.model_copy(deep=True), pickle.loads(pickle.dumps(spec)), again]
    assert [loaded(copy) for copy in copies] == [32, 32, 32]


@pytest.mark.parametrize("path", ["~/tables/t.csv", "tables/t.csv"])
def test_a_tilde_is_the_home_folder(folders, monkeypatch, path):
    put(folders / "data")
    monkeypatch.setenv("FCFRAME_DATA", "~")
    assert loaded(fcframe.load_spec({**SPEC, "data": {"type": "csv", "path": path}})) == 32


def test_a_tilde_of_nobody_stays_as_it_is(folders):
    with pytest.raises(FileNotFoundError, match=r"^~nobody-of-that-name/t\.csv: "):
        loaded(fcframe.load_spec({**SPEC, "data": {"type": "csv", "path": "~nobody-of-that-name/t.csv"}}))


def test_the_folder_of_cifar10_is_looked_for_beside_the_spec_too(folders):
    (folders / "specs" / "s.json").write_text(json.dumps(SPEC | {"data": {"type": "cifar10", "root": "images"}}))
    with pytest.raises(FileNotFoundError, match=rf"^{folders}/specs/images/cifar-10-batches-py/data_batch_1: "):
        loaded(fcframe.load_spec(folders / "specs" / "s.json"))


def files_of(run):
    return {path.name: path.read_bytes() for path in run.iterdir()}


def test_the_spec_of_a_run_can_be_trained_again_from_anywhere_and_gives_the_same_bytes(folders, monkeypatch):
    put(folders / "specs")
    first, second = folders / "runs" / "a", folders / "runs" / "b"
    fcframe.train(fcframe.load_spec("../specs/s.json"), out="../runs/a")
    assert json.loads((first / "spec.json").read_text())["data"]["path"] == "../../specs/tables/t.csv"
    monkeypatch.chdir(folders / "data")
    fcframe.train(fcframe.load_spec(first / "spec.json"), out=second)
    assert files_of(first) == files_of(second)


@pytest.mark.parametrize("place", ["here", "data"])
def test_a_path_that_was_not_found_beside_the_spec_is_written_as_it_is(folders, place):
    put(folders / place)
    fcframe.train(fcframe.load_spec(folders / "specs" / "s.json"), out=folders / "run")
    assert json.loads((folders / "run" / "spec.json").read_text())["data"]["path"] == "tables/t.csv"
    fcframe.train(fcframe.load_spec(folders / "run" / "spec.json"), out=folders / "again")
    assert files_of(folders / "run") == files_of(folders / "again")
