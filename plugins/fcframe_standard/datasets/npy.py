"""One array of an npz file: first what its header declares, then its rows, a chunk at a time."""

import zipfile
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npformat

CHUNK = 2**22
HEADERS = {(1, 0): npformat.read_array_header_1_0, (2, 0): npformat.read_array_header_2_0}


class Member(NamedTuple):
    """An array of real numbers in an npz file, of which nothing but the header is in memory."""

    name: str
    shape: tuple[int, ...]
    fortran: bool
    stored: np.dtype
    made: np.dtype
    start: int
    """Where in the member the numbers begin."""

    @property
    def bytes(self):
        """The memory that reading takes at most, give or take a chunk."""
        return prod(self.shape) * max(self.stored.itemsize, self.made.itemsize)

    def read(self, archive, order):
        """The array with row i at order[i]."""
        out = np.empty(self.shape, self.made)
        example = prod(self.shape[1:]) * self.stored.itemsize
        step = max(1, len(out) if self.fortran else CHUNK // example)
        with archive.open(f"{self.name}.npy") as file, np.errstate(over="ignore"):  # inf is for training to refuse
            file.read(self.start)
            for first in range(0, len(out), step):
                rows = order[first : first + step]
                content = file.read(len(rows) * example)
                if len(content) < len(rows) * example:
                    raise ValueError(f"{self.name} ends too early")
                numbers = np.frombuffer(content, self.stored)
                out[rows] = numbers.reshape((len(rows), *self.shape[1:]), order="F" if self.fortran else "C")
            file.read(1)  # at its end the archive checks the sum
        return out


def member(archive, name, dtype, *, labels):
    """The array of that name, to be made in `dtype`; labels that are integers or booleans stay integers.

    Raises:
        ValueError: It does not hold real numbers, or its header does not fit the bytes that follow.
    """
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in a way that NumPy does not use")
    with archive.open(info) as file:
        shape, fortran, stored = _header(file, name)
        start = file.tell()
    if stored.hasobject:
        raise ValueError(f"{name} holds Python objects, which only unpickling could read: refused; save numbers")
    if stored.kind not in "biuf":
        raise ValueError(f"{name} holds {stored}, expected real numbers")
    if not shape or min(shape) < 0 or 0 in shape[1:]:
        raise ValueError(f"{name} has shape {shape}, expected (N, …) with at least one number an example")
    declared, there = prod(shape) * stored.itemsize, info.file_size - start
    if declared != there:
        raise ValueError(f"{name} has a header that declares {declared:,} bytes, but {there:,} follow it")
    made = np.dtype(np.intp) if labels and stored.kind in "biu" else dtype
    return Member(name, shape, fortran, stored, made, start)


def _header(file, name):
    try:
        return HEADERS[npformat.read_magic(file)](file)
    except zipfile.BadZipFile:
        raise
    except Exception as error:  # a hostile header gets more out of NumPy's parser than ValueError
        raise ValueError(f"{name} has no header that NumPy can read") from error
