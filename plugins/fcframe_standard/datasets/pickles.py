"""Pickles from outside: read if their bytes are the known ones, and even then with next to nothing allowed."""

import contextlib
import hashlib
import io
import itertools
import pickle

import numpy as np

MAX_BYTES = 32 * 2**20
MAX_OPCODES = 200_000
MAX_NAMES = 1000
LONGEST_NAME = 100


def read(path, md5):
    """What the pickle in a file holds; texts of Python 2 come as bytes.

    Args:
        path: The file.
        md5: The only file that is read has this sum.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is another file; the message names what it would have asked for as a pickle.
    """
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"{path}: not the official file: larger than {MAX_BYTES:,} bytes, and not read to its end")
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        refused = (_shown(name) for name in asked_for(content) if name not in _ALLOWED)
        asked = ", ".join(itertools.islice(refused, 3))
        asks = f"; the pickle asks for {asked}: refused" if asked else ""
        raise ValueError(f"{path}: not the official file: its md5 is {found}, expected {md5}{asks}")
    return Unpickler(io.BytesIO(content), encoding="bytes").load()


class Unpickler(pickle.Unpickler):
    """Makes NumPy arrays, and what needs no name: numbers, texts, lists, dicts."""

    def find_class(self, module, name):
        """What a pickle calls by name, if it is allowed."""
        if f"{module}.{name}" not in _ALLOWED:
            raise ValueError(f"the pickle asks for {_shown(f'{module}.{name}')}: refused")
        return _ALLOWED[f"{module}.{name}"]


def asked_for(content):
    """The names, such as "posix.system", that a pickle asks for: read off its opcodes, of which none is executed.

    Texts are cut to `LONGEST_NAME` characters as soon as they are read, so that a crafted file costs little.

    >>> import pickle
    >>> list(asked_for(pickle.dumps(print)))
    ['builtins.print']
    """
    import pickletools  # only where something is wrong

    names, texts, memo = set(), ("", ""), {}
    with contextlib.suppress(ValueError):  # what is no pickle, or breaks off, asks for nothing more
        for opcode, argument, _ in itertools.islice(pickletools.genops(content), MAX_OPCODES):
            name = None
            if opcode.name in ("GLOBAL", "INST"):
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


def _shown(name):
    """A name that a stranger chose, fit for a message of one line."""
    return ascii(name)[1:-1][:100]


def _empty_array(*_):
    return np.empty(0, np.uint8)  # its shape, type and bytes follow in the pickle


def _dtype(code, align, copy):
    return np.dtype(code, align=bool(align), copy=bool(copy))  # the pickle has 0 and 1, which NumPy is giving up


_ALLOWED = {
    "numpy.core.multiarray._reconstruct": _empty_array,
    "numpy.ndarray": np.ndarray,
    "numpy.dtype": _dtype,
}
