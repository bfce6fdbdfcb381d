"""The rows of a CSV file, read one at a time; every error names file, line and column."""

import csv

import numpy as np

LARGEST = float(np.finfo(np.float32).max)


def rows(path, delimiter):
    """Yields (line, fields) for each row; all have as many fields as the first, and blank lines are left out.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no CSV file.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        width = 0
        try:
            for row in reader:
                width = width or len(row)
                if row and len(row) != width:
                    raise ValueError(f"{path}:{reader.line_num}: {len(row)} fields, expected {width}")
                if row:
                    yield reader.line_num, row
        except csv.Error as error:
            raise ValueError(f"{path}:{reader.line_num}: not CSV: {error}") from error
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not text in UTF-8, after line {reader.line_num}") from error


def numbers(place, names, row):
    """Yields a row's fields as floats; `place` and the columns' names are for messages.

    Raises:
        ValueError: A field is no number, or not a finite one that float32 can hold.
    """
    for name, field in zip(names, row, strict=True):
        try:
            number = float(field)
        except ValueError:
            raise ValueError(f"{place}: column {name!r}: {field[:40]!r} is no number") from None
        if not -LARGEST <= number <= LARGEST:
            raise ValueError(f"{place}: column {name!r}: {field[:40]!r} is not a finite number up to {LARGEST:.1e}")
        yield number
