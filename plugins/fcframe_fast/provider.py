"""The provider: which operations go to MKL and to compiled loops, and which stay NumPy's."""

import ctypes
import importlib.metadata
import platform
import sys
from pathlib import Path

from fcframe import Kernels

LARGE = 2**12
"""Numbers in an array, from which on a compiled loop is worth its call."""
MANY = 2**16
"""Parameters, from which on an update in one pass is worth writing down what it does, in each step."""


class Fast(Kernels):
    """Updates, activations and masks by compiled loops, and on Intel's processors products by MKL.

    MKL and the loops share one pool of threads. Elsewhere products stay with NumPy's OpenBLAS, which is as fast there
    and faster, and the loops are done in one thread, beside whose pool there is no other. What is too small to gain
    stays NumPy's everywhere.

    Args:
        threads: How many they may use.

    Raises:
        ImportError, OSError: Something that it stands on cannot be loaded; says what.
    """

    name = "fast"

    def __init__(self, threads=1):
        from fcframe_fast import loops, updates  # Numba, which nobody waits for before the kernels are wanted

        if with_mkl():
            from fcframe_fast import blas, pool, shared

            threads = pool.opened(threads)
            loops = loops if threads == 1 else shared
            self.matmul = blas.Products(threads).matmul
        super().__init__(threads)
        self._loops, self._run = loops, getattr(loops, "update", updates.alone)
        self._update_of = updates.update_of

    @classmethod
    def lacks(cls):
        """Why the kernels cannot run on this machine, or nothing."""
        missing = [name for name in needed() if not _installed(name)]
        if missing:
            return f"{' and '.join(missing)} not installed; the extra fcframe[fast] brings what is missing"
        try:
            ctypes.CDLL("libgomp.so.1" if with_mkl() else None)
        except OSError:
            return "the system has no GNU OpenMP, libgomp.so.1: install libgomp1 (Debian) or libgomp (Fedora)"
        return ""

    def versions(self):
        """What the kernels stand on."""
        return {name: importlib.metadata.version(name) for name in needed()}

    def affine(self, x, W, b, out):
        """The product and the bias."""
        self.matmul(x, W, out)
        if out.size < LARGE or not _alike(out, b):
            out += b
        else:
            self._loops.add_rows(out, b, self.threads)
        return out

    def rectify(self, x, out, mask):
        """The activation and its mask, in one pass."""
        if x.size < LARGE or not _alike(x, out, mask):
            return super().rectify(x, out, mask)
        self._loops.rectify(x.reshape(-1), out.reshape(-1), mask.reshape(-1), self.threads)
        return out

    def multiply(self, a, b, out):
        """The elementwise product."""
        if a.size < LARGE or not _alike(a, out, b):
            return super().multiply(a, b, out=out)
        self._loops.multiply(a.reshape(-1), b.reshape(-1), out.reshape(-1), self.threads)
        return out

    def updates(self, update, w, dw, slots):
        """The update of everything in one pass, if there are enough parameters and its text can be traced."""
        if w.size < MANY or not _alike(w, dw, *slots.values()):
            return None
        return self._update_of(update, w, dw, slots, self._run, self.threads)


def with_mkl():
    """Whether this machine has a processor that MKL is made for, and a system that its wheel is."""
    if platform.machine().lower() not in ("x86_64", "amd64") or not sys.platform.startswith("linux"):
        return False
    try:
        return "GenuineIntel" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def needed():
    """The distributions that the kernels stand on here."""
    return ("mkl", "numba") if with_mkl() else ("numba",)


def _alike(first, *others):
    """Whether the loops take the arrays: stored one number after the other, and of a dtype that they know."""
    known = first.dtype.char in "fd" and all(array.dtype.char in (first.dtype.char, "?") for array in others)
    return known and first.flags.c_contiguous and all(array.flags.c_contiguous for array in others)


def _installed(name):
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
