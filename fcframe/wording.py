"""Texts that several error messages share."""

import json
from collections.abc import Iterable, Sequence
from typing import Any


def suggestion(word: str, known: Iterable[str]) -> str:
    """The question "Did you mean …?" with the most similar known word; empty if none is similar.

    >>> suggestion("relo", ["affine", "relu"])
    " Did you mean 'relu'?"
    >>> suggestion("AdamW", ["adam", "adamw"])
    " Did you mean 'adamw'?"
    >>> suggestion("transformer", ["affine", "relu"])
    ''
    """
    import difflib  # only needed for an error message

    words = list(known)
    same = [other for other in words if other.lower() == word.lower()]
    near = same or difflib.get_close_matches(word[:100], words, n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


def unknown_name(what: str, name: str, known: Sequence[str], heading: str) -> str:
    """The message for an unknown name: the most similar known name, and a list of all known names.

    >>> unknown_name("layer", "relo", ["affine", "relu"], "Registered")
    "no layer called 'relo'. Did you mean 'relu'? Registered: affine, relu"
    """
    cut = name if len(name) <= 80 else f"{name[:60]}…"
    return f"no {what} called {cut!r}.{suggestion(name, known)} {heading}: {', '.join(known) or 'none'}"


def plural(count: int, noun: str) -> str:
    """A count with its noun in singular or plural.

    >>> plural(1, "row"), plural(2_000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def shown(value: Any) -> str:
    r"""Formats a value as JSON for a message: on one line, and shortened if it is long.

    >>> shown({"units": [1, 2]})
    '{"units": [1, 2]}'
    >>> shown("é\n")
    '"é\\n"'
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
        if not text.isprintable():
            text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):  # not a JSON value, or an integer with thousands of digits
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"
