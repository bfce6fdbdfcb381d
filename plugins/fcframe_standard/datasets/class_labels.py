"""Labels as a file has them → the integers 0, 1, … and the names of the classes."""

import re
from math import isfinite

import numpy as np

from fcframe_standard.datasets.splits import note

INTEGER = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")
MISSING = ("nan", "-nan", "na", "n/a", "#n/a", "#na", "<na>", "null", "none", "?", ".")
"""What people and programs (pandas, R, SPSS, the UCI repository) write for a value that is missing."""


def refuse_fractions(path, texts):
    """Raises ValueError for numbers that are no integers: as labels, each of them would be a class of its own."""
    try:
        numbers = {text: float(text) for text in texts}
    except ValueError:
        return
    fraction = next((text for text, number in numbers.items() if isfinite(number) and number % 1), None)
    if fraction is not None:
        raise ValueError(f"{path}: labels such as {fraction!r} are numbers to be predicted: set labels to false")


def numbered(texts):
    """The label 0, 1, … of each text, and the classes' names: in numeric order if all are integers, else sorted.

    >>> numbered(["10", "1", "2.0"])
    (array([2, 0, 1]), ['1', '2', '10'])
    >>> numbered(["10", "2", "x"])
    (array([0, 1, 2]), ['10', '2', 'x'])
    """
    integers = [integer(text) for text in texts]
    if None in integers:
        names = sorted(texts)
        labels = {name: label for label, name in enumerate(names)}
        return np.array([labels[text] for text in texts], np.intp), names
    values = sorted(set(integers))
    labels = {value: label for label, value in enumerate(values)}
    return np.array([labels[value] for value in integers], np.intp), [str(value) for value in values]


def integer(text):
    """The integer that a text writes, "3" or "3.0", or None."""
    return int(text.partition(".")[0]) if INTEGER.fullmatch(text) else None


def label_of(text, known):
    """The label of a text by the dict name → label, or None; a class called "3" may be written "3.0".

    >>> label_of("2.0", {"1": 0, "2": 1})
    1
    """
    return known.get(text, known.get(str(integer(text))))


def note_unlearnable(source, y_train, classes):
    """Notes the classes that no training row has: the network cannot learn them."""
    counts = np.bincount(y_train, minlength=len(classes))
    absent = [classes[label] for label in np.flatnonzero(counts == 0)]
    if absent:
        names = ", ".join(map(repr, absent[:5])) + (", …" if len(absent) > 5 else "")
        note(f"{source}: no training row has the label {names}; the network cannot learn it")
