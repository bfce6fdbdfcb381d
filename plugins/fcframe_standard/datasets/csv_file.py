"""A table of comma-separated values."""

import itertools
import re
from array import array
from math import isfinite
from typing import Annotated

import numpy as np
from pydantic import Field

from fcframe import Dataset
from fcframe_standard.datasets import csv_rows, files
from fcframe_standard.datasets.splits import Share, divide, part


class CSV(Dataset):
    r"""The rows of a CSV file, split at random: one column is the target, all others are features.

    Labels are integers; if one of them is not, all are texts, numbered in sorted order.

    Shapes: X (N, columns − 1); y (N,), integers if they are labels.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "pets.csv")
    ...     _ = path.write_text("height,kind\n0.3,cat\n0.6,dog\n0.2,cat\n")
    ...     data = CSV(path=str(path)).load(np.dtype("float32"), np.random.default_rng(0))
    >>> data.X_train.shape, data.classes
    ((3, 1), ('cat', 'dog'))
    """

    type = "csv"

    path: Annotated[str, Field(min_length=1)]
    """The file; a relative path is looked for in the current folder, then in the one that FCFRAME_DATA names."""
    target: str | int = -1
    """The target's column: its name, or its number from 0; −1 is the last one."""
    labels: bool = True
    """Whether the target is a label; if not, it is a number to be predicted."""
    header: bool = True
    """Whether the first row holds the columns' names."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1, pattern=r'[^"\r\n]')] = ","
    """The character between two fields."""
    standardize: bool = False
    """Whether each feature is shifted and scaled to mean 0 and standard deviation 1 on the training rows."""
    validation: Share = 0.1
    """The validation split's part of the rows, rounded down to whole rows."""
    test: Share = 0.1
    """The test split's part of the rows, rounded down to whole rows."""

    def load(self, dtype, rng):
        path = files.find(self.path)
        table, target, texts = self._read(path)
        N, columns = table.shape
        order = rng.permutation(N)
        X = table[np.ix_(order, np.delete(np.arange(columns), target))]
        y, classes = table[order, target].astype(dtype), ()
        if self.labels:
            _refuse_fractions(path, texts)
            values, classes = _numbered(texts)
            y = values[table[order, target].astype(np.intp)]
        validation, test = part(N, self.validation), part(N, self.test)
        with np.errstate(over="ignore"):  # what gets too large becomes inf, which the training refuses
            if self.standardize:
                _standardize(X, N - validation - test)
            X = X.astype(dtype, copy=False)
        return divide(X, y, validation, test, classes)

    def _read(self, path):
        """The table (N, columns), the target's column, and if it holds labels the texts that its numbers stand for."""
        allowed = files.max_bytes()
        if path.stat().st_size > allowed:  # before a row, which may be the whole file, is in memory
            raise ValueError(
                f"{path}: the file has {path.stat().st_size:,} bytes; {allowed:,} are allowed (FCFRAME_MAX_BYTES)"
            )
        rows = csv_rows.rows(path, self.delimiter)
        start, first = next(rows, (0, ()))
        if not first:
            raise ValueError(f"{path}: the file is empty")
        if len(first) < 2:
            raise ValueError(f"{path}:{start}: one column, expected at least one feature and the target")
        names = [name.strip() for name in first] if self.header else range(len(first))
        target = self._column(f"{path}:{start}", names)
        if not self.header:
            rows = itertools.chain([(start, first)], rows)
        cells, texts = array("d"), {}
        for line, row in rows:
            if self.labels:
                text = row[target].strip()
                if not text:
                    raise ValueError(f"{path}:{line}: column {names[target]!r}: the label is missing")
                row[target] = texts.setdefault(text, len(texts))
            cells.extend(csv_rows.numbers(f"{path}:{line}", names, row))
            if len(cells) * cells.itemsize > allowed:
                raise ValueError(f"{path}:{line}: more than {allowed:,} bytes of numbers (FCFRAME_MAX_BYTES)")
        if not cells:
            raise ValueError(f"{path}: there is no row below the header")
        return np.frombuffer(cells).reshape(-1, len(names)), target, texts

    def _column(self, place, names):
        if isinstance(self.target, int):
            if not -len(names) <= self.target < len(names):
                raise ValueError(f"{place}: no column {self.target}: there are {len(names)}, 0 to {len(names) - 1}")
            return self.target % len(names)
        if not self.header:
            raise ValueError(f"{place}: no column {self.target!r}: without a header columns have numbers, from 0")
        if names.count(self.target) == 1:
            return names.index(self.target)
        if self.target in names:
            raise ValueError(f"{place}: more than one column is called {self.target!r}; give its number, from 0")
        import difflib  # only where something is wrong

        near = difflib.get_close_matches(self.target, names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        known = ", ".join(map(repr, names[:20])) + (", …" if len(names) > 20 else "")
        raise ValueError(f"{place}: no column {self.target!r}.{hint} Columns: {known}")


def _refuse_fractions(path, texts):
    """Numbers that are no integers are hardly labels; taken as such, each would be a class of its own."""
    try:
        numbers = {text: float(text) for text in texts}
    except ValueError:
        return
    fraction = next((text for text, number in numbers.items() if isfinite(number) and number % 1), None)
    if fraction is not None:
        raise ValueError(f"{path}: labels such as {fraction!r} are numbers to be predicted: set labels to false")


def _numbered(texts):
    """The integer that each text stands for as a label, and the classes' names unless the texts are integers."""
    if all(re.fullmatch("[+-]?[0-9]{1,18}", text) for text in texts):
        return np.array([int(text) for text in texts], np.intp), ()
    classes = sorted(texts)
    numbers = {text: number for number, text in enumerate(classes)}
    return np.array([numbers[text] for text in texts], np.intp), tuple(classes)


def _standardize(X, training):
    """In place, by the statistics of the first rows; a feature that is constant there is only shifted."""
    mean, std = X[:training].mean(axis=0), X[:training].std(axis=0)
    constant = (X[:training] == X[0]).all(axis=0)
    X -= np.where(constant, X[0], mean)
    X /= np.where(constant | (std == 0), 1, std)
