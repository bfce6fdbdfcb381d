"""New rows of tables and archives, read with what was fitted on the training rows."""

import json

import numpy as np
import pytest

import fcframe

CSV, NPZ = fcframe.registry().datasets["csv"], fcframe.registry().datasets["npz"]
DTYPE = np.dtype("float64")
TEXT = "height,weight,kind\n" + "".join(f"{i},{i * i % 7},{['cat', 'dog', 'emu'][i % 3]}\n" for i in range(30))


@pytest.fixture
def write(tmp_path):
    def write(text, name="new.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def trained(write):
    """A table of animals, and what was fitted on it."""
    dataset = CSV(path=write(TEXT, "train.csv"), standardize=True)
    return dataset, dataset.load(DTYPE, np.random.default_rng(0))


@pytest.mark.parametrize("fields", [{}, {"standardize": True}, {"labels": False, "target": 0}, {"header": False}])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_training_rows_read_again_are_the_same_bytes(write, fields, dtype):
    text = TEXT if fields.get("header", True) else TEXT.partition("\n")[2]
    if not fields.get("labels", True):
        text = text.replace("cat", "1").replace("dog", "2").replace("emu", "0")
    dataset = CSV(path=write(text), **fields)
    data = dataset.load(np.dtype(dtype), np.random.default_rng(0))
    X, y = dataset.read(dataset.own_source(), data.fitted, np.dtype(dtype))
    assert X.dtype == dtype
    for split, rows in data.rows.items():
        assert X[rows].tobytes() == data.splits()[split][0].tobytes()
        assert y[rows].tobytes() == data.splits()[split][1].tobytes()


def test_the_order_of_named_columns_does_not_matter_and_others_are_left_out(trained, write):
    dataset, data = trained
    wanted, labels = dataset.read({"height": [3, 4], "weight": [1.5, 2], "kind": ["emu", "cat"]}, data.fitted, DTYPE)
    assert labels.tolist() == [2, 0]
    sources = [
        write("name,weight,kind,height\nann,1.5,emu,3\nbob,2,cat,4\n"),
        {"weight": np.array([1.5, 2]), "kind": np.array(["emu", "cat"]), "height": [3, 4], "name": ["ann", "bob"]},
        (np.array([[3, 1.5], [4, 2]]), ["emu", "cat"]),
    ]
    for source in sources:
        X, y = dataset.read(source, data.fitted, DTYPE)
        assert np.array_equal(X, wanted)
        assert y.tolist() == [2, 0]


def test_targets_come_only_where_the_source_has_them(trained, write):
    dataset, data = trained
    for source in (write("weight,height\n1.5,3\n"), {"height": 3, "weight": 1.5}, np.array([[3, 1.5]])):
        X, y = dataset.read(source, data.fitted, DTYPE)
        assert X.shape == (1, 2)
        assert y is None


def test_what_was_fitted_is_of_the_training_rows_and_survives_being_written(trained):
    dataset, data = trained
    table = np.array([line.split(",")[:2] for line in TEXT.splitlines()[1:]], float)
    assert np.allclose(data.fitted["mean"], table[data.rows["train"]].mean(axis=0))
    assert np.allclose(data.fitted["scale"], table[data.rows["train"]].std(axis=0))
    assert data.fitted["features"] == ["height", "weight"]
    assert data.fitted["target"] == "kind"
    assert data.classes == ("cat", "dog", "emu")
    arrays = {key: value for key, value in data.fitted.items() if isinstance(value, np.ndarray)}
    written = json.loads(json.dumps({key: value for key, value in data.fitted.items() if key not in arrays})) | arrays
    source = {"height": [3], "weight": [1.5]}
    assert np.array_equal(dataset.read(source, written, DTYPE)[0], dataset.read(source, data.fitted, DTYPE)[0])


def test_without_a_header_columns_stand_in_order_with_or_without_the_target(write):
    dataset = CSV(path=write("1,x,2\n3,y,4\n", "train.csv"), header=False, target=1, validation=0, test=0)
    data = dataset.load(DTYPE, np.random.default_rng(0))
    assert data.fitted["features"] == ["0", "2"]
    X, y = dataset.read(write("5,y,6\n"), data.fitted, DTYPE)
    assert (X.tolist(), y.tolist()) == ([[5, 6]], [1])
    X, y = dataset.read(write("5,6\n"), data.fitted, DTYPE)
    assert (X.tolist(), y) == ([[5, 6]], None)
    with pytest.raises(ValueError, match=r"new.csv:1: 3 features, expected 2"):
        dataset.read(write("5,y,6,7\n"), data.fitted, DTYPE)


def test_a_class_that_is_an_integer_may_be_written_as_a_number(write):
    dataset = CSV(path=write("a,b\n1,1\n2,2\n", "train.csv"), validation=0, test=0)
    fitted = dataset.load(DTYPE, np.random.default_rng(0)).fitted
    assert dataset.read({"a": [1, 2, 3], "b": [2.0, 1.0, 2.0]}, fitted, DTYPE)[1].tolist() == [1, 0, 1]
    assert dataset.read({"a": [1, 2], "b": np.array([2, 1])}, fitted, DTYPE)[1].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("kind\ncat\n", r"new.csv:1: no column 'height', 'weight'; the columns are 'kind'"),
        ("height,kind\n1,cat\n", r"new.csv:1: no column 'weight'; the columns are 'height', 'kind'"),
        ("height,weight,height\n1,2,3\n", r"new.csv:1: more than one column is called 'height'"),
        (
            "height,weight,kind\n1,2,cat\n1,2,yak\n",
            r"new.csv:3: column 'kind': 'yak' is not a class .* 'dog', 'emu'",
        ),
        ("height,weight,kind\n1,2,cat\n1,2,\n", r"new.csv:3: column 'kind': the label is missing"),
        ("height,weight\n1,x\n", r"new.csv:2: column 'weight': 'x' is not a number"),
        ("1,2\n3,4\n", r"new.csv:1: the header is made of numbers"),
        ({"height": [1]}, r"source: no column 'weight'; the columns are 'height'"),
        ({"height": [1, 2], "weight": [1]}, r"source: the columns differ in length: 1, 2"),
        ({"height": ["a"], "weight": [1]}, r"source: column 'height': expected numbers"),
        ({"height": [1], "weight": [np.nan]}, r"source: column 'weight': row 0 is nan, expected a finite number"),
        ({"height": [1, 2], "weight": [1, 2], "kind": ["cat", "yak"]}, r"row 1: column 'kind': 'yak' is not a class"),
        (np.zeros((2, 3)), r"expected an array of shape \(N, 2\), with the columns 'height', 'weight'"),
        (np.zeros(2), r"expected an array of shape \(N, 2\)"),
        ((np.zeros((2, 2)), ["cat"]), r"expected 2 targets, one per row, got shape \(1,\)"),
    ],
)
def test_rows_that_are_not_as_in_training_are_refused(trained, write, source, reason):
    dataset, data = trained
    with pytest.raises(ValueError, match=reason):
        dataset.read(write(source) if isinstance(source, str) else source, data.fitted, DTYPE)


def test_a_missing_file_of_new_rows_is_named(trained):
    dataset, data = trained
    with pytest.raises(FileNotFoundError, match=r"^nowhere\.csv: there is no such file"):
        dataset.read("nowhere.csv", data.fitted, DTYPE)


@pytest.mark.parametrize(
    "arrays",
    [
        {"X": np.arange(40.0).reshape(20, 2), "y": np.arange(20)},
        {"x_train": np.eye(4), "y_train": np.arange(4), "x_test": np.ones((2, 4)), "y_test": np.ones(2, int)},
        {"X_train": np.eye(4), "y_train": np.eye(4) / 2},
    ],
    ids=["whole", "keras", "numbers"],
)
def test_an_archive_read_again_has_the_same_examples(tmp_path, arrays):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    dataset = NPZ(path=str(path))
    data = dataset.load(DTYPE, np.random.default_rng(0))
    X, y = dataset.read(dataset.own_source(), data.fitted, DTYPE)
    for split, rows in data.rows.items():
        assert np.array_equal(X[rows], data.splits()[split][0])
        assert np.array_equal(y[rows], data.splits()[split][1])


def test_an_archive_of_new_examples_needs_no_targets(tmp_path):
    np.savez(tmp_path / "new.npz", x=np.eye(3))
    X, y = NPZ(path="train.npz").read(tmp_path / "new.npz", {}, DTYPE)
    assert np.array_equal(X, np.eye(3))
    assert y is None


def test_arrays_of_new_examples_need_no_archive():
    X, y = NPZ(path="train.npz").read((np.eye(3, dtype=int), np.array([2, 0, 1], np.uint8)), {}, DTYPE)
    assert X.dtype == DTYPE
    assert y.dtype == np.intp
    assert NPZ(path="train.npz").read({"X": np.eye(3)}, {}, DTYPE)[1] is None
