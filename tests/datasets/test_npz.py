"""Arrays from an npz file, kind and hostile."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from pydantic import ValidationError

import fcframe

NPZ = fcframe.registry().datasets["npz"]
X, y = np.arange(40.0).reshape(20, 2), np.arange(20)


def load(path, dtype="float32", seed=0, **fields):
    return NPZ(path=str(path), **fields).load(np.dtype(dtype), np.random.default_rng(seed))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.npz"


def member(shape, descr="'<f8'", content=b"", version=b"\x01\x00"):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + content


def write(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array))
    return file.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_splits_are_disjoint_complete_and_keep_rows_with_their_labels(path, save, order, dtype):
    save(path, X=np.asarray(X, order=order), y=y)
    data = load(path, dtype, validation=0.25, test=0.1)
    assert [len(rows) for rows, _ in data.splits().values()] == [13, 5, 2]
    labels = np.concatenate([labels for _, labels in data.splits().values()])
    assert sorted(labels) == list(range(20))
    for rows, labels in data.splits().values():
        assert np.array_equal(rows, X[labels])
        assert rows.dtype == dtype
        assert rows.flags.c_contiguous
        assert labels.dtype == np.intp


def test_the_seed_alone_draws_the_split(path):
    np.savez(path, X=X, y=y)
    assert load(path, seed=4).X_train.tobytes() == load(path, seed=4).X_train.tobytes()
    assert load(path, seed=4).X_train.tobytes() != load(path, seed=5).X_train.tobytes()


def test_arrays_of_many_chunks_are_whole(path):
    big = np.random.default_rng(0).integers(0, 256, (3000, 4001), np.uint8)
    np.savez_compressed(path, X=big, y=np.arange(3000))
    data = load(path)
    assert np.array_equal(data.X_train, big[data.y_train])


def test_splits_that_the_file_makes_are_kept_as_they_are(path):
    np.savez(path, X_train=X, y_train=y, X_test=X[:3], y_test=y[:3])
    data = load(path)
    assert np.array_equal(data.X_train, X)
    assert np.array_equal(data.y_test, y[:3])
    assert data.X_val.shape == (0, 2)


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("x_train", "y_train", "x_valid", "y_valid"),
        ("X_train", "y_train", "x_validation", "y_validation"),
    ],
)
def test_the_names_of_keras_and_others_are_taken(path, names):
    np.savez(path, **dict(zip(names, (X, y, X[:3], y[:3]), strict=True)))
    data = load(path)
    assert np.array_equal(data.X_train, X)
    found = data.splits()["test" if names[2].endswith("test") else "val"]
    assert np.array_equal(found[0], X[:3])
    assert np.array_equal(found[1], y[:3])


def test_x_and_y_may_be_in_lower_case(path):
    np.savez(path, x=X, y=y)
    assert np.array_equal(load(path).X_train, X[load(path).y_train])


def test_a_row_is_called_as_in_the_file(path):
    np.savez(path, X=X, y=y)
    data = load(path)
    assert data.where("train", 5) == f"{path}: row {data.y_train[5]} of X and y"
    np.savez(path, x_train=X, y_train=y, x_test=X[:3], y_test=y[:3])
    assert load(path).where("test", 2) == f"{path}: row 2 of X_test and y_test"


@pytest.mark.parametrize("stored", ["int64", "uint32", "int8"])
def test_integers_are_exact_in_double_precision(path, stored):
    whole = np.array([[np.iinfo(stored).max // 1024], [3]], stored)
    np.savez(path, X=whole, y=y[:2])
    data = load(path, "float64", validation=0, test=0)
    assert data.X_train.astype(stored).tolist() == whole[data.y_train].tolist()


def test_a_split_that_is_asked_for_and_empty_is_noted(path, caplog):
    np.savez(path, X=X[:3], y=y[:3])
    load(path, test=0)
    assert [record.getMessage() for record in caplog.records] == [
        f"data: {path}: the validation split is empty: 0.1 of 3 rows is less than one row"
    ]


@pytest.mark.parametrize(
    ("stored", "made"), [("uint8", "intp"), ("bool", "intp"), ("float64", "float32"), (">i2", "intp")]
)
def test_y_keeps_integers_and_takes_the_dtype_otherwise(path, stored, made):
    np.savez(path, X=X.astype(">f4"), y=(y % 2).astype(stored))
    data = load(path)
    assert data.y_train.dtype == made
    assert np.array_equal(data.y_train, data.X_train[:, 0] // 2 % 2)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"X": np.array([{}, 1], object), "y": y[:2]}, "X holds Python objects"),
        ({"X": X + 1j, "y": y}, "X holds complex128, expected real numbers"),
        ({"X": X, "y": np.array(["cat"] * 20)}, "y holds <U3, expected real numbers"),
        ({"X": np.zeros(2, [("a", "f8")]), "y": y[:2]}, "expected real numbers"),
        ({"X": X, "y": y[:7]}, "X has 20 rows and y has 7"),
        ({"X": X}, "expected the arrays X and y.* holds 'X.npy'"),
        ({"X_train": X, "y_train": y, "X_val": X}, "expected the arrays"),
        ({"X_train": X, "y_train": y, "X_val": X[:, :1], "y_val": y}, r"X_val has shape \(1,\)"),
        ({"X": X, "y": y, "other": y}, "'other.npy'"),
        ({"X": X, "x": X, "y": y}, "holds both 'X.npy' and 'x.npy'"),
        ({"x_val": X, "x_valid": X, "y": y}, "holds both"),
        ({"X_train": X, "y_train": y, "X_other": X, "y_other": y}, "expected the arrays"),
        ({"X": X, "y": np.array(["cat"] * 20)}, r"np.unique\(y, return_inverse=True\)"),
        ({}, "holds none"),
        ({"X": 3, "y": 4}, r"shape \(\)"),
        ({"X": X[:0], "y": y[:0]}, "no training example"),
        ({"X": X[:, :0], "y": y}, "at least one number per example"),
    ],
)
def test_arrays_that_are_no_examples_are_refused(path, arrays, reason):
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=reason) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (member("(1000000000000,)"), "declares 8,000,000,000,000 bytes, but 0 follow"),
        (member("(1000000000000, 0)"), "at least one number"),
        (member("(-1, 2)"), "shape"),
        (member("(3,)", content=b"\0" * 23), "declares 24 bytes, but 23 follow"),
        (member("(2,)", "'<f1000'", b"\0" * 16), "no header that NumPy can read"),
        (member("(1,)", "'|O'", b"\x80\x04cposix\nsystem\n."), "Python objects"),
        (member("(1,)", "[('a', '|O')]"), "Python objects"),
        (member("(" * 3000), "no header that NumPy can read"),
        (member("(2,)", version=b"\x09\x00"), "no header that NumPy can read"),
        (b"\x93NUMPY\x02\x00" + (10**8).to_bytes(4, "little") + b" " * 10**8, "a header of 100,000,000 bytes"),
        (member("(2,)" + " " * 20_000, content=b"\0" * 16), "a header of 20,"),
        (b"not an array", "no header that NumPy can read"),
        (b"", "no header that NumPy can read"),
    ],
)
def test_a_hostile_header_is_refused_before_memory_is_taken(path, content, reason):
    write(path, X=content, y=npy(y))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=reason) as caught:
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_no_more_memory_is_taken_than_is_allowed(path, monkeypatch):
    np.savez_compressed(path, X=np.zeros((1000, 100), np.uint8), y=np.zeros(1000, np.uint8))
    monkeypatch.setenv("FCFRAME_MAX_BYTES", "408000")
    assert load(path).X_train.shape == (800, 100)
    monkeypatch.setenv("FCFRAME_MAX_BYTES", "407999")
    with pytest.raises(ValueError, match=r"take 408,000 bytes; 407,999 are allowed \(FCFRAME_MAX_BYTES\)"):
        load(path)


@pytest.mark.parametrize("order", ["C", "F"])
def test_reading_takes_little_more_memory_than_the_arrays(path, order):
    many = np.asarray(np.zeros((2000, 4000), np.float32), order=order)
    np.savez_compressed(path, X=many, y=np.zeros(2000, np.uint8))
    tracemalloc.start()
    try:
        load(path)
        assert tracemalloc.get_traced_memory()[1] < many.nbytes + 10_000_000
    finally:
        tracemalloc.stop()


def test_an_example_that_is_read_whole_counts_as_memory(path, monkeypatch):
    np.savez_compressed(path, X=np.zeros((2, 2_000_000)), y=np.zeros(2, np.uint8))
    monkeypatch.setenv("FCFRAME_MAX_BYTES", "17000000")
    with pytest.raises(ValueError, match=r"take 32,000,016 bytes; 17,000,000 are allowed"):
        load(path)


@pytest.mark.parametrize("cut", [0, 10, 200, -1])
def test_a_truncated_file_is_refused(path, cut):
    np.savez(path, X=X, y=y)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match="not a complete npz file") as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_changed_byte_is_noticed(path):
    np.savez(path, X=X, y=y)
    content = path.read_bytes()
    path.write_bytes(content.replace(np.float64(39).tobytes(), np.float64(38).tobytes()))
    with pytest.raises(ValueError, match="CRC"):
        load(path)


def test_a_relative_path_is_looked_for_here_and_then_in_the_data_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("FCFRAME_DATA", str(tmp_path))
    with pytest.raises(OSError, match=rf"^data.npz: .*{tmp_path}/data.npz.*FCFRAME_DATA"):
        load("data.npz")
    np.savez(tmp_path / "data.npz", X=X, y=y)
    assert len(load("data.npz").X_train) == 16
    np.savez("data.npz", X=X[:10], y=y[:10])
    assert len(load("data.npz").X_train) == 8


@pytest.mark.parametrize("fields", [{}, {"path": ""}, {"path": "a", "test": 0.5}, {"path": "a", "validation": -0.1}])
def test_fields_out_of_bounds_are_refused(fields):
    with pytest.raises(ValidationError):
        NPZ(**fields)


# Data that do not fit a network


def trained(path, **arrays):
    """Trains a network with 3 scores on a file with these arrays."""
    np.savez(path, **arrays)
    layers = [{"type": "affine", "units": 3}]
    network = {"input": [2], "layers": layers, "loss": {"type": "softmax"}, "dtype": "float32"}
    training = {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 1}
    data = {"type": "npz", "path": str(path)}
    fcframe.train(fcframe.load_spec({"network": network, "data": data, "training": training}))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "row 13 of X and y: number [1] of the example is nan; examples must be finite numbers"),
        (-np.inf, "row 13 of X and y: number [1] of the example is -inf; examples must be finite numbers"),
        (-1e300, "row 13 of X: number [1] of the row is -1e+300; float32 holds numbers up to 3.4e+38"),
    ],
)
def test_a_number_that_cannot_be_trained_on_is_told_with_its_file_and_row(path, order, value, message):
    wrong = np.array(X, order=order)
    wrong[13, 1] = value
    with pytest.raises(fcframe.DataError) as refused:
        trained(path, X=wrong, y=y % 3)
    assert str(refused.value) == f"data: {path}: {message}"


def test_the_rows_of_split_arrays_are_told_by_the_names_of_the_arrays(path):
    wrong = X.copy()
    wrong[7, 0] = np.nan
    with pytest.raises(fcframe.DataError, match=r"data.npz: row 7 of X_val and y_val: number \[0\] of the"):
        trained(path, x_train=X, y_train=y % 3, x_valid=wrong, y_valid=y % 3)


ONE_HOT = np.eye(3)[y % 3]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (y % 3 + 1, r"row \d+ of X and y: target 3 is wrong: .*; labels count from 0: use y - 1"),
        (y % 3 + 0.0, r"targets are integers of shape \(N,\), got float32 of shape \(N,\); use y\.astype\(int\)"),
        (ONE_HOT, r"got float32 of shape \(N, 3\); these rows are one-hot: use y\.argmax\(axis=1\)"),
        (ONE_HOT.astype(int), r"got int64 of shape \(N, 3\); these rows are one-hot: use y\.argmax\(axis=1\)"),
        ((y % 3)[:, None], r"got int64 of shape \(N, 1\); use y\[:, 0\]"),
        ((y % 3 + 0.0)[:, None], r"got float32 of shape \(N, 1\); use y\[:, 0\]\.astype\(int\)"),
        (y % 3 + 0.5, r"labels are whole numbers: numbers to be predicted need another loss"),
    ],
)
def test_targets_in_another_form_are_told_with_the_file_and_the_remedy(path, targets, message):
    with pytest.raises(fcframe.DataError, match=rf"^data: {path}: .*{message}$"):
        trained(path, X=X, y=targets)


def test_numbers_that_are_no_indices_are_told_with_their_row():
    layers = [{"type": "embedding", "size": 4, "units": 2}, {"type": "affine", "units": 10}]
    network = {"input": [8, 8], "layers": layers, "loss": {"type": "softmax"}}
    training = {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 1}
    spec = fcframe.load_spec({"network": network, "data": {"type": "digits"}, "training": training})
    with pytest.raises(fcframe.DataError, match=r"row \d+ of the source: number \[0, \d\] of the example is 0\.\d+, "):
        fcframe.train(spec)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_the_same_name_are_refused(path):
    with zipfile.ZipFile(path, "w") as archive:
        for content in (X, X, y):
            archive.writestr("y.npy" if content is y else "X.npy", npy(content))
    with pytest.raises(ValueError, match=r"data.npz: the file holds two arrays called 'X\.npy'"):
        load(path)
