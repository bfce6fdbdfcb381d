"""For every dataset that is there, … : arrays that fit each other, splits that share no example, and a seed that rules.

A dataset whose files are not on this machine is not applicable, and says which file it missed.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from fcframe.components import Data
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


def every_number_is_finite_and_in_order(fixture: DatasetFixture) -> None:
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
    """`classes` says what 0, 1, … are called, and predictions are shown by it."""
    data, _ = _loaded(fixture, np.float32)
    if not data.classes:
        raise NotApplicable("it names no classes")
    if len(set(data.classes)) < len(data.classes) or not all(isinstance(name, str) for name in data.classes):
        raise CheckFailure("classes are not different texts", _at(fixture))
    for split, (_, y) in data.splits().items():
        if y.dtype.kind not in "iu" or (len(y) and (y.min() < 0 or y.max() >= len(data.classes))):
            raise CheckFailure(f"y_{split} holds labels other than 0 to {len(data.classes) - 1}", _at(fixture))


def _loaded(fixture: DatasetFixture, dtype: Any, seed: int | None = None) -> tuple[Data, bool]:
    try:
        data, drew = fixture.load(dtype, seed)
    except OSError as error:
        raise NotApplicable(f"it is not there: {error}") from error
    if not isinstance(data, Data):
        raise CheckFailure(f"load returned a {type(data).__name__}, expected Data", _at(fixture))
    return data, drew


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
    every_number_is_finite_and_in_order,
    the_same_seed_gives_the_same_bytes,
    another_seed_gives_another_split,
    no_example_is_in_two_splits,
    labels_have_their_names,
)
