"""The provider: which operations MKL and compiled loops do, and which NumPy does."""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace

from fcframe import Array, Kernels, Step

Update = Callable[[Array, Array, Mapping[str, Array], Step], None]
"""An elementwise optimizer's method."""

MIN_ELEMENTS = 2**12
"""Elements of an array, below which NumPy is faster than the call of a compiled loop."""
MIN_PARAMETERS = 2**16
"""Parameters of a group, below which NumPy updates them faster than each step's trace takes."""
OPENMP = "libgomp.so.1"


class Fast(Kernels):
    """Updates, activations and masks by compiled loops, and on Intel's processors matrix products by MKL.

    MKL and the loops share one thread pool. On other processors NumPy's OpenBLAS computes the products, which is as
    fast there or faster, and the loops use one thread, so that OpenBLAS's thread pool is the only one. Small arrays
    are left to NumPy everywhere.

    Args:
        threads: How many they may use.

    Raises:
        ImportError: Something that they need cannot be loaded; the message says what.
        OSError: As ImportError, for libraries.
    """

    name = "fast"

    def __init__(self, threads: int = 1) -> None:
        from fcframe_fast import loops, pool, updates  # imports Numba, only where the kernels are used

        self._pool = pool if with_mkl() else None
        if self._pool is not None:
            from fcframe_fast import blas

            threads = pool.opened(threads)
            self.matmul = blas.Products(threads).matmul  # type: ignore[method-assign]
        super().__init__(threads)
        self._alone, self._shared, self._update_of = loops.ALONE, loops.SHARED, updates.update_of

    @classmethod
    def lacks(cls) -> str:
        """Why the kernels cannot run on this machine, or nothing."""
        missing = [name for name in needed() if not _installed(name)]
        if missing:
            return f"{' and '.join(missing)} not installed; the extra fcframe[fast] brings what is missing"
        if with_mkl() and not _openmp():
            return f"the system has no GNU OpenMP, {OPENMP}: install libgomp1 (Debian) or libgomp (Fedora)"
        return ""

    def versions(self) -> dict[str, str]:
        """What the kernels stand on."""
        return {name: importlib.metadata.version(name) for name in needed()}

    @contextmanager
    def limited(self, threads: int) -> Iterator[None]:
        """Limits MKL and the loops to that many threads in the block, and OpenBLAS beside them to one."""
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
    def _loops(self) -> SimpleNamespace:
        return self._alone if self._pool is None or self.threads == 1 else self._shared

    def affine(self, x: Array, W: Array, b: Array, out: Array) -> Array:
        """The product and the bias."""
        self.matmul(x, W, out)
        if out.size < MIN_ELEMENTS or not _alike(out, b):
            out += b
        else:
            self._loops.add_rows(out, b, self.threads)
        return out

    def rectify(self, x: Array, out: Array, mask: Array) -> Array:
        """The activation and its mask, in one pass."""
        if x.size < MIN_ELEMENTS or not _alike(x, out, mask):
            return Kernels.rectify(self, x, out, mask)  # faster than super()
        self._loops.rectify(x.reshape(-1), out.reshape(-1), mask.reshape(-1), self.threads)
        return out

    def multiply(self, a: Array, b: Array, out: Array) -> Array:
        """The elementwise product."""
        if a.size < MIN_ELEMENTS or not _alike(a, out, b):
            return Kernels.multiply(self, a, b, out)
        self._loops.multiply(a.reshape(-1), b.reshape(-1), out.reshape(-1), self.threads)
        return out

    def updates(self, update: Update, w: Array, dw: Array, slots: Mapping[str, Array]) -> Callable[[Step], bool] | None:
        """The update of a group in one pass, if it has enough parameters and the optimizer can be traced."""
        if w.size < MIN_PARAMETERS or not _alike(w, dw, *slots.values()):
            return None
        return self._update_of(update, w, dw, dict(slots), self._run)

    def _run(self, address: int, numbers: int, places: int, length: int) -> None:
        self._loops.update(address, numbers, places, length, self.threads)


def with_mkl() -> bool:
    """Whether this machine has a processor that MKL is made for, and a system that its wheel is."""
    if platform.machine().lower() not in ("x86_64", "amd64") or not sys.platform.startswith("linux"):
        return False
    try:
        return "GenuineIntel" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def needed() -> tuple[str, ...]:
    """The distributions that the kernels stand on here."""
    return ("mkl", "numba") if with_mkl() else ("numba",)


def _alike(first: Array, *others: Array) -> bool:
    """Whether the loops take the arrays: contiguous, and of one dtype that they know."""
    known = first.dtype.char in "fd" and all(array.dtype.char in (first.dtype.char, "?") for array in others)
    return known and first.flags.c_contiguous and all(array.flags.c_contiguous for array in others)


@cache  # it is asked often
def _openmp() -> bool:
    """Whether the system has GNU OpenMP: looked for, and not loaded."""
    from ctypes.util import find_library  # only where it is asked

    folders = [*os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep), f"{sys.prefix}/lib", f"{sys.base_prefix}/lib"]
    return any((Path(folder) / OPENMP).exists() for folder in folders if folder) or bool(find_library("gomp"))


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
