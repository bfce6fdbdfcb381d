"""For every dataset that is there, … : arrays that fit each other, splits that share no example, and a seed that rules.

A dataset whose files are not on this machine is not applicable; its FileNotFoundError says which file is missing.
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
    """Data is held once, in the network's dtype; labels stay integers, and what is predicted has the dtype of X."""
    for dtype in (np.float64, np.float32):
        data, _ = _loaded(fixture, dtype)
        for split, (X, y) in data.splits().items():
            if X.dtype != dtype:
                raise CheckFailure(f"X_{split} is {X.dtype}, asked for was {np.dtype(dtype)}", _at(fixture))
            if y.dtype.kind not in "iu" and y.dtype != dtype:
                raise CheckFailure(f"y_{split} is {y.dtype}, expected integers or {np.dtype(dtype)}", _at(fixture))
            if y.shape[1:] != data.y_train.shape[1:] or y.dtype != data.y_train.dtype:
                raise CheckFailure(f"y_{split} and y_train differ in dtype or in the shape of a row", _at(fixture))


def every_array_is_finite_and_contiguous(fixture: DatasetFixture) -> None:
    """A minibatch is gathered row by row, which is fast where rows lie whole in memory; NaN would end the training."""
    data, _ = _loaded(fixture, np.float32)
    for name, array in _arrays(data).items():
        if not array.flags.c_contiguous:
            raise CheckFailure(f"{name} is not C-contiguous", f"np.ascontiguousarray; {_at(fixture)}")
        if not np.all(np.isfinite(array)):
            raise CheckFailure(f"{name} holds numbers that are not finite", _at(fixture))


def the_same_seed_gives_the_same_bytes(fixture: DatasetFixture) -> None:
    """Two trainings are compared on the same split."""
    first, second = (_sums(_loaded(fixture, np.float32)[0]) for _ in range(2))
    for name in first:
        if first[name] != second[name]:
            raise CheckFailure(f"{name} is another one with the same seed", f"{_at(fixture)}; draw from rng alone")


def another_seed_gives_another_split(fixture: DatasetFixture) -> None:
    """`seed` is a field of every dataset; one that draws must draw by it."""
    data, drew = _loaded(fixture, np.float32)
    if not drew:
        raise NotApplicable("it draws nothing")
    first = _sums(data)["X_train"]
    if any(_sums(_loaded(fixture, np.float32, seed)[0])["X_train"] != first for seed in range(1, 6)):
        return
    raise CheckFailure("with five other seeds X_train is the same", f"{_at(fixture)}; draw from rng alone")


def no_example_is_in_two_splits(fixture: DatasetFixture) -> None:
    """A model that has seen a test example knows its answer."""
    data, drew = _loaded(fixture, np.float32)
    doubled = _doubled(data)
    if not doubled:
        return
    within = any(max(Counter(_rows(X, y)).values(), default=1) > 1 for X, y in data.splits().values())
    if within or (drew and doubled == _doubled(_loaded(fixture, np.float32, fixture.dataset.seed + 1)[0])):
        raise NotApplicable("the source holds some examples more than once, so equal rows prove nothing")
    raise CheckFailure(f"{len(doubled)} examples are in two splits, with their labels", _at(fixture))


def labels_have_their_names(fixture: DatasetFixture) -> None:
    """`fitted["classes"]` says what 0, 1, … are called, and predictions are shown by it."""
    data, _ = _loaded(fixture, np.float32)
    if not data.classes:
        raise NotApplicable("it names no classes")
    for split, (_, y) in data.splits().items():
        if y.dtype.kind not in "iu" or (len(y) and (y.min() < 0 or y.max() >= len(data.classes))):
            raise CheckFailure(f"y_{split} holds labels other than 0 to {len(data.classes) - 1}", _at(fixture))


def rows_that_are_read_again_are_the_same_examples(fixture: DatasetFixture) -> None:
    """What a network learned of examples holds for new rows only if `read` makes the same X of the same rows."""
    kind = type(fixture.dataset)
    if kind.read is Dataset.read:
        raise NotApplicable("it reads no new rows: it has no method `read`")
    if kind.own_source is Dataset.own_source:
        raise NotApplicable("its `read` cannot be tried: it has no method `own_source`, which gives its own rows")
    at = look_at(kind, "read")
    data, _ = _loaded(fixture, np.float32)
    if not data.rows:
        raise CheckFailure("load gives no `rows`, so that nobody knows which row of the source is which", _at(fixture))
    X, y = _read(fixture, data, np.float32, at)
    for split, rows in data.rows.items():
        wanted, targets = data.splits()[split]
        if len(rows) and rows.max() >= len(X):
            raise CheckFailure(f"rows[{split!r}] counts to {rows.max()}, but read gives {len(X)} rows", at)
        _compare(f"X_{split}", wanted, X, rows, at)
        if y is not None:
            _compare(f"y_{split}", targets, y, rows, at)


def _read(fixture: DatasetFixture, data: Data, dtype: Any, at: str) -> tuple[Array, Array | None]:
    """What `read` makes of the dataset's own source, with what was fitted as a finished run keeps it."""
    with _unheard():
        found = fixture.dataset.read(fixture.dataset.own_source(), _as_kept(data.fitted), np.dtype(dtype))
    if not isinstance(found, tuple) or len(found) != 2:
        raise CheckFailure(f"read returned a {type(found).__name__}, expected the pair (X, y) or (X, None)", at)
    X, y = found
    if X.dtype != dtype or X.shape[1:] != data.input_shape:
        raise CheckFailure(
            f"read gives X in {X.dtype} with examples of shape {X.shape[1:]}, "
            f"load in {np.dtype(dtype)} of shape {data.input_shape}",
            at,
        )
    if y is not None and len(y) != len(X):
        raise CheckFailure(f"read gives {len(X)} rows of X and {len(y)} of y", at)
    return X, y


def _compare(name: str, wanted: Array, found: Array, rows: Array, at: str) -> None:
    if found.shape[1:] != wanted.shape[1:]:
        raise CheckFailure(f"a row of {name} has shape {wanted.shape[1:]}, read again {found.shape[1:]}", at)
    step = max(1, 2**20 // max(1, wanted[:1].size))  # a million numbers at a time need little memory
    for start in range(0, len(wanted), step):
        first, again = wanted[start : start + step], found[rows[start : start + step]]
        precision = np.finfo(first.dtype).eps if first.dtype.kind == "f" else 0
        unit = 16 * precision * np.abs(first).max(initial=1)  # another order of operations rounds differently
        wrong = (
            np.argwhere(~(np.abs(first - again) <= unit)) if first.dtype.kind != "b" else np.argwhere(first != again)
        )
        if len(wrong):
            row, *index = wrong[0]
            raise CheckFailure(
                f"{name}, row {start + row}: load gives {first[row][tuple(index)]}, read {again[row][tuple(index)]}",
                f"{at}; both must treat a row alike, with what was fitted on the training rows",
            )


def _as_kept(fitted: Any) -> Any:
    """What was fitted, as it is after it was written as JSON with arrays beside it."""
    if isinstance(fitted, Mapping):
        return {key: _as_kept(value) for key, value in fitted.items()}
    if isinstance(fitted, (list, tuple)):
        return [_as_kept(value) for value in fitted]
    return fitted.copy() if isinstance(fitted, np.ndarray) else json.loads(json.dumps(fitted))


def _loaded(fixture: DatasetFixture, dtype: Any, seed: int | None = None) -> tuple[Data, bool]:
    try:
        with _unheard():
            data, drew = fixture.load(dtype, seed)
    except FileNotFoundError as error:
        if not str(error).strip():
            raise CheckFailure(
                "load raised a FileNotFoundError without a message",
                f"say which file is missing, and where; {_at(fixture)}",
            ) from error
        raise NotApplicable(f"it is not there: {error}") from error
    if not isinstance(data, Data):
        raise CheckFailure(f"load returned a {type(data).__name__}, expected Data", _at(fixture))
    return data, drew


@contextmanager
def _unheard() -> Iterator[None]:
    """Notes on the data, of an empty split say, are for those who train; here they would count as printed."""
    logger, silent = logging.getLogger("fcframe"), logging.NullHandler()
    logger.addHandler(silent)
    try:
        yield
    finally:
        logger.removeHandler(silent)


def _arrays(data: Data) -> Mapping[str, Array]:
    pairs = data.splits().items()
    return {f"X_{split}": X for split, (X, _) in pairs} | {f"y_{split}": y for split, (_, y) in pairs}


def _sums(data: Data) -> dict[str, bytes]:
    """What tells whether two loadings are the same, without keeping both in memory."""
    sums = {}
    for name, array in _arrays(data).items():
        numbers: Any = np.ascontiguousarray(array)
        sums[name] = hashlib.blake2b(numbers).digest()
    return sums


def _rows(X: Array, y: Array) -> list[int]:
    return [hash(x.tobytes() + label.tobytes()) for x, label in zip(X, y, strict=True)]


def _doubled(data: Data) -> set[int]:
    """The rows that are in more than one split."""
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
