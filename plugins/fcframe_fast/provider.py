"""The provider: which operations go to MKL and to compiled loops, and which stay NumPy's."""

import importlib.metadata
import os
import platform
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from fcframe import Kernels

LARGE = 2**12
"""Numbers in an array, from which on a compiled loop is worth its call."""
MANY = 2**16
"""Parameters, from which on an update in one pass is worth writing down what it does, in each step."""
OPENMP = "libgomp.so.1"


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

        self._pool = None
        if with_mkl():
            from fcframe_fast import blas, pool

            threads, self._pool = pool.opened(threads), pool
            self.matmul = blas.Products(threads).matmul
        super().__init__(threads)
        self._alone, self._shared, self._update_of = loops.ALONE, loops.SHARED, updates.update_of

    @classmethod
    def lacks(cls):
        """Why the kernels cannot run on this machine, or nothing."""
        missing = [name for name in needed() if not _installed(name)]
        if missing:
            return f"{' and '.join(missing)} not installed; the extra fcframe[fast] brings what is missing"
        if with_mkl() and not _openmp():
            return f"the system has no GNU OpenMP, {OPENMP}: install libgomp1 (Debian) or libgomp (Fedora)"
        return ""

    def versions(self):
        """What the kernels stand on."""
        return {name: importlib.metadata.version(name) for name in needed()}

    @contextmanager
    def limited(self, threads):
        """So many threads for MKL and the loops in the block, and one for OpenBLAS beside them."""
        if self._pool is None:
            with super().limited(threads):
                yield
            return
        with super().limited(threads), self._pool.limited(threads) as count:
            before, self.threads = self.threads, count
            try:
                yield
            finally:
                self.threads = before

    @property
    def _loops(self):
        return self._alone if self._pool is None or self.threads == 1 else self._shared

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
            return Kernels.rectify(self, x, out, mask)  # begun sooner than through super()
        self._loops.rectify(x.reshape(-1), out.reshape(-1), mask.reshape(-1), self.threads)
        return out

    def multiply(self, a, b, out):
        """The elementwise product."""
        if a.size < LARGE or not _alike(a, out, b):
            return Kernels.multiply(self, a, b, out)
        self._loops.multiply(a.reshape(-1), b.reshape(-1), out.reshape(-1), self.threads)
        return out

    def updates(self, update, w, dw, slots):
        """The update of everything in one pass, if there are enough parameters and its text can be traced."""
        if w.size < MANY or not _alike(w, dw, *slots.values()):
            return None
        return self._update_of(update, w, dw, slots, self._run)

    def _run(self, *arguments):
        self._loops.update(*arguments, self.threads)


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


@cache  # it is asked often
def _openmp():
    """Whether the system has GNU OpenMP: looked for, and not loaded."""
    from ctypes.util import find_library  # only where it is asked

    folders = [*os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep), f"{sys.prefix}/lib", f"{sys.base_prefix}/lib"]
    return any((Path(folder) / OPENMP).exists() for folder in folders if folder) or bool(find_library("gomp"))


def _installed(name):
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
