"""The rows of a CSV file, read one at a time; every error names file and line, and what is likely to mend it."""

import codecs
import contextlib
import csv
import itertools
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

LARGEST = float(np.finfo(np.float32).max)
SMALL_ROW = 2**16
"""Characters of a row whose fields are not counted: they take a few megabytes at most."""
FIELD_BYTES = 112
"""What a field takes while its row is read: a text and a float, each with its place in a list."""
LINE_SHARE = 8
"""Bytes that one character of a line may take: 4 in memory, twice while the pieces of the line are joined."""
DELIMITERS = (";", "\t", "|", ",", ":", " ")
SAMPLE_LINES, SAMPLE_CHARACTERS = 20, 2**16

Encoding: TypeAlias = Literal[
    "utf-8", "utf-16", "ascii", "latin-1", "iso8859-2", "iso8859-5", "iso8859-15", "cp1250", "cp1251", "cp1252",
    "cp1253", "cp1254", "cp437", "cp850", "koi8-r", "mac-roman", "shift-jis", "euc-jp", "gb18030", "big5", "euc-kr",
]  # fmt: skip
"""How programs encode tables, in the names that Python has for it."""


class Dialect(NamedTuple):
    """How a CSV file is written."""

    delimiter: str
    encoding: str


def rows(path, dialect, allowed):
    """Yields (line, fields) for each row; all have as many fields as the first, and blank lines are left out.

    Args:
        path: The file.
        dialect: How it is written.
        allowed: How many bytes one row may take in memory.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no CSV file, or a row is too large.
    """
    with open_text(path, dialect.encoding) as file:
        size = fields = 0  # of the row that is being read; one that is quoted may have many lines

        def lines():
            nonlocal size, fields
            longest = max(SMALL_ROW, allowed // LINE_SHARE)
            for line in iter(partial(file.readline, longest), ""):
                size += len(line)
                if size > SMALL_ROW:
                    fields += line.count(dialect.delimiter)
                    too_long = len(line) == longest and line[-1] not in "\r\n"
                    if too_long or size > longest or fields * FIELD_BYTES > allowed:
                        raise ValueError(
                            f"{path}:{reader.line_num + 1}: a row of more than {size:,} characters and {fields:,} "
                            f"fields takes too much memory; {allowed:,} bytes are allowed (FCFRAME_MAX_BYTES)"
                        )
                yield line

        reader = csv.reader(lines(), delimiter=dialect.delimiter, strict=True)
        width = 0
        try:
            for row in reader:
                if len(row) != width and row:
                    if width:
                        problem = f"{len(row)} fields, expected {width}"
                        raise ValueError(f"{path}:{reader.line_num}: {problem}{other_delimiter(path, dialect)}")
                    width = len(row)
                if row:
                    yield reader.line_num, row
                size = fields = 0
        except csv.Error as error:
            raise ValueError(f"{path}:{reader.line_num}: not CSV: {error}") from error
        except UnicodeError as error:
            raise ValueError(_not_text(path, dialect.encoding)) from error


def open_text(path, encoding):
    """The file, opened to be read as text; UTF-8 may start with a byte order mark."""
    is_utf8 = codecs.lookup(encoding).name == "utf-8"
    return path.open(encoding="utf-8-sig" if is_utf8 else encoding, newline="")


def refuse_numbers(place, names, fields):
    """Says which field is no finite number that float32 can hold; returns if there is none.

    Raises:
        ValueError: Names the place, the column and the field.
    """
    for name, field in zip(names, fields, strict=True):
        try:
            number = float(field)
        except ValueError:
            point = "; decimals are written with a point" if is_number(field.replace(",", ".")) else ""
            raise ValueError(f"{place}: column {name!r}: {field[:40]!r} is no number{point}") from None
        if not -LARGEST <= number <= LARGEST:
            raise ValueError(f"{place}: column {name!r}: {field[:40]!r} is not a finite number up to {LARGEST:.1e}")


def is_number(text):
    """Whether a field is a number.

    >>> is_number(" 5.1"), is_number("height")
    (True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True


def other_delimiter(path, dialect):
    """The sentence that names the delimiter which a file seems to have, if it is another one; else nothing."""
    with open_text(path, dialect.encoding) as file:
        read = (file.readline(SAMPLE_CHARACTERS) for _ in range(SAMPLE_LINES))
        lines = [line for line in itertools.takewhile(bool, read) if len(line) < SAMPLE_CHARACTERS]
    widths = {delimiter: _width(lines, delimiter) for delimiter in (dialect.delimiter, *DELIMITERS)}
    best = max(DELIMITERS, key=lambda delimiter: widths[delimiter])
    if widths[best] < 2 or widths[best] <= widths[dialect.delimiter]:
        return ""
    return f"; the fields seem to be divided by {best!r}: set delimiter to {best!r} (it is {dialect.delimiter!r})"


def _width(lines, delimiter):
    """How many fields the lines have with that delimiter, if all have as many; else 0."""
    try:
        widths = {len(row) for row in csv.reader(lines, delimiter=delimiter) if row}
    except csv.Error:
        return 0
    return widths.pop() if len(widths) == 1 else 0


def _not_text(path, encoding):
    """What is said of a file whose bytes are no text in an encoding; names the line."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        start = file.read(2)
        file.seek(0)
        line = 0
        with contextlib.suppress(UnicodeError):
            for content in file:
                line += 1
                decoder.decode(content)
    guess = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "latin-1" if encoding != "latin-1" else "utf-8"
    return f"{path}:{line}: not text in {encoding}; set encoding to the file's own, perhaps {guess!r}"
