"""Reads the rows of a CSV file one at a time; every error names file and line, and a likely remedy."""

import codecs
import contextlib
import csv
import itertools
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, TextIO, TypeAlias

import numpy as np

LARGEST = float(np.finfo(np.float32).max)
SMALL_ROW = 2**16
"""Up to this many characters the fields of a row are not counted: they take a few megabytes at most."""
FIELD_BYTES = 112
"""Memory of a field while its row is read: a text and a float, each with its place in a list."""
LINE_SHARE = 8
"""Bytes per character of a line: 4 in memory, twice while the pieces of the line are joined."""
DELIMITERS = (";", "\t", "|", ",", ":", " ")
SAMPLE_LINES, SAMPLE_CHARACTERS = 20, 2**16

Encoding: TypeAlias = Literal[
    "utf-8", "utf-16", "ascii", "latin-1", "iso8859-2", "iso8859-5", "iso8859-15", "cp1250", "cp1251", "cp1252",
    "cp1253", "cp1254", "cp437", "cp850", "koi8-r", "mac-roman", "shift-jis", "euc-jp", "gb18030", "big5", "euc-kr",
]  # fmt: skip
"""Encodings of text files, under Python's names."""


class Dialect(NamedTuple):
    """The format of a CSV file."""

    delimiter: str
    encoding: str


def rows(path: Path, dialect: Dialect, allowed: int) -> Generator[tuple[int, list[str]], None, None]:
    """Yields (line, fields) for each row; all rows have equally many fields, and blank lines are skipped.

    Args:
        path: The file.
        dialect: Its format.
        allowed: The largest memory of one row, in bytes.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not a CSV file, or a row is too large.
    """
    with open_text(path, dialect.encoding) as file:
        size = fields = 0  # of the row that is being read, which may have several lines if a field is quoted

        def lines() -> Iterator[str]:
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


def open_text(path: Path, encoding: str) -> TextIO:
    """Opens the file to read text; UTF-8 may start with a byte order mark."""
    is_utf8 = codecs.lookup(encoding).name == "utf-8"
    return path.open(encoding="utf-8-sig" if is_utf8 else encoding, newline="")


def refuse_numbers(place: str, names: Sequence[str | int], fields: Sequence[str]) -> None:
    """Raises an error for the first field that is not a finite number in the range of float32.

    Raises:
        ValueError: The message names the place, the column and the field.
    """
    for name, field in zip(names, fields, strict=True):
        try:
            number = float(field)
        except ValueError:
            point = "; write decimals with a point" if is_number(field.replace(",", ".")) else ""
            raise ValueError(f"{place}: column {name!r}: {field[:40]!r} is not a number{point}") from None
        if not -LARGEST <= number <= LARGEST:
            raise ValueError(f"{place}: column {name!r}: {field[:40]!r} is not a finite number up to {LARGEST:.1e}")


def is_number(text: str) -> bool:
    """Whether a field is a number.

    >>> is_number(" 5.1"), is_number("height")
    (True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True


def other_delimiter(path: Path, dialect: Dialect) -> str:
    """A hint that names the delimiter that the file seems to have, if it is a different one; else ""."""
    with open_text(path, dialect.encoding) as file:
        read = (file.readline(SAMPLE_CHARACTERS) for _ in range(SAMPLE_LINES))
        lines = [line for line in itertools.takewhile(bool, read) if len(line) < SAMPLE_CHARACTERS]
    widths = {delimiter: _width(lines, delimiter) for delimiter in (dialect.delimiter, *DELIMITERS)}
    best = max(DELIMITERS, key=lambda delimiter: widths[delimiter])
    if widths[best] < 2 or widths[best] <= widths[dialect.delimiter]:
        return ""
    return f"; the fields seem to be separated by {best!r}: set delimiter to {best!r} (it is {dialect.delimiter!r})"


def _width(lines: list[str], delimiter: str) -> int:
    """The number of fields per line with that delimiter, if all lines have equally many; else 0."""
    try:
        widths = {len(row) for row in csv.reader(lines, delimiter=delimiter) if row}
    except csv.Error:
        return 0
    return widths.pop() if len(widths) == 1 else 0


def _not_text(path: Path, encoding: str) -> str:
    """The message for a file that cannot be decoded; it names the line."""
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
