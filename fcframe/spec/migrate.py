"""Documents of earlier formats: what each step to the next format changes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Migration: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


class MigrationError(Exception):
    """A document of an earlier format means something that no later format can say."""

    def __init__(self, location: Sequence[str | int], reason: str) -> None:
        self.location = location
        self.reason = reason
        super().__init__(reason)


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    """Format 2 adds fields; it changes the meaning of none that format 1 has."""
    return document


MIGRATIONS: Mapping[int, Migration] = {1: _from_1}
"""Format number → the function from a document of that format to one of the next.

The function is given a document that nobody has validated; it returns a changed copy, and raises MigrationError where
the document has no equivalent.
"""


def migrate(document: dict[str, Any], migrations: Mapping[int, Migration] = MIGRATIONS) -> dict[str, Any]:
    """The document in the format that this version reads; the argument stays as it is.

    A document without a number is one of the newest format. One whose number is none that this version knows is
    returned as it is, for validation to refuse.

    Raises:
        MigrationError: The document means something that the newest format cannot say.

    >>> migrate({"format": 1, "input": [4]})
    {'format': 2, 'input': [4]}
    """
    number = document.get("format")
    while type(number) is int and number in migrations:  # true and 1.0 are no format numbers
        try:
            document = migrations[number](document)
        except MigrationError as error:
            message = f"cannot be migrated from format {number} to {number + 1}: {error.reason}"
            raise MigrationError(error.location, message) from None
        number += 1
        document = document | {"format": number}
    return document
