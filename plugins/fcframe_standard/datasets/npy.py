"""Reads one array of an npz file: first its header, then its rows in chunks."""

import io
import zipfile
from collections.abc import Callable
from math import prod
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npformat

from fcframe import Array, Shape

Header = tuple[Shape, bool, np.dtype[Any]]
"""(shape, whether in Fortran order, dtype)."""

CHUNK = 2**22
"""Bytes that are read before they are copied into the array; more if one example has more."""
PIECE = 2**20
"""Bytes that are requested from the archive at a time."""
MAX_HEADER = 10_000
"""Largest size of a header in bytes; NumPy refuses longer ones too, but only after reading them."""
HEADERS: dict[tuple[int, int], tuple[int, Callable[[IO[bytes]], Header]]] = {
    (1, 0): (2, npformat.read_array_header_1_0),
    (2, 0): (4, npformat.read_array_header_2_0),
}
"""By version: the number of bytes of the header's length, and the function that reads the header."""


class Member(NamedTuple):
    """An array of real numbers in an npz file, of which only the header has been read."""

    name: str
    """Its name in messages."""
    file: str
    """Its name in the archive."""
    shape: tuple[int, ...]
    fortran: bool
    stored: np.dtype[Any]
    made: np.dtype[Any]
    start: int
    """Offset of the numbers in the member, in bytes."""

    @property
    def nbytes(self) -> int:
        """The memory of the array."""
        return prod(self.shape) * self.made.itemsize

    @property
    def beside(self) -> int:
        """The memory that is needed besides the array while it is read, up to one chunk."""
        return self._slice if self._slice > CHUNK else 0

    @property
    def _slice(self) -> int:
        """Bytes that are read as a whole: an example, or, in Fortran order, one index of the last axis."""
        return prod(self.shape[:-1] if self.fortran else self.shape[1:]) * self.stored.itemsize

    def read(self, archive: zipfile.ZipFile, order: Array, out: Array | None = None) -> Array:
        """Reads the array, with row i at out[order[i]]; `out` is allocated by default."""
        out = np.empty(self.shape, self.made) if out is None else out
        # Fortran order is C order with the axes reversed: then the last axis is read index by index
        target = out.T if self.fortran else out
        step = max(1, CHUNK // self._slice) if self._slice else 1
        buffer = np.empty(min(step, max(1, len(target))) * self._slice, np.uint8)
        with archive.open(self.file) as file, np.errstate(over="raise"):
            file.read(self.start)
            for first in range(0, len(target), step):
                count = min(step, len(target) - first)
                content = buffer[: count * self._slice]
                self._fill(file, content)
                numbers = content.view(self.stored).reshape(count, *target.shape[1:])
                try:
                    if self.fortran:
                        target[first : first + count][..., order] = numbers
                    else:
                        target[order[first : first + count]] = numbers
                except FloatingPointError:
                    raise ValueError(self._too_large(numbers, first)) from None
            file.read(1)  # at the end of the member, zipfile compares the checksum
        return out

    def _too_large(self, numbers: Array, first: int) -> str:
        """The message for numbers that are infinite in the dtype that is made; `first` is the place of the first."""
        largest = float(np.finfo(self.made).max)
        index = tuple(map(int, np.argwhere((np.abs(numbers) > largest) & np.isfinite(numbers))[0]))
        place = (first + index[0], *index[1:])
        row, *rest = place[::-1] if self.fortran else place
        number = f"number {rest} of the row" if rest else "the row"
        limit = f"{self.made} holds numbers up to {largest:.1e}"
        return f"row {row} of {self.name}: {number} is {numbers[index]:g}; {limit}"

    def _fill(self, file: IO[bytes], content: Array) -> None:
        for start in range(0, len(content), PIECE):
            piece = content[start : start + PIECE]
            found = file.read(len(piece))
            if len(found) < len(piece):
                raise ValueError(f"{self.name} ends too early")
            piece[:] = np.frombuffer(found, np.uint8)


def member(archive: zipfile.ZipFile, name: str, file: str, dtype: np.dtype[Any], *, labels: bool) -> Member:
    """The array of that name, to be read as `dtype`; labels that are integers or booleans are read as integers.

    Raises:
        ValueError: It does not hold real numbers, or its header does not fit the bytes that follow.
    """
    info = archive.getinfo(file)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed with a method that NumPy does not use")
    with archive.open(info) as content:
        shape, fortran, stored = _header(content, name)
        start = content.tell()
    if stored.hasobject:
        raise ValueError(
            f"{name} holds Python objects, which are refused because reading them means unpickling; save numbers"
        )
    if stored.kind not in "biuf":
        raise ValueError(f"{name} holds {stored}, expected real numbers{_remedy(stored, labels)}")
    if not shape or min(shape) < 0 or 0 in shape[1:]:
        raise ValueError(f"{name} has shape {shape}, expected (N, …) with at least one number per example")
    declared, there = prod(shape) * stored.itemsize, info.file_size - start
    if declared != there:
        raise ValueError(f"{name} has a header that declares {declared:,} bytes, but {there:,} follow it")
    made = np.dtype(np.intp) if labels and stored.kind in "biu" else np.dtype(dtype)
    return Member(name, file, shape, fortran and len(shape) > 1, stored, made, start)


def _remedy(stored: np.dtype[Any], labels: bool) -> str:
    return (
        "; number the classes: names, y = np.unique(y, return_inverse=True)" if labels and stored.kind in "US" else ""
    )


def _header(file: IO[bytes], name: str) -> Header:
    """The header, which is read only if it is short."""
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
    except Exception as error:  # NumPy's parser raises other errors than ValueError for a crafted header
        raise ValueError(f"{name} has no header that NumPy can read") from error
