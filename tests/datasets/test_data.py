"""What a dataset hands over: arrays that fit each other, and what belongs to them."""

import numpy as np
import pytest

import fcframe

X, y = np.ones((4, 3)), np.array([0, 1, 0, 1])


def data(**fields):
    return fcframe.Data(X, y, X[:2], y[:2], X[:0], y[:0], **fields)


def test_the_names_of_classes_are_what_was_fitted():
    assert data(fitted={"classes": ["cat", "dog"]}).classes == ("cat", "dog")
    assert data().classes == ()


def test_what_belongs_to_the_examples_is_kept():
    found = data(
        fitted={"features": ["a"], "mean": np.zeros(3), "nested": {"list": [1, 2.5, None, True]}},
        weights={"train": np.array([0.0, 1, 2, 0.5])},
        rows={"train": np.array([4, 2, 0, 1])},
    )
    assert found.weights["train"].tolist() == [0, 1, 2, 0.5]
    assert found.where("train", 1) == "row 2 of the source"
    assert found.where("val", 1) == "row 1 of y_val"


def test_a_dataset_says_what_its_rows_are_called():
    found = data(rows={"train": np.array([4, 2, 0, 1])}, describe_row="line {}".format)
    assert found.where("train", 0) == "line 4"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"fitted": {"classes": ["a", "a"]}}, "names a class twice"),
        ({"fitted": {"classes": [0, 1]}}, "must be a list of texts"),
        ({"fitted": {"classes": "ab"}}, "must be a list of texts"),
        ({"fitted": {"mean": float("nan")}}, r"fitted\['mean'\] is nan"),
        ({"fitted": {"mean": np.float32(1)}}, r"fitted\['mean'\] is a float32; expected JSON values and arrays"),
        ({"fitted": {"scaler": [object()]}}, r"fitted\['scaler'\]\[0\] is a object"),
        ({"fitted": {3: "a"}}, "has the key 3"),
        ({"fitted": {"names": np.array([None])}}, "an array of object"),
        ({"weights": {"training": np.ones(4)}}, "no split 'training'; the splits are 'train', 'val', 'test'"),
        ({"weights": {"train": np.ones(3)}}, r"weights\['train'\]: expected an array of 4 numbers, .* \(3,\)"),
        ({"weights": {"train": np.ones((4, 1))}}, r"shape \(4, 1\)"),
        ({"weights": {"train": [1, 1, 1, 1]}}, "got list"),
        ({"weights": {"train": np.array([1, np.nan, 1, 1])}}, r"weights\['train'\]\[1\] is nan"),
        ({"weights": {"train": np.array([1, 1, 1, np.inf])}}, r"weights\['train'\]\[3\] is inf"),
        ({"weights": {"train": np.array([1, 1, -0.5, 1])}}, r"weights\['train'\]\[2\] is -0.5; a weight is"),
        ({"weights": {"val": np.zeros(2)}}, "all weights are 0"),
        ({"rows": {"train": np.ones(4)}}, r"rows\['train'\]: expected an array of 4 numbers"),
        ({"rows": {"dev": np.ones(4, int)}}, "rows: no split 'dev'"),
    ],
)
def test_what_does_not_belong_to_the_examples_is_refused(fields, reason):
    with pytest.raises(ValueError, match=reason):
        data(**fields)


def test_a_dataset_without_read_says_so():
    class Still(fcframe.Dataset):
        type = "still"

        def load(self, dtype, rng):
            raise NotImplementedError

    with pytest.raises(ValueError, match="'still' cannot read new rows"):
        Still().read([[1]], {}, np.dtype("float32"))
    assert Still().own_source() is None


def test_validation_and_test_are_empty_by_default():
    found = fcframe.Data(X, y)
    assert [len(rows) for rows, _ in found.splits().values()] == [4, 0, 0]
    assert found.X_val.shape == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "fields", "reason"),
    [
        ((X, y, X, None, None, None), {}, "y_val is missing: X and y of a split belong together"),
        ((X, y), {"y_test": y}, "X_test is missing"),
        ((None, y), {}, "X_train is missing"),
        ((X, 3), {}, r"y_train: expected an array of shape \(N, …\), got int"),
        ((X, y), {"weights": np.ones(4)}, r"weights: expected a mapping by split, .*, got float64 of shape \(4,\)"),
        ((X, y), {"rows": np.arange(4)}, "rows: expected a mapping by split"),
        ((X, y), {"fitted": ["a"]}, "fitted: expected a mapping by name, got list"),
    ],
)
def test_wrong_arguments_are_errors_of_fcframe(arguments, fields, reason):
    with pytest.raises(fcframe.DataError, match=reason):
        fcframe.Data(*arguments, **fields)
