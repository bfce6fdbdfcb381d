"""Limits on the memory that a spec or a data file may need."""

import os

from fcframe.errors import SpecError

MAX_BYTES = 4 * 2**30
"""Default of FCFRAME_MAX_BYTES: bytes allowed for the parameters, for the outputs of a minibatch, or for a data set."""


def max_bytes() -> int:
    """The number of bytes in the environment variable FCFRAME_MAX_BYTES, else 4 GiB.

    Raises:
        SpecError: FCFRAME_MAX_BYTES is not a number of bytes.
    """
    text = os.environ.get("FCFRAME_MAX_BYTES", "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) < 1000):
        raise SpecError([f"FCFRAME_MAX_BYTES: expected a whole number of bytes, like 4294967296, got {text[:40]!r}"])
    return int(text) if text else MAX_BYTES


def human_bytes(count: int) -> str:
    """Formats a number of bytes with a unit.

    >>> human_bytes(2_458_440)
    '2.3 MB'
    """
    if count < 1024:
        return f"{count} bytes"
    for power, unit in enumerate(("kB", "MB", "GB", "TB", "PB"), start=1):
        if count < 1000 * 1024**power:
            return f"{count / 1024**power:.1f} {unit}"
    return "more than 999 PB"
