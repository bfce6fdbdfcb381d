"""The contract of kernels: the few operations that take most of a training step. A plugin can provide faster ones."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from reprlib import repr as short
from typing import Any, ClassVar

import numpy as np

from fcframe import threads as pools
from fcframe.arrays import Array
from fcframe.events import Step

MAX_CACHED_ZEROS = 2**16
"""Elements of the largest array of zeros that is cached for `rectify`."""
MIN_MATMUL_OUT = 2**14
"""Elements of the output from which on `np.matmul` is faster than `ndarray.dot`, despite its longer start."""
Update = Callable[[Array, Array, Mapping[str, Array], Step], None]
"""The method `update(w, dw, slots, step)` of an elementwise optimizer."""


class Kernels:
    """Operations of a training step, computed by NumPy.

    A provider derives from this class and overrides the operations that it can compute faster.

    A layer can use them as `ctx.kernels`. Each operation writes its result into `out`, which shares no memory with the
    other arguments, and returns it. All arrays are of one dtype, float32 or float64, with any strides. The arrays of
    `rectify` and `multiply` may have any number of axes; the other methods state their shapes.

    >>> class Loud(Kernels):
    ...     name = "loud"
    ...     def matmul(self, a, b, out):
    ...         print("a product of", a.shape, "and", b.shape)
    ...         return np.matmul(a, b, out=out)
    >>> Loud().affine(np.ones((2, 3)), np.ones((3, 1)), np.zeros(1), np.empty((2, 1)))
    a product of (2, 3) and (3, 1)
    array([[3.],
           [3.]])
    """

    name: ClassVar[str] = "numpy"
    """The name of the provider, for `--kernels` and FCFRAME_KERNELS."""

    def __init__(self, threads: int = 1) -> None:
        """Imports the libraries that the kernels need; raises if that fails."""
        self.threads = threads

    @classmethod
    def lacks(cls) -> str:
        """The reason why the kernels cannot run on this machine, or "". Called often: it must not import libraries."""
        return ""

    def versions(self) -> dict[str, str]:
        """The distributions that the kernels use, each with its version; they are recorded in the run."""
        return {}

    def limited(self, threads: int) -> AbstractContextManager[None]:
        """Limits the thread pools that the kernels use to this many threads, for the duration of a training.

        An override must enter `super().limited(threads)` first, and restore all limits at the end.

        Raises:
            ThreadsError: The number is not an integer from 1 to the number of cores that this process may use.

        >>> with Kernels(1).limited(1):
        ...     pools.count()
        1
        """
        return pools.limited(threads)

    def __deepcopy__(self, memo: object) -> "Kernels":
        return self  # kernels have no state of a network, but may refer to libraries that cannot be copied

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.threads,)

    def matmul(self, a: Array, b: Array, out: Array) -> Array:
        """The matrix product: out (m, n) = a (m, k) @ b (k, n)."""
        # `dot` has less overhead, and calls BLAS for one-row products and for any strides, where `np.matmul` loops in
        # C. But `dot` fills `out` with zeros first, which costs a pass over memory when `out` is large.
        if out.size >= MIN_MATMUL_OUT and len(b) > 1 and a.flags.forc and b.flags.forc:
            return np.matmul(a, b, out)
        return a.dot(b, out)

    def multiply(self, a: Array, b: Array, out: Array) -> Array:
        """The elementwise product: out = a · b, all of one shape, with any number of axes; b may be boolean."""
        if b.dtype.char == "?" and out is not a:  # casting the mask first is faster than NumPy's mixed-dtype loop
            out[...] = b
            b = out
        return np.multiply(a, b, out)

    def affine(self, x: Array, W: Array, b: Array, out: Array) -> Array:
        """The affine map: out (N, M) = x (N, D) @ W (D, M) + b (M,)."""
        self.matmul(x, W, out)
        out += b
        return out

    def rectify(self, x: Array, out: Array, mask: Array) -> Array:
        """The rectifier: out = max(x, 0), and mask = x > 0 as booleans. NaN stays NaN.

        All arrays are of one shape, with any number of axes.
        """
        zero, zeros = _zeros(x.shape if x.size <= MAX_CACHED_ZEROS else x.shape[-1:], x.dtype)
        np.greater(x, zero, out=mask)
        return np.maximum(x, zeros, out=out)

    def sum_rows(self, d: Array, out: Array) -> Array:
        """The gradient of a bias: out (M,) = the sum over the rows of d (N, M)."""
        return _ones(len(d), d.dtype).dot(d, out)  # 1ᵀd by BLAS is faster than d.sum(axis=0)

    def updates(self, update: Update, w: Array, dw: Array, slots: Mapping[str, Array]) -> Callable[[Step], bool] | None:
        """A faster version of an elementwise optimizer's update for one group of parameters, or None.

        Called once for each group of parameters with the same weight decay and learning-rate factor.

        Args:
            update: The optimizer's method.
            w: The parameters of the group as a flat array; changed in place by the update.
            dw: Their gradients as a flat array.
            slots: The optimizer's slots, each of the same length as w; changed in place by the update.

        Returns:
            A function of the step. It returns True if it made the update, or False if it changed nothing and NumPy
            should make this update.
        """
        return None


def wrong_update_result(returned: object, step: int) -> str:
    """The message for a function from `updates` that returns neither True nor False.

    >>> wrong_update_result(None, 1)
    'updates, step 1: expected True (done) or False (left to NumPy), got None'
    """
    return f"updates, step {step}: expected True (done) or False (left to NumPy), got {short(returned)}"


@lru_cache(maxsize=64)  # more than the number of different shapes in one training
def _zeros(shape: tuple[int, ...], dtype: Any) -> tuple[Array, Array]:
    """A scalar zero and an array of zeros: `np.maximum` is fastest with an array of the same shape."""
    arrays = np.zeros((), dtype), np.zeros(shape, dtype)
    for array in arrays:
        array.flags.writeable = False
    return arrays


@lru_cache(maxsize=64)
def _ones(count: int, dtype: Any) -> Array:
    array = np.ones(count, dtype)
    array.flags.writeable = False
    return array


NUMPY = Kernels()
