"""Reads a CSV file into a table of numbers and the target's column."""

import contextlib
import itertools
from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fcframe import Array, max_bytes
from fcframe_standard.datasets import csv_rows
from fcframe_standard.datasets.columns import Names

ROW_BYTES = 40
"""Memory of a row besides its features: its target, line, place in the order, and label."""
TEXT_BYTES = 160
"""Memory of a distinct label: a text, and its place in a dict."""
CHECK_EVERY = 4096
"""The memory is checked after this many numbers."""


class Columns(NamedTuple):
    """The columns of a file, and which of them are read."""

    names: Names
    """Of all columns: texts, or their numbers if there is no header."""
    features: list[int]
    target: int | None


Select: TypeAlias = Callable[[str, Names], Columns]
"""Chooses the columns, given the place of the header, for messages, and the names of all columns."""


class Table(NamedTuple):
    """The contents of a file."""

    columns: Columns
    features: Array
    """(N, F) numbers."""
    target: Array
    """(N,) numbers; if the target is a label, indices of `texts`. Empty if no target was read."""
    texts: list[str]
    """The distinct labels as they are written, in the order of their first occurrence."""
    lines: Array
    """(N,) the line on which each row ends."""


class Layout(NamedTuple):
    """How a CSV file is to be read."""

    dialect: csv_rows.Dialect
    header: bool
    """Whether the first row contains the names of the columns."""
    labels: bool
    """Whether the target is a label."""
    missing: Collection[str]
    """Texts, in lower case, that stand for a missing label."""
    select: Select
    """Chooses the columns to read."""
    itemsize: int
    """Bytes per number of the array into which the features will be converted."""


def read(path: Path, layout: Layout) -> Table:
    """Reads a CSV file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not such a table, or needs more memory than is allowed.
    """
    allowed = max_bytes()
    if path.stat().st_size > allowed:
        raise ValueError(
            f"{path}: the file has {path.stat().st_size:,} bytes; {allowed:,} are allowed (FCFRAME_MAX_BYTES)"
        )
    with contextlib.closing(csv_rows.rows(path, layout.dialect, allowed)) as rows:
        return _table(path, rows, layout, allowed)


def _table(path: Path, rows: Iterator[tuple[int, list[str]]], layout: Layout, allowed: int) -> Table:
    dialect, header, labels, missing, select, itemsize = layout
    start, first = next(rows, (0, []))
    if not first:
        raise ValueError(f"{path}: the file is empty")
    columns = _columns(path, start, first, dialect, header, select)
    if not header:
        rows = itertools.chain([(start, first)], rows)
    names, target = columns.names, columns.target
    pick = _picker(columns.features)
    cells, targets, lines = array("d"), array("d"), array("q")
    texts: dict[str, int] = {}
    check = 0
    for line, row in rows:
        try:
            values = list(map(float, pick(row)))
            # one comparison for the whole row: the sum is too large, or NaN, if any number is
            if not sum(map(abs, values)) <= csv_rows.LARGEST:
                csv_rows.refuse_numbers(f"{path}:{line}", pick(names), pick(row))
        except ValueError:
            raise ValueError(
                _no_numbers(path, line, dialect, pick(names), pick(row), header or line != start)
            ) from None
        cells.fromlist(values)
        lines.append(line)
        if target is not None:
            text = row[target]
            if labels:
                text = text.strip()
                code = texts.get(text)
                if code is None:
                    _refuse_missing(f"{path}:{line}: column {names[target]!r}", text, missing)
                    code = texts[text] = len(texts)
                targets.append(code)
            else:
                csv_rows.refuse_numbers(f"{path}:{line}", (names[target],), (text,))
                targets.append(float(text))
        if len(cells) >= check:
            taken = len(cells) * (cells.itemsize + itemsize) + len(lines) * ROW_BYTES + len(texts) * TEXT_BYTES
            if taken > allowed:
                raise ValueError(
                    f"{path}:{line}: the rows up to this one take {taken:,} bytes in memory; {allowed:,} are allowed "
                    "(FCFRAME_MAX_BYTES)"
                )
            check = len(cells) + CHECK_EVERY
    if not cells:
        raise ValueError(f"{path}: there is no row below the header")
    # names may be numbers, such as years; but if the target's name is one of its labels too, the header is data
    if (
        header
        and labels
        and target is not None
        and names[target] in texts
        and all(map(csv_rows.is_number, pick(names)))
    ):
        raise _header_of_numbers(f"{path}:{start}", first)
    features = np.frombuffer(cells).reshape(-1, len(columns.features))
    return Table(columns, features, np.array(targets), list(texts), np.frombuffer(lines, np.int64))


def _picker(features: list[int]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that returns the features of a row as a tuple."""
    return itemgetter(*features) if len(features) > 1 else lambda row: (row[features[0]],)


def _columns(
    path: Path, line: int, first: list[str], dialect: csv_rows.Dialect, header: bool, select: Select
) -> Columns:
    """The columns that `select` chooses, given the first row, which must look like a header if one is expected."""
    place = f"{path}:{line}"
    if len(first) < 2 and (hint := csv_rows.other_delimiter(path, dialect)):
        raise ValueError(f"{place}: one column{hint}")
    if header and all(map(csv_rows.is_number, first)):
        raise _header_of_numbers(place, first)
    return select(place, [name.strip() for name in first] if header else range(len(first)))


def _header_of_numbers(place: str, first: list[str]) -> ValueError:
    return ValueError(
        f"{place}: the header is made of numbers: {', '.join(first)[:60]}; "
        "if it is the first row of the data, set header to false"
    )


def _no_numbers(
    path: Path, line: int, dialect: csv_rows.Dialect, names: Sequence[str | int], fields: Sequence[str], header: bool
) -> str:
    """The message for a row with a field that is not a number, with a likely remedy."""
    try:
        csv_rows.refuse_numbers(f"{path}:{line}", names, fields)
    except ValueError as error:
        wrong = next((field for field in fields if not csv_rows.is_number(field)), "")
        if not header and not any(map(csv_rows.is_number, fields)):
            return f"{error}; if this row contains the names of the columns, set header to true"
        if any(delimiter in wrong for delimiter in csv_rows.DELIMITERS):
            return f"{error}{csv_rows.other_delimiter(path, dialect)}"
        return str(error)
    return ""


def _refuse_missing(place: str, text: str, missing: Collection[str]) -> None:
    if not text:
        raise ValueError(f"{place}: the label is missing")
    if text.casefold() in missing:
        raise ValueError(
            f"{place}: the label is missing: {text[:40]!r}; delete the row, or if this is the name of a class, set "
            "missing to a list without it"
        )
