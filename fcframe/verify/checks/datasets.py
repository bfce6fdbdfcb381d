"""Checks for datasets: arrays fit together, splits share no examples, and the seed determines all random numbers.

A dataset whose files are not on this machine is not checked; its FileNotFoundError says which file is missing.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from fcframe.components import Data, Dataset
from fcframe.context import Array
from fcframe.verify.fixtures.dataset import DatasetFixture
from fcframe.verify.report import CheckFailure, NotApplicable, look_at


def it_loads_arrays_in_the_dtype_asked_for(fixture: DatasetFixture) -> None:
    """X has the requested dtype; y has integers or the same dtype, and rows of one shape in all splits."""
    for dtype in (np.float64, np.float32):
        data, _ = _loaded(fixture, dtype)
        for split, (X, y) in data.splits().items():
            if X.dtype != dtype:
                raise CheckFailure(f"X_{split} is {X.dtype}, expected {np.dtype(dtype)}", _at(fixture))
            if y.dtype.kind not in "iu" and y.dtype != dtype:
                raise CheckFailure(f"y_{split} is {y.dtype}, expected integers or {np.dtype(dtype)}", _at(fixture))
            if y.shape[1:] != data.y_train.shape[1:] or y.dtype != data.y_train.dtype:
                raise CheckFailure(f"y_{split} and y_train differ in dtype or in the shape of a row", _at(fixture))


def every_array_is_finite_and_contiguous(fixture: DatasetFixture) -> None:
    """All numbers are finite, and arrays are C-contiguous, so that gathering the rows of a minibatch is fast."""
    data, _ = _loaded(fixture, np.float32)
    for name, array in _arrays(data).items():
        if not array.flags.c_contiguous:
            raise CheckFailure(f"{name} is not C-contiguous", f"np.ascontiguousarray; {_at(fixture)}")
        if not np.all(np.isfinite(array)):
            raise CheckFailure(f"{name} has NaN or infinite numbers", _at(fixture))


def the_same_seed_gives_the_same_bytes(fixture: DatasetFixture) -> None:
    """Loading twice with the same seed gives identical arrays, so that trainings can be compared."""
    first, second = (_digests(_loaded(fixture, np.float32)[0]) for _ in range(2))
    for name in first:
        if first[name] != second[name]:
            raise CheckFailure(
                f"{name} differs when it is loaded twice with the same seed", f"{_at(fixture)}; draw from rng alone"
            )


def another_seed_gives_another_split(fixture: DatasetFixture) -> None:
    """A dataset that draws random numbers gives other splits with another seed."""
    data, drew = _loaded(fixture, np.float32)
    if not drew:
        raise NotApplicable("it draws no random numbers")
    first = _digests(data)["X_train"]
    if any(_digests(_loaded(fixture, np.float32, seed)[0])["X_train"] != first for seed in range(1, 6)):
        return
    raise CheckFailure("X_train is the same with five other seeds", f"{_at(fixture)}; draw from rng alone")


def no_example_is_in_two_splits(fixture: DatasetFixture) -> None:
    """No example with its label is in two splits: a test example in the training set makes the test useless."""
    data, drew = _loaded(fixture, np.float32)
    shared = _in_two_splits(data)
    if not shared:
        return
    within = any(max(Counter(_rows(X, y)).values(), default=1) > 1 for X, y in data.splits().values())
    if within or (drew and shared == _in_two_splits(_loaded(fixture, np.float32, fixture.dataset.seed + 1)[0])):
        raise NotApplicable("the source has some examples more than once, so that equal rows may be different examples")
    raise CheckFailure(f"{len(shared)} examples are in two splits with the same labels", _at(fixture))


def labels_have_their_names(fixture: DatasetFixture) -> None:
    """All labels are indices into the class names in `fitted["classes"]`, by which predictions are shown."""
    data, _ = _loaded(fixture, np.float32)
    if not data.classes:
        raise NotApplicable("it names no classes")
    for split, (_, y) in data.splits().items():
        if y.dtype.kind not in "iu" or (len(y) and (y.min() < 0 or y.max() >= len(data.classes))):
            raise CheckFailure(f"y_{split} has labels other than 0 to {len(data.classes) - 1}", _at(fixture))


def rows_that_are_read_again_are_the_same_examples(fixture: DatasetFixture) -> None:
    """`read` gives the same X and y as `load` for the same rows, as it must for predictions on new rows."""
    cls = type(fixture.dataset)
    if cls.read is Dataset.read:
        raise NotApplicable("it has no method `read` for new rows")
    if cls.own_source is Dataset.own_source:
        raise NotApplicable("`read` cannot be called without the method `own_source`, which returns the rows")
    at = look_at(cls, "read")
    data, _ = _loaded(fixture, np.float32)
    if not data.rows:
        raise CheckFailure("load returns no `rows`, which map each example to its row of the source", _at(fixture))
    X, y = _read(fixture, data, np.float32, at)
    for split, rows in data.rows.items():
        wanted, targets = data.splits()[split]
        if len(rows) and rows.max() >= len(X):
            raise CheckFailure(f"rows[{split!r}] has the row {rows.max()}, but read returns {len(X)} rows", at)
        _compare(f"X_{split}", wanted, X, rows, at)
        if y is not None:
            _compare(f"y_{split}", targets, y, rows, at)


def _read(fixture: DatasetFixture, data: Data, dtype: Any, at: str) -> tuple[Array, Array | None]:
    """The result of `read` for the dataset's own source, with `fitted` as a finished run stores it."""
    with _logging_silenced():
        result = fixture.dataset.read(fixture.dataset.own_source(), _as_stored(data.fitted), np.dtype(dtype))
    if not isinstance(result, tuple) or len(result) != 2:
        raise CheckFailure(f"read returned a {type(result).__name__}, expected the pair (X, y) or (X, None)", at)
    X, y = result
    if X.dtype != dtype or X.shape[1:] != data.input_shape:
        raise CheckFailure(
            f"read gives X in {X.dtype} with examples of shape {X.shape[1:]}, "
            f"load in {np.dtype(dtype)} of shape {data.input_shape}",
            at,
        )
    if y is not None and len(y) != len(X):
        raise CheckFailure(f"read gives {len(X)} rows of X and {len(y)} of y", at)
    return X, y


def _compare(name: str, loaded: Array, read: Array, rows: Array, at: str) -> None:
    """Raises CheckFailure if `read[rows]` differs from `loaded` by more than rounding."""
    if read.shape[1:] != loaded.shape[1:]:
        raise CheckFailure(f"a row of {name} has shape {loaded.shape[1:]}, read again {read.shape[1:]}", at)
    step = max(1, 2**20 // max(1, loaded[:1].size))  # compares a million numbers at a time, to save memory
    for start in range(0, len(loaded), step):
        first, again = loaded[start : start + step], read[rows[start : start + step]]
        eps = np.finfo(first.dtype).eps if first.dtype.kind == "f" else 0
        tolerance = 16 * eps * np.abs(first).max(initial=1)  # another order of operations rounds differently
        wrong = (
            np.argwhere(~(np.abs(first - again) <= tolerance))
            if first.dtype.kind != "b"
            else np.argwhere(first != again)
        )
        if len(wrong):
            row, *index = wrong[0]
            raise CheckFailure(
                f"{name}, row {start + row}: load gives {first[row][tuple(index)]}, read {again[row][tuple(index)]}",
                f"{at}; both must transform a row in the same way, with what was fitted on the training rows",
            )


def _as_stored(fitted: Any) -> Any:
    """A copy of `fitted` as it is after being written to JSON and arrays and read again."""
    if isinstance(fitted, Mapping):
        return {key: _as_stored(value) for key, value in fitted.items()}
    if isinstance(fitted, (list, tuple)):
        return [_as_stored(value) for value in fitted]
    return fitted.copy() if isinstance(fitted, np.ndarray) else json.loads(json.dumps(fitted))


def _loaded(fixture: DatasetFixture, dtype: Any, seed: int | None = None) -> tuple[Data, bool]:
    """The data, and whether loading it drew random numbers.

    Raises:
        NotApplicable: A file of the dataset is not on this machine.
    """
    try:
        with _logging_silenced():
            data, drew = fixture.load(dtype, seed)
    except FileNotFoundError as error:
        if not str(error).strip():
            raise CheckFailure(
                "load raised a FileNotFoundError without a message",
                f"say which file is missing, and where; {_at(fixture)}",
            ) from error
        raise NotApplicable(f"its files are not on this machine: {error}") from error
    if not isinstance(data, Data):
        raise CheckFailure(f"load returned a {type(data).__name__}, expected Data", _at(fixture))
    return data, drew


@contextmanager
def _logging_silenced() -> Iterator[None]:
    """Keeps notes on the data, for example of an empty split, from being printed, which would fail the check."""
    logger, handler = logging.getLogger("fcframe"), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _arrays(data: Data) -> Mapping[str, Array]:
    pairs = data.splits().items()
    return {f"X_{split}": X for split, (X, _) in pairs} | {f"y_{split}": y for split, (_, y) in pairs}


def _digests(data: Data) -> dict[str, bytes]:
    """A hash of each array, to compare two loadings without keeping both in memory."""
    digests = {}
    for name, array in _arrays(data).items():
        numbers: Any = np.ascontiguousarray(array)
        digests[name] = hashlib.blake2b(numbers).digest()
    return digests


def _rows(X: Array, y: Array) -> list[int]:
    """A hash of each example with its label."""
    return [hash(x.tobytes() + label.tobytes()) for x, label in zip(X, y, strict=True)]


def _in_two_splits(data: Data) -> set[int]:
    """The hashes of the examples that are in more than one split."""
    splits = Counter(row for X, y in data.splits().values() for row in set(_rows(X, y)))
    return {row for row, count in splits.items() if count > 1}


def _at(fixture: DatasetFixture) -> str:
    return look_at(fixture.dataset, "load")


CHECKS = (
    it_loads_arrays_in_the_dtype_asked_for,
    every_array_is_finite_and_contiguous,
    the_same_seed_gives_the_same_bytes,
    another_seed_gives_another_split,
    no_example_is_in_two_splits,
    labels_have_their_names,
    rows_that_are_read_again_are_the_same_examples,
)
