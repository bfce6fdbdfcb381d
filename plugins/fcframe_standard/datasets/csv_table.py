"""A CSV file → a table of numbers, and the target's column."""

import contextlib
import itertools
from array import array
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from fcframe import max_bytes
from fcframe_standard.datasets import csv_rows

ROW_BYTES = 40
"""What is kept for each row beside its features: its target, line, place in the order, and label."""
TEXT_BYTES = 160
"""What is kept for each different label: a text, and its place in a dict."""
CHECK_EVERY = 4096
"""After how many numbers the memory is looked at again."""


class Columns(NamedTuple):
    """Which columns of a file are read."""

    names: list
    """Of all columns: texts, or their numbers where there is no header."""
    features: list[int]
    target: int | None


class Table(NamedTuple):
    """What a file holds."""

    columns: Columns
    features: np.ndarray
    """(N, F) numbers."""
    target: np.ndarray
    """(N,) numbers; where the target is a label, indices of `texts`. Empty if no target was read."""
    texts: list[str]
    """The different labels as they are written, in the order in which they first occur."""
    lines: np.ndarray
    """(N,) the line on which each row ends."""


def read(path, dialect, *, header, labels, missing, select, itemsize):
    """Reads a CSV file.

    Args:
        path: The file.
        dialect: How it is written.
        header: Whether the first row holds names.
        labels: Whether the target is a label.
        missing: Texts, in lower case, that are no label.
        select: Called with the place of the first row and the columns' names, gives the `Columns` to read.
        itemsize: Bytes of a number in the array that will be made of the features.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not such a table, or takes more memory than is allowed.
    """
    allowed = max_bytes()
    if path.stat().st_size > allowed:
        raise ValueError(
            f"{path}: the file has {path.stat().st_size:,} bytes; {allowed:,} are allowed (FCFRAME_MAX_BYTES)"
        )
    with contextlib.closing(csv_rows.rows(path, dialect, allowed)) as rows:
        return _table(path, rows, dialect, header, labels, missing, select, itemsize, allowed)


def _table(path, rows, dialect, header, labels, missing, select, itemsize, allowed):
    start, first = next(rows, (0, ()))
    if not first:
        raise ValueError(f"{path}: the file is empty")
    columns = _columns(path, start, first, dialect, header, select)
    if not header:
        rows = itertools.chain([(start, first)], rows)
    names, target = columns.names, columns.target
    pick = itemgetter(*columns.features) if len(columns.features) > 1 else lambda row: (row[columns.features[0]],)
    cells, targets, lines, texts = array("d"), array("d"), array("q"), {}
    check = 0
    for line, row in rows:
        try:
            values = list(map(float, pick(row)))
            # the sum is too large, or NaN, if any number is; what then is wrong is said field by field
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
    # columns may be called by numbers, years for example; but a target that is called as one of its labels is a label
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


def _columns(path, line, first, dialect, header, select):
    """What `select` makes of the first row, if that can be a header where one is expected."""
    place = f"{path}:{line}"
    if len(first) < 2 and (hint := csv_rows.other_delimiter(path, dialect)):
        raise ValueError(f"{place}: one column{hint}")
    if header and all(map(csv_rows.is_number, first)):
        raise _header_of_numbers(place, first)
    return select(place, [name.strip() for name in first] if header else range(len(first)))


def _header_of_numbers(place, first):
    return ValueError(
        f"{place}: the header is made of numbers: {', '.join(first)[:60]}; "
        "if it is the first row of the data, set header to false"
    )


def _no_numbers(path, line, dialect, names, fields, header):
    """What is wrong with a row's numbers, and what may mend it."""
    try:
        csv_rows.refuse_numbers(f"{path}:{line}", names, fields)
    except ValueError as error:
        wrong = next((field for field in fields if not csv_rows.is_number(field)), "")
        if not header and not any(map(csv_rows.is_number, fields)):
            return f"{error}; if this row holds the columns' names, set header to true"
        if any(delimiter in wrong for delimiter in csv_rows.DELIMITERS):
            return f"{error}{csv_rows.other_delimiter(path, dialect)}"
        return str(error)


def _refuse_missing(place, text, missing):
    if not text:
        raise ValueError(f"{place}: the label is missing")
    if text.casefold() in missing:
        raise ValueError(
            f"{place}: the label is missing: {text[:40]!r}; delete the row, or if it is a class, set missing to a list "
            "without it"
        )
