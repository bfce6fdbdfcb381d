"""One array of an npz file: first what its header declares, then its rows, a chunk at a time."""

import io
import zipfile
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npformat

CHUNK = 2**22
"""Bytes that are read before they are put in place, if one example has no more."""
PIECE = 2**20
"""Bytes that the archive is asked for at a time."""
MAX_HEADER = 10_000
"""Bytes of a header; NumPy refuses longer ones too, but reads them first."""
HEADERS = {(1, 0): (2, npformat.read_array_header_1_0), (2, 0): (4, npformat.read_array_header_2_0)}
"""By version: how many bytes hold the header's length, and what reads it."""


class Member(NamedTuple):
    """An array of real numbers in an npz file, of which nothing but the header is in memory."""

    name: str
    """What messages call it."""
    file: str
    """What the archive calls it."""
    shape: tuple[int, ...]
    fortran: bool
    stored: np.dtype
    made: np.dtype
    start: int
    """Where in the member the numbers begin."""

    @property
    def bytes(self):
        """The memory that the array takes."""
        return prod(self.shape) * self.made.itemsize

    @property
    def beside(self):
        """The memory that is needed beside the array while it is read, give or take a chunk."""
        return self._slice if self._slice > CHUNK else 0

    @property
    def _slice(self):
        """Bytes of what is read whole: an example, or where the first axis runs fastest, one index of the last axis."""
        return prod(self.shape[:-1] if self.fortran else self.shape[1:]) * self.stored.itemsize

    def read(self, archive, order, out=None):
        """The array with row i at order[i], in `out` if that is given."""
        out = np.empty(self.shape, self.made) if out is None else out
        # Fortran order is C order of the axes in reverse: then the last axis is read index by index
        target = out.T if self.fortran else out
        step = max(1, CHUNK // self._slice) if self._slice else 1
        buffer = np.empty(min(step, max(1, len(target))) * self._slice, np.uint8)
        with archive.open(self.file) as file, np.errstate(over="ignore"):  # inf is for training to refuse
            file.read(self.start)
            for first in range(0, len(target), step):
                count = min(step, len(target) - first)
                content = buffer[: count * self._slice]
                self._fill(file, content)
                numbers = content.view(self.stored).reshape(count, *target.shape[1:])
                if self.fortran:
                    target[first : first + count][..., order] = numbers
                else:
                    target[order[first : first + count]] = numbers
            file.read(1)  # at its end the archive checks the sum
        return out

    def _fill(self, file, content):
        for start in range(0, len(content), PIECE):
            piece = content[start : start + PIECE]
            found = file.read(len(piece))
            if len(found) < len(piece):
                raise ValueError(f"{self.name} ends too early")
            piece[:] = np.frombuffer(found, np.uint8)


def member(archive, name, file, dtype, *, labels):
    """The array of that name, to be made in `dtype`; labels that are integers or booleans stay integers.

    Raises:
        ValueError: It does not hold real numbers, or its header does not fit the bytes that follow.
    """
    info = archive.getinfo(file)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in a way that NumPy does not use")
    with archive.open(info) as content:
        shape, fortran, stored = _header(content, name)
        start = content.tell()
    if stored.hasobject:
        raise ValueError(f"{name} holds Python objects, which only unpickling could read: refused; save numbers")
    if stored.kind not in "biuf":
        raise ValueError(f"{name} holds {stored}, expected real numbers{_remedy(stored, labels)}")
    if not shape or min(shape) < 0 or 0 in shape[1:]:
        raise ValueError(f"{name} has shape {shape}, expected (N, …) with at least one number an example")
    declared, there = prod(shape) * stored.itemsize, info.file_size - start
    if declared != there:
        raise ValueError(f"{name} has a header that declares {declared:,} bytes, but {there:,} follow it")
    made = np.dtype(np.intp) if labels and stored.kind in "biu" else np.dtype(dtype)
    return Member(name, file, shape, fortran and len(shape) > 1, stored, made, start)


def _remedy(stored, labels):
    return (
        "; number the classes: names, y = np.unique(y, return_inverse=True)" if labels and stored.kind in "US" else ""
    )


def _header(file, name):
    """(shape, whether in Fortran order, dtype), read once its length is known to be small."""
    start = file.read(npformat.MAGIC_LEN)
    try:
        size, parse = HEADERS[npformat.read_magic(io.BytesIO(start))]
    except (ValueError, KeyError) as error:
        raise ValueError(f"{name} has no header that NumPy can read") from error
    length = file.read(size)
    count = int.from_bytes(length, "little")
    if count > MAX_HEADER:
        raise ValueError(f"{name} has a header of {count:,} bytes, expected at most {MAX_HEADER:,}")
    content = file.read(count)
    try:
        return parse(io.BytesIO(length + content))
    except Exception as error:  # a hostile header gets more out of NumPy's parser than ValueError
        raise ValueError(f"{name} has no header that NumPy can read") from error
