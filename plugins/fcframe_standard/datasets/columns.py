"""Finds columns by name: the target of a table, and the features of the training data in new rows."""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from fcframe import Array

Names: TypeAlias = list[str] | range
"""The names of all columns; without a header their numbers, from 0."""


def find_target(place: str, names: Names, target: str | int) -> int:
    """The index of the target's column, which is given by its name or its number.

    Raises:
        ValueError: There is no such column; the message names the most similar one, and all others.
    """
    if isinstance(target, int):
        if not -len(names) <= target < len(names):
            raise ValueError(f"{place}: no column {target}: there are {len(names)}, 0 to {len(names) - 1}")
        return target % len(names)
    if isinstance(names, range):
        raise ValueError(f"{place}: no column {target!r}: without a header, give the column's number, from 0")
    if names.count(target) > 1:
        raise ValueError(f"{place}: more than one column is called {target!r}; give its number, from 0")
    if target not in names:
        near = difflib.get_close_matches(target, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{place}: no column {target!r}.{hint} Columns: {listed(names)}")
    return names.index(target)


def repeated(names: Names) -> list[str]:
    """The names of several columns."""
    return [str(name) for name, count in Counter(names).items() if count > 1]


def choose(place: str, names: list[str], features: list[str], target: str) -> tuple[list[int], int | None]:
    """The indices of the features, in the order of the training data, and of the target, or None if it is missing.

    Raises:
        ValueError: Features are missing, or occur more than once; the message names all of them.
    """
    missing = [name for name in features if name not in names]
    if missing:
        raise ValueError(f"{place}: no column {listed(missing)}; the columns are {listed(names)}")
    index = {name: number for number, name in enumerate(names)}
    doubled = [name for name in repeated(names) if name in {*features, target}]
    if doubled:
        raise ValueError(f"{place}: more than one column is called {listed(doubled)}")
    return [index[name] for name in features], index.get(target)


def listed(names: Sequence[str]) -> str:
    """The first 20 names, for a message."""
    return ", ".join(map(repr, names[:20])) + (", …" if len(names) > 20 else "")


def as_columns(source: Any, fitted: Mapping[str, Any]) -> tuple[Array, Array | None]:
    """The features (N, F) of rows that are in memory, in float64, and the target's values, or None without a target.

    Args:
        source: A mapping of column names to values (a dict, a pandas.DataFrame), an array (N, F), or a pair
            (array, targets).
        fitted: The `Data.fitted` of the training data.

    Raises:
        ValueError: A column is missing, columns differ in length, or a value is not a finite number.
    """
    features, target = fitted["features"], None
    if hasattr(source, "keys"):
        found = {str(name): name for name in source.keys()}  # noqa: SIM118 - iterating a DataFrame is not always its keys
        places, where = choose("source", list(found), features, fitted["target"])
        columns = [np.atleast_1d(np.asarray(source[list(found.values())[place]])) for place in places]
        target = None if where is None else np.atleast_1d(np.asarray(source[list(found.values())[where]]))
        lengths = {len(column) for column in (*columns, *([] if target is None else [target]))}
        if len(lengths) > 1:
            raise ValueError(f"source: the columns differ in length: {', '.join(map(str, sorted(lengths)))}")
        X = np.column_stack(
            [_numbers(f"source: column {name!r}", c) for name, c in zip(features, columns, strict=True)]
        )
        return X, target
    if isinstance(source, tuple) and len(source) == 2:
        source, target = source[0], np.asarray(source[1])
    X = _numbers("source", np.asarray(source))
    if X.ndim != 2 or X.shape[1] != len(features):
        raise ValueError(
            f"source: expected an array of shape (N, {len(features)}), with the columns {listed(features)}, "
            f"got shape {X.shape}"
        )
    if target is not None and target.shape != (len(X),):
        raise ValueError(f"source: expected {len(X)} targets, one per row, got shape {target.shape}")
    return X, target


def _numbers(place: str, values: Array) -> Array:
    """The values as finite float64 numbers."""
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: expected numbers: {error}") from None
    wrong = np.argwhere(~np.isfinite(numbers))
    if len(wrong):
        row = ", ".join(map(str, wrong[0]))
        raise ValueError(f"{place}: row {row} is {numbers[tuple(wrong[0])]}, expected a finite number")
    return numbers
