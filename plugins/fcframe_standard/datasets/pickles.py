"""Reads pickle files whose checksum is known, and even those with a restricted unpickler."""

import contextlib
import hashlib
import io
import itertools
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fcframe import Array

MAX_BYTES = 32 * 2**20
MAX_OPCODES = 200_000
MAX_NAMES = 1000
LONGEST_NAME = 100


def read(path: Path, md5: str) -> Any:
    """The object in a pickle file; strings of Python 2 are read as bytes.

    Args:
        path: The file.
        md5: Its MD5 checksum; a file with any other is refused.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is a different file; the message names the objects that its pickle would import.
    """
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"{path}: not the official file: it is larger than {MAX_BYTES:,} bytes")
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        refused = (_shown(name) for name in asked_for(content) if name not in _ALLOWED)
        asked = ", ".join(itertools.islice(refused, 3))
        asks = f"; the pickle asks for {asked}: refused" if asked else ""
        raise ValueError(f"{path}: not the official file: its md5 is {found}, expected {md5}{asks}")
    return Unpickler(io.BytesIO(content), encoding="bytes").load()


class Unpickler(pickle.Unpickler):
    """Creates NumPy arrays, numbers, strings, lists and dicts, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """The object that a pickle imports, if that is allowed."""
        if f"{module}.{name}" not in _ALLOWED:
            raise ValueError(f"the pickle asks for {_shown(f'{module}.{name}')}: refused")
        return _ALLOWED[f"{module}.{name}"]


def asked_for(content: bytes) -> Iterator[str]:
    """The names that a pickle would import, such as "posix.system". Its opcodes are read, but not executed.

    Strings are cut to `LONGEST_NAME` characters as soon as they are read, so that a crafted file costs little.

    >>> import pickle
    >>> list(asked_for(pickle.dumps(print)))
    ['builtins.print']
    """
    import pickletools  # only needed for the message about a wrong file

    names: set[str] = set()
    texts: tuple[str, str] = "", ""
    memo: dict[Any, str] = {}
    with contextlib.suppress(ValueError):  # raised where the pickle is invalid or ends early
        for opcode, argument, _ in itertools.islice(pickletools.genops(content), MAX_OPCODES):
            name = None
            if opcode.name in ("GLOBAL", "INST") and isinstance(argument, str):
                name = argument[: 2 * LONGEST_NAME].replace(" ", ".", 1)
            elif opcode.name == "STACK_GLOBAL":
                name = ".".join(texts)
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = texts[-1]
            elif opcode.name in ("PUT", "BINPUT", "LONG_BINPUT"):
                memo[argument] = texts[-1]
            elif opcode.name in ("GET", "BINGET", "LONG_BINGET"):
                texts = texts[-1], memo.get(argument, "")
            elif isinstance(argument, str):
                texts = texts[-1], argument[:LONGEST_NAME]
            if name is not None and name not in names and len(names) < MAX_NAMES:
                names.add(name)
                yield name


def _shown(name: str) -> str:
    """A name from an unknown file, escaped and cut for a message of one line."""
    return ascii(name)[1:-1][:100]


def _empty_array(*_: object) -> Array:
    return np.empty(0, np.uint8)  # the pickle sets shape, dtype and data afterwards


def _dtype(code: str, align: int, copy: int) -> np.dtype[Any]:
    return np.dtype(code, align=bool(align), copy=bool(copy))  # NumPy deprecates the integers 0 and 1 of the pickle


_ALLOWED: dict[str, Any] = {
    "numpy.core.multiarray._reconstruct": _empty_array,
    "numpy.ndarray": np.ndarray,
    "numpy.dtype": _dtype,
}
