"""Output to a terminal: makes text safe to print, and tells whether a stream is a terminal."""

import re
from typing import Any

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except newline and tab, characters that reorder text, and surrogates, which cannot be encoded."""


def as_text(text: str) -> str:
    r"""Escapes control characters, so that text from a file or a plugin can be printed safely on a terminal.

    >>> print(as_text("\x1b[31mred\x1b[0m"))
    \x1b[31mred\x1b[0m
    """
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def on_a_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal, independently of variables such as FORCE_COLOR.

    >>> import io
    >>> on_a_terminal(io.StringIO()), on_a_terminal(None)
    (False, False)
    """
    try:
        return bool(stream.isatty())
    except (AttributeError, OSError, ValueError):  # None, or a closed stream
        return False
