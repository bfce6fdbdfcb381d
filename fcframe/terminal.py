"""Text on its way to a person: whether it goes to a terminal, and what of it a terminal may be given."""

import re
from typing import Any

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that move a cursor, change colours, hide or reorder text, or that no encoding has; not newline and tab."""


def as_text(text: str) -> str:
    r"""Somebody else's text as it may be shown on a terminal: control characters and escape sequences can be read.

    >>> print(as_text("\x1b[31mred\x1b[0m"))
    \x1b[31mred\x1b[0m
    """
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def on_a_terminal(stream: Any) -> bool:
    """Whether what is written to a stream is seen at once by a person; FORCE_COLOR and the like change nothing.

    >>> import io
    >>> on_a_terminal(io.StringIO()), on_a_terminal(None)
    (False, False)
    """
    try:
        return bool(stream.isatty())
    except (AttributeError, OSError, ValueError):  # None, or a stream that was closed
        return False
