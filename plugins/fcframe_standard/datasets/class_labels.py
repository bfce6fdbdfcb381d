"""Converts labels as they are written in a file to the integers 0, 1, … and the names of the classes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path

import numpy as np

from fcframe import Array
from fcframe_standard.datasets.splits import note

INTEGER = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")
MISSING = ("nan", "-nan", "na", "n/a", "#n/a", "#na", "<na>", "null", "none", "?", ".")
"""How pandas, R, SPSS and files of the UCI repository write a missing value."""


def refuse_fractions(path: Path, texts: Iterable[str]) -> None:
    """Raises ValueError for numbers with a fractional part: they are no class labels, but targets of a regression."""
    try:
        numbers = {text: float(text) for text in texts}
    except ValueError:
        return
    fraction = next((text for text, number in numbers.items() if isfinite(number) and number % 1), None)
    if fraction is not None:
        raise ValueError(
            f"{path}: labels such as {fraction!r} are numbers to be predicted, not classes: set labels to false"
        )


def numbered(texts: Sequence[str]) -> tuple[Array, list[str]]:
    """The label 0, 1, … of each distinct text, and the class names: in numeric order if all are integers, else sorted.

    >>> numbered(["10", "1", "2.0"])
    (array([2, 0, 1]), ['1', '2', '10'])
    >>> numbered(["10", "2", "x"])
    (array([0, 1, 2]), ['10', '2', 'x'])
    """
    integers = [value for text in texts if (value := integer(text)) is not None]
    if len(integers) < len(texts):
        names = sorted(texts)
        labels = {name: label for label, name in enumerate(names)}
        return np.array([labels[text] for text in texts], np.intp), names
    values = sorted(set(integers))
    places = {value: label for label, value in enumerate(values)}
    return np.array([places[value] for value in integers], np.intp), [str(value) for value in values]


def integer(text: str) -> int | None:
    """The integer that a text such as "3" or "3.0" stands for; None for any other text."""
    return int(text.partition(".")[0]) if INTEGER.fullmatch(text) else None


def label_of(text: str, known: Mapping[str, int]) -> int | None:
    """The label of a text, given the labels by class name, or None; the class "3" may be written as "3.0".

    >>> label_of("2.0", {"1": 0, "2": 1})
    1
    """
    return known.get(text, known.get(str(integer(text))))


def note_unlearnable(source: Path, y_train: Array, classes: Sequence[str]) -> None:
    """Warns of classes without a training row, which the network cannot learn."""
    counts = np.bincount(y_train, minlength=len(classes))
    absent = [name for name, count in zip(classes, counts, strict=True) if count == 0]
    if absent:
        names = ", ".join(map(repr, absent[:5])) + (", …" if len(absent) > 5 else "")
        note(f"{source}: no training row has the label {names}; the network cannot learn it")
