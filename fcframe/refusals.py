"""Validation errors that validators of components and specs raise; `fcframe.spec.problems` puts them into words."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

ALTERNATIVE = "(alternative)"
"""Marks a choice of a union in the location of an error. It is not a part of the JSON path."""
EXPLAINED = "explained"
"""Type of an error line whose message is complete."""
UNEXPECTED = "unexpected"
"""Type of an error line about a wrong value; its context has "expected", a description of the right ones."""
UNKNOWN_TYPE = "unknown_type"
"""Type of an error line about a component that is not registered; its context has its "kind" and "name"."""
ENCLOSED = "enclosed"
"""Type of an error line that stands for a whole validation error; its context has an `ErrorHolder` as "holder"."""


class ErrorHolder:
    """Holds a validation error, so that pydantic does not format it: its repr would be very long."""

    def __init__(self, error: ValidationError) -> None:
        self.error = error


def enclosed(error: ValidationError, value: Any) -> ValidationError:
    """A validation error with a single line that contains another validation error.

    Without it, each model would copy the error lines of the models inside it, which is slow: 43,000 lines in 48 nested
    models took four seconds. Used if the validation context has "enclose"; `fcframe.spec.problems` unpacks the errors.
    """
    return _single_line_error(ENCLOSED, "see inside", {"holder": ErrorHolder(error)}, (), value)


def unknown_type(kind: str, name: str, value: Any) -> ValidationError:
    """A validation error about a type that is not registered. `fcframe.spec.problems` adds the registered types."""
    return _single_line_error(UNKNOWN_TYPE, "no {kind} called {name}", {"kind": kind, "name": name}, ("type",), value)


def unexpected(expected: str, value: Any) -> ValidationError:
    """A validation error "expected …, got …", to be raised inside a validator."""
    return _single_line_error(UNEXPECTED, "expected {expected}", {"expected": expected}, (), value)


def problem_at(location: Sequence[str | int], message: str, value: Any) -> ValidationError:
    """A validation error with a complete message, to be raised inside a validator."""
    return _single_line_error(EXPLAINED, "{message}", {"message": message}, location, value)


def _single_line_error(
    kind: str, message: Any, context: dict[str, Any], location: Sequence[str | int], value: Any
) -> ValidationError:
    line: InitErrorDetails = {
        "type": PydanticCustomError(kind, message, context),
        "loc": tuple(location),
        "input": value,
    }
    return ValidationError.from_exception_data("spec", [line])
