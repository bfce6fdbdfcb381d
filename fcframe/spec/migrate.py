"""Converts documents of earlier formats to the current format."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Migration: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


class MigrationError(Exception):
    """A document of an earlier format has a setting that later formats do not have."""

    def __init__(self, location: Sequence[str | int], reason: str) -> None:
        self.location = location
        self.reason = reason
        super().__init__(reason)


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    """Format 2 only adds fields; all fields of format 1 keep their meaning."""
    return document


MIGRATIONS: Mapping[int, Migration] = {1: _from_1}
"""Format number → a function that converts a document of that format to the next format.

The document is not validated before. The function returns a changed copy, and raises MigrationError if the document has
no equivalent in the next format.
"""


def migrate(document: dict[str, Any], migrations: Mapping[int, Migration] = MIGRATIONS) -> dict[str, Any]:
    """Converts a document to the current format; the argument is not changed.

    A document without a format number has the current format. A document with an unknown number is returned unchanged;
    the validation refuses it.

    Raises:
        MigrationError: The document has no equivalent in the current format.

    >>> migrate({"format": 1, "input": [4]})
    {'format': 2, 'input': [4]}
    """
    number = document.get("format")
    while type(number) is int and number in migrations:  # not true or 1.0, which equal 1 in Python
        try:
            document = migrations[number](document)
        except MigrationError as error:
            message = f"cannot be migrated from format {number} to {number + 1}: {error.reason}"
            raise MigrationError(error.location, message) from None
        number += 1
        document = document | {"format": number}
    return document
