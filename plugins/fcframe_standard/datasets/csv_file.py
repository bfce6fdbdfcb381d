"""Data from a CSV file."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from fcframe import Array, Data, Dataset
from fcframe_standard.datasets import class_labels, csv_rows, csv_table, files, scaling
from fcframe_standard.datasets.columns import Names, as_columns, choose, find_target, listed, repeated
from fcframe_standard.datasets.splits import Share, divide, parts


class CSV(Dataset):
    r"""The rows of a CSV file, split at random; one column is the target, all others are features.

    Labels become the integers 0, 1, … in the order of the classes: numeric order if all labels are integers, else
    sorted order. The names of the classes are kept, so labels in the file may be texts, start at 1, or have gaps.

    New rows are read from a CSV file, a mapping of column names to values, or an array (N, features). The columns of a
    file or mapping may be in any order, and may include others; the target is read if it is one of them.

    Shapes: X (N, columns − 1); y (N,), integers if the target is a label.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "pets.csv")
    ...     _ = path.write_text("height,kind\n0.3,cat\n0.6,dog\n0.2,cat\n")
    ...     pets = CSV(path=str(path), validation=0, test=0)
    ...     data = pets.load(np.dtype("float32"), np.random.default_rng(0))
    >>> data.X_train.shape, data.classes
    ((3, 1), ('cat', 'dog'))
    >>> pets.read({"kind": ["dog"], "height": [0.5]}, data.fitted, np.dtype("float32"))
    (array([[0.5]], dtype=float32), array([1]))
    """

    type = "csv"

    path: files.DataPath
    """Path of the file. A relative path is looked for in the folder of the spec, in the current folder, and in the
    folder that the environment variable FCFRAME_DATA names."""
    target: str | int = -1
    """Column of the target: its name, or its number, counted from 0; −1 is the last column."""
    labels: bool = True
    """Whether the target is a class label (classification), or a number to be predicted (regression)."""
    missing: tuple[str, ...] = class_labels.MISSING
    """Texts that stand for a missing label, in upper or lower case. Missing and empty labels are refused."""
    header: bool = True
    """Whether the first row contains the names of the columns."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1, pattern=r'[^"\r\n]')] = ","
    """Character that separates two fields."""
    encoding: csv_rows.Encoding = "utf-8"
    """Encoding of the file; a byte order mark of UTF-8 is skipped."""
    standardize: bool = False
    """Whether each feature is shifted and scaled to mean 0 and standard deviation 1 on the training rows."""
    validation: Share = 0.1
    """Fraction of the rows for validation, rounded down to whole rows."""
    test: Share = 0.1
    """Fraction of the rows for the test, rounded down to whole rows."""

    def load(self, dtype: np.dtype[Any], rng: "np.random.Generator") -> Data:
        path = files.find(self.path)
        table = self._table(path, self._all_columns, dtype)
        N = len(table.features)
        order = rng.permutation(N)
        validation, test = parts(path, N, self.validation, self.test)
        training = order[: N - validation - test]
        columns = table.columns
        assert columns.target is not None  # _all_columns has found it
        fitted: dict[str, Any] = {
            "features": [str(columns.names[feature]) for feature in columns.features],
            "target": str(columns.names[columns.target]),
        }
        if self.labels:
            class_labels.refuse_fractions(path, table.texts)
            label, fitted["classes"] = class_labels.numbered(table.texts)
            y = label[table.target[order].astype(np.intp)]
            class_labels.note_unlearnable(path, y[: len(training)], fitted["classes"])
        else:
            y = table.target[order].astype(dtype)
        if self.standardize:
            fitted |= scaling.statistics(table.features, training)
        X = scaling.scaled(table.features, order, fitted, dtype)
        return divide(X, y, validation, test, order, fitted, partial(_line, path, table.lines), str(path))

    def read(self, source: Any, fitted: Mapping[str, Any], dtype: np.dtype[Any]) -> tuple[Array, Array | None]:
        if isinstance(source, (str, os.PathLike)):
            path = files.find(source if isinstance(source, files.SpecPath) else Path(source))
            table = self._table(path, partial(self._known_columns, fitted), dtype)
            features, texts = table.features, table.texts
            target = None if table.columns.target is None else table.target
            where: Callable[[int], str] = partial(_line, path, table.lines)
        else:
            features, target = as_columns(source, fitted)
            where = "row {}".format
            texts, target = ([], target) if not self.labels or target is None else _distinct(target)
        X = scaling.scaled(features, np.arange(len(features)), fitted, dtype)
        if target is None:
            return X, None
        return X, _known_labels(texts, target, fitted, where) if self.labels else target.astype(dtype)

    def own_source(self) -> str:
        return str(files.find(self.path))

    def _table(self, path: Path, select: csv_table.Select, dtype: np.dtype[Any]) -> csv_table.Table:
        layout = csv_table.Layout(
            csv_rows.Dialect(self.delimiter, self.encoding),
            header=self.header,
            labels=self.labels,
            missing={text.casefold() for text in self.missing},
            select=select,
            itemsize=np.dtype(dtype).itemsize,
        )
        return csv_table.read(path, layout)

    def _all_columns(self, place: str, names: Names) -> csv_table.Columns:
        """The columns of the training data: the target, and all others as features."""
        if len(names) < 2:
            raise ValueError(f"{place}: one column, expected at least one feature and the target")
        target = find_target(place, names, self.target)
        if doubled := repeated(names):
            raise ValueError(f"{place}: more than one column is called {listed(doubled)}; rename the columns")
        return csv_table.Columns(names, [i for i in range(len(names)) if i != target], target)

    def _known_columns(self, fitted: Mapping[str, Any], place: str, names: Names) -> csv_table.Columns:
        """The columns of new rows that are those of the training data."""
        if isinstance(names, range):  # there is no header: all columns in order, or the features alone
            expected = len(fitted["features"])
            target = int(fitted["target"]) if len(names) > expected else None
            found = [column for column in names if column != target]
            if len(found) != expected:
                raise ValueError(f"{place}: {len(found)} features, expected {expected}, with or without the target")
            return csv_table.Columns(names, found, target)
        return csv_table.Columns(names, *choose(place, names, fitted["features"], fitted["target"]))


def _line(path: Path, lines: Array, row: int) -> str:
    return f"{path}:{lines[row]}"


def _distinct(values: Array) -> tuple[list[str], Array]:
    """The distinct labels as texts, and for each label the index of its text."""
    texts: dict[str, int] = {}
    codes = np.array([texts.setdefault(str(value).strip(), len(texts)) for value in values], np.intp)
    return list(texts), codes


def _known_labels(texts: list[str], target: Array, fitted: Mapping[str, Any], where: Callable[[int], str]) -> Array:
    """The labels of texts, all of which must be classes of the training data."""
    known = {name: label for label, name in enumerate(fitted["classes"])}
    found = [class_labels.label_of(text, known) for text in texts]
    codes = target.astype(np.intp)
    if None in found:
        index = found.index(None)
        names = ", ".join(map(repr, list(known)[:10])) + (", …" if len(known) > 10 else "")
        raise ValueError(
            f"{where(int(np.argmax(codes == index)))}: column {fitted['target']!r}: {texts[index][:40]!r} is not "
            f"a class of the training data: {names}"
        )
    return np.array(found, np.intp)[codes]
