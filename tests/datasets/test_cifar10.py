"""CIFAR-10: its files are read only if they are the official ones, and what a pickle asks for is never executed."""

import hashlib
import io
import os
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import fcframe
from fcframe_standard.datasets import pickles
from fcframe_standard.datasets.cifar10 import FOLDER, MD5

CIFAR10 = fcframe.registry().datasets["cifar10"]
DATA = os.environ.get("FCFRAME_DATA", "")
real = pytest.mark.skipif(
    not (DATA and Path(DATA, FOLDER).is_dir()), reason=f"FCFRAME_DATA names no folder that holds {FOLDER}"
)


def load(dtype="float32", **fields):
    return CIFAR10(**fields).load(np.dtype(dtype), np.random.default_rng(0))


def command(marker):
    return f"touch {marker}".encode()


def by_global(marker):
    return b"\x80\x02cposix\nsystem\nX" + len(command(marker)).to_bytes(4, "little") + command(marker) + b"\x85R."


def by_stack_global(marker):
    return (
        b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x8c"
        + bytes([len(command(marker))])
        + command(marker)
        + b"\x85R."
    )


def by_memo(marker):  # the names are fetched from the memo, with other texts pushed in between
    names = b"\x8c\x05posix\x94\x8c\x06system\x94\x8c\x05numpy0h\x00h\x01\x93"
    return b"\x80\x04" + names + b"\x8c" + bytes([len(command(marker))]) + command(marker) + b"\x85R."


def by_inst(marker):
    return b"(X" + len(command(marker)).to_bytes(4, "little") + command(marker) + b"iposix\nsystem\n."


EVIL = [by_global, by_stack_global, by_memo, by_inst]


@pytest.fixture
def folder(tmp_path):
    """A folder with files of the right names, none of them official."""
    folder = tmp_path / FOLDER
    folder.mkdir()
    for name in MD5:
        (folder / name).write_bytes(pickle.dumps({b"data": 1}))
    return folder


@pytest.mark.parametrize("evil", EVIL)
def test_the_evil_pickles_of_these_tests_are_evil(evil, tmp_path):
    pickle.loads(evil(tmp_path / "m"))
    assert (tmp_path / "m").exists()


@pytest.mark.parametrize("evil", EVIL)
def test_a_malicious_pickle_is_named_and_not_executed(evil, folder, tmp_path):
    (folder / "data_batch_1").write_bytes(evil(tmp_path / "m"))
    with pytest.raises(ValueError, match=r"posix\.system") as caught:
        load(root=str(tmp_path))
    assert str(caught.value).startswith(str(folder / "data_batch_1"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("evil", EVIL)
def test_even_a_malicious_pickle_of_the_right_sum_is_refused_by_name(evil, tmp_path):
    path = tmp_path / "batch"
    path.write_bytes(evil(tmp_path / "m"))
    with pytest.raises(ValueError, match=r"the pickle asks for posix\.system: refused"):
        pickles.read(path, hashlib.md5(path.read_bytes()).hexdigest())
    assert not (tmp_path / "m").exists()


def test_training_reports_a_malicious_pickle_as_a_data_error(folder, tmp_path):
    (folder / "data_batch_1").write_bytes(by_global(tmp_path / "m"))
    spec = fcframe.load_spec(
        {
            "network": {
                "input": [3072],
                "layers": [{"type": "affine", "units": 10}],
                "loss": {"type": "softmax"},
            },
            "data": {"type": "cifar10", "root": str(folder)},
            "training": {"optimizer": {"type": "sgd"}, "epochs": 1},
        }
    )
    with pytest.raises(fcframe.DataError, match=r"data_batch_1: .*posix\.system"):
        fcframe.train(spec)
    assert not (tmp_path / "m").exists()


def test_a_harmless_file_with_another_sum_is_refused_with_both_sums(folder):
    found = hashlib.md5((folder / "data_batch_1").read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=f"md5 is {found}, expected {MD5['data_batch_1']}$"):
        load(root=str(folder))


def test_a_file_that_is_much_too_large_is_not_read(folder):
    with (folder / "data_batch_1").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match="larger than 33,554,432 bytes"):
        load(root=str(folder))


def test_long_names_in_a_pickle_cost_little_time_and_memory(folder):
    long = b"a" * 2_000_000
    text = b"X" + len(long).to_bytes(4, "little") + long
    asking = b"\x80\x04" + text + b"\x94" + text + b"\x93" * 199_000 + b"h\x00\x93" * 10 + b"."
    (folder / "data_batch_1").write_bytes(asking)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"asks for a{50,100}") as caught:
            pickles.read(folder / "data_batch_1", MD5["data_batch_1"])
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 1000


def test_many_different_names_in_a_pickle_are_not_all_kept(folder):
    names = b"".join(b"cos\nf%d\n" % i for i in range(100_000))
    (folder / "data_batch_1").write_bytes(b"\x80\x02" + names + b".")
    with pytest.raises(ValueError, match=r"asks for os\.f0, os\.f1, os\.f2: refused"):
        load(root=str(folder))


def test_names_in_a_pickle_cannot_write_to_the_terminal(folder):
    (folder / "data_batch_1").write_bytes(b"\x80\x04\x8c\x05\x1b[31m\x8c\x03a\nb\x93.")
    with pytest.raises(ValueError, match="asks for") as caught:
        load(root=str(folder))
    assert str(caught.value).isprintable()


def test_the_unpickler_makes_arrays_as_the_official_files_hold_them():
    python2 = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02K\x03\x86"
        b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x06abcdeftb."
    )
    array = pickles.Unpickler(io.BytesIO(python2), encoding="bytes").load()
    assert array.tolist() == [[97, 98, 99], [100, 101, 102]]


@pytest.mark.parametrize("missing", list(MD5))
def test_a_missing_file_is_named_before_any_is_read(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(OSError, match=rf"{missing}: there is no such file.*root.*FCFRAME_DATA"):
        load(root=str(folder))


def test_without_root_the_folder_is_that_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FCFRAME_DATA", "elsewhere")
    with pytest.raises(OSError, match=rf"^elsewhere/{FOLDER}/data_batch_1: "):
        load()
    monkeypatch.delenv("FCFRAME_DATA")
    with pytest.raises(OSError, match="FCFRAME_DATA"):
        load()


@real
def test_the_split_is_the_courses():
    data = load(train_size=10_001)
    assert data.X_train.shape == (10_001, 3, 32, 32)
    assert data.X_val.shape == data.X_test.shape == (1000, 3, 32, 32)
    assert data.X_train.dtype == np.float32
    assert all(y.dtype == np.intp for _, y in data.splits().values())
    assert all(X.flags.c_contiguous for X, _ in data.splits().values())
    assert [data.classes[y] for y in data.y_train[:4]] == ["frog", "truck", "truck", "deer"]
    assert [data.classes[y] for y in data.y_test[:4]] == ["cat", "ship", "ship", "airplane"]


@real
def test_the_mean_is_that_of_all_training_images_and_few_are_the_first_of_many():
    everything = load("float64")
    assert len(everything.X_train) == 49_000
    assert np.abs(everything.X_train.mean(axis=0)).max() < 1e-9
    few = load("float64", root=str(Path(DATA, FOLDER)), train_size=100, scale=0.5)
    assert np.array_equal(few.X_train, everything.X_train[:100] / 2)
    assert np.array_equal(few.X_val, everything.X_val / 2)
    assert np.array_equal(few.X_test, everything.X_test / 2)


@real
def test_a_pixel_less_the_mean_is_rounded_once():
    single, double = load("float32", train_size=50), load("float64", train_size=50)
    assert np.array_equal(single.X_train, double.X_train.astype(np.float32))


def test_new_images_are_treated_as_the_training_images(monkeypatch):
    mean = np.random.default_rng(0).uniform(0, 255, (3, 32, 32))
    fitted = {"mean": mean, "classes": ["a", "b"]}
    images = np.random.default_rng(1).integers(0, 256, (4, 3, 32, 32), np.uint8)
    X, y = CIFAR10(scale=0.5).read(images.reshape(4, -1), fitted, np.dtype("float32"))
    assert np.allclose(X, (images - mean) / 2, atol=1e-4)
    assert X.dtype == np.float32
    assert y is None
    assert CIFAR10().read((images, ["b", "a", "a", "b"]), fitted, np.dtype("float64"))[1].tolist() == [1, 0, 0, 1]
    with pytest.raises(
        ValueError, match=r"shape \(32, 32, 3\), expected \(3, 32, 32\); its axes are in a different order"
    ):
        CIFAR10().read(images.transpose(0, 2, 3, 1), fitted, np.dtype("float32"))


@real
def test_the_training_images_read_again_are_the_same():
    dataset = CIFAR10(train_size=50)
    data = dataset.load(np.dtype("float32"), np.random.default_rng(0))
    X, y = dataset.read(dataset.own_source(), data.fitted, np.dtype("float32"))
    for split, rows in data.rows.items():
        assert np.array_equal(X[rows], data.splits()[split][0])
        assert np.array_equal(y[rows], data.splits()[split][1])
    assert data.where("test", 3) == "test image 3 of CIFAR-10"
    assert data.where("train", 3) == "image 3 of CIFAR-10"
