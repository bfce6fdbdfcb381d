"""A table of comma-separated values."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from fcframe import Dataset
from fcframe_standard.datasets import class_labels, csv_rows, csv_table, files, scaling
from fcframe_standard.datasets.columns import as_columns, choose, find_target
from fcframe_standard.datasets.splits import Share, divide, parts


class CSV(Dataset):
    r"""The rows of a CSV file, split at random: one column is the target, all others are features.

    Labels become the integers 0, 1, … in the order of the classes: numeric order if all labels are integers, sorted
    order if not. What the classes are called in the file is kept, so labels may start at 1, or leave gaps.

    New rows are read from a CSV file, a mapping of column names to values, or an array (N, features). A file or
    mapping may have its columns in any order, and others beside them; the target is read where it is there.

    Shapes: X (N, columns − 1); y (N,), integers if they are labels.

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
    """The file. A relative path is looked for in the folder of the spec, in the current folder, and in the folder that
    FCFRAME_DATA names."""
    target: str | int = -1
    """The target's column: its name, or its number from 0; −1 is the last one."""
    labels: bool = True
    """Whether the target is a label; if not, it is a number to be predicted."""
    missing: tuple[str, ...] = class_labels.MISSING
    """Texts that stand for a missing label, in upper or lower case, and are refused; an empty label always is."""
    header: bool = True
    """Whether the first row holds the columns' names."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1, pattern=r'[^"\r\n]')] = ","
    """The character between two fields."""
    encoding: csv_rows.Encoding = "utf-8"
    """How the file's text is encoded; a byte order mark before UTF-8 is left out."""
    standardize: bool = False
    """Whether each feature is shifted and scaled to mean 0 and standard deviation 1 on the training rows."""
    validation: Share = 0.1
    """The validation split's part of the rows, rounded down to whole rows."""
    test: Share = 0.1
    """The test split's part of the rows, rounded down to whole rows."""

    def load(self, dtype, rng):
        path = files.find(self.path)
        table = self._table(path, self._all_columns, dtype)
        N = len(table.features)
        order = rng.permutation(N)
        validation, test = parts(path, N, self.validation, self.test)
        training = order[: N - validation - test]
        columns = table.columns
        fitted = {
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
        return divide(X, y, validation, test, order, fitted, partial(_line, path, table.lines))

    def read(self, source, fitted, dtype):
        if isinstance(source, (str, os.PathLike)):
            path = files.find(source if isinstance(source, files.SpecPath) else Path(source))
            table = self._table(path, partial(self._known_columns, fitted), dtype)
            features, target, texts = table.features, table.target, table.texts
            where = partial(_line, path, table.lines)
            has_target = table.columns.target is not None
        else:
            features, target = as_columns(source, fitted)
            where, has_target = "row {}".format, target is not None
            texts, target = (None, target) if not self.labels or not has_target else _distinct(target)
        X = scaling.scaled(features, np.arange(len(features)), fitted, dtype)
        if not has_target:
            return X, None
        if self.labels:
            return X, _known_labels(texts, target, fitted, where)
        return X, np.asarray(target).astype(dtype)

    def own_source(self):
        return str(files.find(self.path))

    def _table(self, path, select, dtype):
        return csv_table.read(
            path,
            csv_rows.Dialect(self.delimiter, self.encoding),
            header=self.header,
            labels=self.labels,
            missing={text.casefold() for text in self.missing},
            select=select,
            itemsize=np.dtype(dtype).itemsize,
        )

    def _all_columns(self, place, names):
        """The columns of the training data: the target, and all others as features."""
        if len(names) < 2:
            raise ValueError(f"{place}: one column, expected at least one feature and the target")
        target = find_target(place, names, self.target)
        return csv_table.Columns(names, [i for i in range(len(names)) if i != target], target)

    def _known_columns(self, fitted, place, names):
        """The columns of new rows that have the names of the training data's."""
        target = fitted["target"]
        if not self.header:  # columns have no names: all of them in order, or the features alone
            target = int(target) if len(names) > len(fitted["features"]) else None
            names = [str(name) for name in names if name != target]
            if names != fitted["features"] and len(names) != len(fitted["features"]):
                raise ValueError(
                    f"{place}: {len(names)} features, expected {len(fitted['features'])}, with or without the target"
                )
            columns = range(len(names) + (target is not None))
            return csv_table.Columns(columns, [i for i in columns if i != target], target)
        return csv_table.Columns(names, *choose(place, names, fitted["features"], target))


def _line(path, lines, row):
    return f"{path}:{lines[row]}"


def _distinct(values):
    """The different texts among labels, and for each label the index of its text."""
    texts = {}
    return texts, np.array([texts.setdefault(str(value).strip(), len(texts)) for value in values], np.intp)


def _known_labels(texts, target, fitted, where):
    """The labels of texts that all are classes of the training data."""
    known = {name: label for label, name in enumerate(fitted["classes"])}
    found = [class_labels.label_of(text, known) for text in texts]
    codes = np.asarray(target).astype(np.intp)
    if None in found:
        index = found.index(None)
        names = ", ".join(map(repr, list(known)[:10])) + (", …" if len(known) > 10 else "")
        raise ValueError(
            f"{where(int(np.argmax(codes == index)))}: column {fitted['target']!r}: {list(texts)[index][:40]!r} is no "
            f"class of the training data: {names}"
        )
    return np.array(found, np.intp)[codes]
