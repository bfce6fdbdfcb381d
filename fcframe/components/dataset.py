"""The contract of a dataset, and the arrays that it returns."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import NonNegativeInt

from fcframe.components.base import Component, Shape
from fcframe.components.fields import AnyOf
from fcframe.context import Array
from fcframe.errors import DataError
from fcframe.wording import plural

SPLITS = ("train", "val", "test")


class WrongDataError(DataError, ValueError):
    """The arguments of `Data` do not fit each other."""


@dataclass(frozen=True)
class Data:
    """Examples X (N, *input_shape) and targets y (N, …) for training, validation and test.

    Raises:
        DataError: X and y of a split differ in length, the training split is empty, the example shapes differ, or
            one of the other fields is not as its description says.

    >>> data = Data(*np.ones((6, 4, 1)), fitted={"classes": ["cat", "dog"]}, rows={"train": np.array([2, 0, 3, 1])})
    >>> data.classes, data.where("train", 0), data.where("val", 0)
    (('cat', 'dog'), 'row 2 of the source', 'row 0 of y_val')
    """

    X_train: Array
    y_train: Array
    X_val: Array = None  # type: ignore[assignment]
    """Empty by default, as are the other arrays of validation and test."""
    y_val: Array = None  # type: ignore[assignment]
    X_test: Array = None  # type: ignore[assignment]
    y_test: Array = None  # type: ignore[assignment]
    fitted: Mapping[str, Any] = field(default_factory=dict)
    """What `Dataset.read` needs to preprocess new rows in the same way: feature names, "classes" (the names of the
    labels 0, 1, …), means, scales, categories. JSON values and arrays; statistics are of the training rows only."""
    weights: Mapping[str, Array] = field(default_factory=dict)
    """Example weights (N,) by split: finite, not negative, not all 0. Default for a split: equal weights."""
    rows: Mapping[str, Array] = field(default_factory=dict)
    """The row number of each example (N,) in the source, by split; counted from 0, in the order of `Dataset.read`."""
    describe_row: Callable[[int], str] | None = None
    """Returns the name of a row for messages, such as "pets.csv:12". Default: "row 10 of the source"."""
    source: str = ""
    """The name of the source for messages, such as "pets.csv"; empty if it has none."""

    def __post_init__(self) -> None:
        try:
            self._check()
        except ValueError as error:
            raise WrongDataError(str(error)) from None

    def _check(self) -> None:
        for split in SPLITS:
            self._complete(split)
        for name in ("fitted", "weights", "rows"):
            if not isinstance(getattr(self, name), Mapping):
                what = "by name" if name == "fitted" else 'by split, {"train": …}'
                raise ValueError(f"{name}: expected a mapping {what}, got {_described(getattr(self, name))}")
        for split, (X, y) in self.splits().items():
            if len(X) != len(y):
                raise ValueError(
                    f"X_{split} has {plural(len(X), 'row')} and y_{split} has {len(y)}; they must be as many"
                )
            if X.shape[1:] != self.input_shape:
                raise ValueError(f"an example of X_{split} has shape {X.shape[1:]}, one of X_train {self.input_shape}")
        if len(self.X_train) == 0:
            raise ValueError("there is no training example")
        _check_fitted("fitted", self.fitted)
        names = self.fitted.get("classes", [])
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"fitted['classes'] must be a list of texts, got {names!r}")
        if len(set(names)) < len(names):
            raise ValueError(f"fitted['classes'] names a class twice: {names!r}")
        for split, weights in self.weights.items():
            self._check_per_row("weights", split, weights, "biuf")
            _check_weights(f"weights[{split!r}]", weights)
        for split, rows in self.rows.items():
            self._check_per_row("rows", split, rows, "iu")

    def _complete(self, split: str) -> None:
        """Sets missing arrays of a split to empty ones, and converts lists to arrays."""
        names = f"X_{split}", f"y_{split}"
        missing = [name for name in names if getattr(self, name) is None]
        if len(missing) == 1 or (missing and split == "train"):
            raise ValueError(f"{missing[0]} is missing: X and y of a split belong together")
        for name in names:
            value = getattr(self, f"{name[0]}_train")[:0] if missing else np.asarray(getattr(self, name))
            if value.ndim == 0:
                raise ValueError(f"{name}: expected an array of shape (N, …), got {_described(getattr(self, name))}")
            object.__setattr__(self, name, value)  # the class is frozen

    @property
    def input_shape(self) -> Shape:
        """The shape of one example."""
        return tuple(self.X_train.shape[1:])

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the labels 0, 1, …: `fitted["classes"]`, or () if there are none."""
        return tuple(self.fitted.get("classes", ()))

    def splits(self) -> dict[str, tuple[Array, Array]]:
        """(X, y) for "train", "val" and "test"; validation and test may be empty."""
        return {
            "train": (self.X_train, self.y_train),
            "val": (self.X_val, self.y_val),
            "test": (self.X_test, self.y_test),
        }

    def where(self, split: str, row: int, array: str = "y") -> str:
        """The name of an example for messages: its row in the source if it is known, else its row in X or y."""
        if split not in self.rows:
            return f"row {row} of {array}_{split}"
        number = int(self.rows[split][row])
        return self.describe_row(number) if self.describe_row else f"row {number} of the source"

    def _check_per_row(self, what: str, split: str, values: Any, kinds: str) -> None:
        """Refuses a value that is not an array of one number for each example of a split."""
        if split not in SPLITS:
            raise ValueError(f"{what}: no split {split!r}; the splits are {', '.join(map(repr, SPLITS))}")
        N = len(self.splits()[split][1])
        if not isinstance(values, np.ndarray) or values.dtype.kind not in kinds or values.shape != (N,):
            expected = f"an array of {N} numbers, one for each example"
            raise ValueError(f"{what}[{split!r}]: expected {expected}, got {_described(values)}")


def _described(value: Any) -> str:
    return f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


def _check_weights(name: str, weights: Array) -> None:
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise ValueError(f"{name}[{wrong[0]}] is {weights[wrong[0]]}; a weight is a finite number that is not negative")
    if len(weights) and not weights.any():
        raise ValueError(f"{name}: all weights are 0; at least one must be positive")


def _check_fitted(name: str, value: Any) -> None:
    """Refuses values that cannot be saved with a run, as JSON and arrays."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{name} has the key {key!r}; keys are texts, as in JSON")
            _check_fitted(f"{name}[{key!r}]", item)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check_fitted(f"{name}[{index}]", item)
    elif isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufU":
            raise ValueError(f"{name} is an array of {value.dtype}; expected numbers or texts")
    elif isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"{name} is {value}; JSON has finite numbers only")
    elif value is not None and not isinstance(value, (bool, int, str)):
        raise ValueError(f"{name} is a {type(value).__name__}; expected JSON values and arrays")


class Dataset(Component):
    """A source of examples.

    `load` is required. With `read`, the trained network can be used on new rows. A dataset with `read` should also have
    `own_source`, so that the harness can check that `read` and `load` preprocess rows in the same way.

    >>> class Line(Dataset):
    ...     type = "line"
    ...     def load(self, dtype, rng):
    ...         x, order = self.own_source(), rng.permutation(30)
    ...         fitted = {"mean": float(x[order[:10]].mean())}
    ...         X, y = self.read(x, fitted, dtype)[0][order], x[order]
    ...         rows = {"train": order[:10], "val": order[10:20], "test": order[20:]}
    ...         return Data(X[:10], y[:10], X[10:20], y[10:20], X[20:], y[20:], fitted, rows=rows)
    ...     def read(self, source, fitted, dtype):
    ...         return (source[:, None] - fitted["mean"]).astype(dtype), None
    ...     def own_source(self):
    ...         return np.linspace(0, 1, 30)
    >>> data = Line().load(np.dtype("float32"), np.random.default_rng(0))
    >>> data.input_shape
    (1,)
    >>> X, y = Line().read(np.array([data.fitted["mean"]]), data.fitted, np.dtype("float32"))
    >>> X.tolist(), y
    ([[0.0]], None)
    """

    kind = "dataset"
    plural = "datasets"

    seed: NonNegativeInt = 0
    """Seed for random choices of the dataset, such as its split. The seed of the training does not change the data."""

    @abstractmethod
    def load(self, dtype: np.dtype[Any], rng: "np.random.Generator") -> Data:
        """Reads the examples. Files must not be unpickled, and nothing in them may be executed.

        Args:
            dtype: The dtype of X; a cast afterwards would need twice the memory. y has integer labels or this dtype.
            rng: The only source of randomness, created from `seed`.

        Raises:
            FileNotFoundError: A file is missing. The message names it and the folders that were searched.
            OSError: A file cannot be read.
            ValueError: The content of a file is wrong. The message names the file and the line.
        """

    def read(self, source: Any, fitted: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Array, Array | None]:
        """Converts new rows to examples, with the same preprocessing as `load`.

        Args:
            source: The rows in a form that the dataset documents: a file's path, columns by name, or an array. The
                order of named columns does not matter.
            fitted: The `Data.fitted` of the training data.
            dtype: The dtype of X.

        Returns:
            X (N, *input_shape) in the order of the source, and y (N, …), or None if the source has no targets.

        Raises:
            OSError: A file cannot be read.
            ValueError: The rows do not have the form of the training data; the message says what is missing or wrong.
        """
        raise ValueError(f"the dataset {self.type!r} cannot read new rows: it has no method `read`")

    def own_source(self) -> Any:
        """The source with which `read` returns the examples of `load`, in the order of `Data.rows`; None if unknown.

        Raises:
            OSError: A file cannot be read.
        """
        return None


AnyDataset: TypeAlias = Annotated[Dataset, AnyOf(Dataset)]
