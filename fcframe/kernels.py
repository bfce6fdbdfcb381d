"""The contract of kernels: the few operations that take most of a training step, which a plugin may provide faster."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from reprlib import repr as short
from typing import Any, ClassVar

import numpy as np

from fcframe import threads as pools
from fcframe.arrays import Array
from fcframe.events import Step

SMALL = 2**16
"""Numbers of an array that may be kept beside others of its shape."""
LARGE = 2**14
"""Numbers of a product, from which on it is worth a call that takes longer to begin."""
Update = Callable[[Array, Array, Mapping[str, Array], Step], None]
"""An elementwise optimizer's `update(w, dw, slots, step)`."""


class Kernels:
    """NumPy's own operations, from which a provider derives, to override those that it can do faster.

    A layer finds them as `ctx.kernels`, and one that never looks there works as well. All write into `out`, which
    overlaps no other argument, and return it. Arrays are float32 or float64, all of one dtype, of any strides; those
    of `rectify` and `multiply` have any number of axes, an image's four say, and the others as many as stands there.

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
    """What users call the provider."""

    def __init__(self, threads: int = 1) -> None:
        """Loads what the kernels stand on, and raises where that fails; until then a class costs nothing."""
        self.threads = threads

    @classmethod
    def lacks(cls) -> str:
        """Why the kernels cannot run on this machine, or nothing; asked often, so it loads nothing to find out."""
        return ""

    def versions(self) -> dict[str, str]:
        """What the kernels stand on, which a run writes down: the distribution → its version."""
        return {}

    def limited(self, threads: int) -> AbstractContextManager[None]:
        """Holds the pools of threads that the kernels stand on to so many, for the time of a training.

        Whoever overrides it enters `super().limited(threads)` first, and gives all back at the end.

        Raises:
            ThreadsError: It is no whole number from 1 to the cores that this process may use.

        >>> with Kernels(1).limited(1):
        ...     pools.count()
        1
        """
        return pools.limited(threads)

    def __deepcopy__(self, memo: object) -> "Kernels":
        return self  # it holds no state of a network, and perhaps libraries that cannot be copied

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.threads,)

    def matmul(self, a: Array, b: Array, out: Array) -> Array:
        """The product of matrices: out (m, n) = a (m, k) @ b (k, n)."""
        # `dot` begins sooner, and leaves a product of one row, and any strides, to BLAS, where matmul loops; but it
        # fills out with zeros before it computes, and of a large one that is a walk for nothing.
        if out.size >= LARGE and len(b) > 1 and a.flags.forc and b.flags.forc:
            return np.matmul(a, b, out)
        return a.dot(b, out)

    def multiply(self, a: Array, b: Array, out: Array) -> Array:
        """The elementwise product: out = a · b, all of one shape, with any number of axes; b may hold booleans."""
        if b.dtype.char == "?" and out is not a:  # a mask that is cast first is done sooner than on the way
            out[...] = b
            b = out
        return np.multiply(a, b, out)

    def affine(self, x: Array, W: Array, b: Array, out: Array) -> Array:
        """The product and the bias: out (N, M) = x (N, D) @ W (D, M) + b (M,)."""
        self.matmul(x, W, out)
        out += b
        return out

    def rectify(self, x: Array, out: Array, mask: Array) -> Array:
        """The activation: out = max(x, 0), and where x is greater than 0 as booleans in mask; NaN stays NaN.

        All are of one shape, with any number of axes.
        """
        zero, zeros = _zeros(x.shape if x.size <= SMALL else x.shape[-1:], x.dtype)
        np.greater(x, zero, out=mask)
        return np.maximum(x, zeros, out=out)

    def sum_rows(self, d: Array, out: Array) -> Array:
        """The bias's gradient: out (M,) = the sum of the rows of d (N, M)."""
        return _ones(len(d), d.dtype).dot(d, out)  # sooner done than a sum along the first axis

    def updates(self, update: Update, w: Array, dw: Array, slots: Mapping[str, Array]) -> Callable[[Step], bool] | None:
        """A faster way to call an elementwise optimizer on a group of parameters, or None where there is none.

        It is asked for once for each group of parameters that share their weight decay and learning-rate factor.

        Args:
            update: The optimizer's method.
            w: The parameters of the group, flat; changed in place.
            dw: Their gradients, flat.
            slots: The optimizer's slots, each as long as w; changed in place.

        Returns:
            A function of the step. It returns True where it made the update, and False where it leaves this update to
            NumPy and has changed nothing.
        """
        return None


def unsaid(returned: object, step: int) -> str:
    """What is wrong where a function of `updates` does not say whether it made a step.

    >>> unsaid(None, 1)
    'updates, step 1 returned None, and not True (done) or False (left to NumPy)'
    """
    return f"updates, step {step} returned {short(returned)}, and not True (done) or False (left to NumPy)"


@lru_cache(maxsize=64)  # of the shapes of one training
def _zeros(shape: tuple[int, ...], dtype: Any) -> tuple[Array, Array]:
    """A zero to compare with, and zeros: NumPy's maximum is fastest with an array of the same shape."""
    found = np.zeros((), dtype), np.zeros(shape, dtype)
    for array in found:
        array.flags.writeable = False
    return found


@lru_cache(maxsize=64)
def _ones(count: int, dtype: Any) -> Array:
    array = np.ones(count, dtype)
    array.flags.writeable = False
    return array


NUMPY = Kernels()
