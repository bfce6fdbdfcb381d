"""ctx: what a layer is given besides its input, its parameters and its cache."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from fcframe.arrays import Array as Array
from fcframe.kernels import NUMPY, Kernels


class Context:
    """What a layer or a loss is given besides its input: the mode, random numbers, running state, reusable arrays.

    This class allocates a new array for each request, so a layer that is called with a fresh context gives arrays that
    nothing else refers to. The training step passes a `ReusingContext` instead; a layer cannot tell them apart.

    Args:
        training: True in a training pass, False in an evaluation.
        rng: The only source of randomness. None in an evaluation.
        state: Running statistics by name. A layer reads `ctx.state[name]`, and in training assigns it.
        params: The parameters that `grad` makes arrays for.
        needs_input_grad: False where dx is not needed: backward may then return None for it.
        dtype: The dtype of the arrays that `empty` makes by default.
        kernels: The operations that a plugin may provide faster than NumPy.
        weights: For a loss: the examples' weights (N,), or None where all count the same.
        added_losses: The list that `add_loss` appends to; layers inside a layer share it.

    >>> ctx = Context(params={"b": np.zeros(3)})
    >>> ctx.grad("b").shape, ctx.empty("out", (2, 5)).dtype
    ((3,), dtype('float64'))
    """

    __slots__ = (
        "_params", "added_losses", "dtype", "kernels", "needs_input_grad", "rng", "state", "training", "weights",
    )  # fmt: skip

    def __init__(
        self,
        *,
        training: bool = True,
        rng: "np.random.Generator | None" = None,
        state: Mapping[str, Array] | None = None,
        params: Mapping[str, Array] | None = None,
        needs_input_grad: bool = True,
        dtype: Any = np.float64,
        kernels: Kernels = NUMPY,
        weights: Array | None = None,
        added_losses: list[float] | None = None,
    ) -> None:
        self.training = training
        self.rng: Any = rng  # a stochastic layer draws in training alone, where there is one
        self.state: Any = {} if state is None else state  # assigned in training alone, where it can be
        self.needs_input_grad = needs_input_grad
        self.dtype = np.dtype(dtype)
        self.kernels = kernels
        self.weights = weights
        self.added_losses = [] if added_losses is None else added_losses
        self._params: Mapping[str, Array] = {} if params is None else params

    def add_loss(self, value: float) -> None:
        """Adds a penalty of the layer's own to the training loss, such as one on its activations.

        The layer's `backward` adds the penalty's gradient to dx and to the parameters' gradients.
        """
        self.added_losses.append(float(value))

    def empty(self, name: str, shape: tuple[int, ...], dtype: Any = None) -> Array:
        """An array with no contents yet; the caller may hand out the same one under this name in a later step."""
        return np.empty(shape, self.dtype if dtype is None else dtype)

    def grad(self, name: str) -> Array:
        """An array of the parameter's shape and dtype, into which its gradient may be written and then returned."""
        return np.empty_like(self._params[name])

    def inner(self, names: Sequence[str]) -> "tuple[Context, ...]":
        """The contexts of layers in a row inside this layer; only the first may do without its dx, if this one may."""
        params = split(self._params, names)
        return tuple(
            Context(
                training=self.training,
                rng=self.rng,
                state=Under(self.state, name),
                params=params[index],
                needs_input_grad=self.needs_input_grad or index > 0,
                dtype=self.dtype,
                kernels=self.kernels,
                added_losses=self.added_losses,
            )
            for index, name in enumerate(names)
        )

    def inner_params(self, names: Sequence[str], params: Mapping[str, Array]) -> tuple[Mapping[str, Array], ...]:
        """What of params belongs to each of the inner layers, under the names that these know."""
        return split(params, names)


class ReusingContext(Context):
    """A context for a step that is done many times: arrays are made once and handed out again.

    Args:
        grads: The views of the flat gradient buffer, which `grad` hands out.
        context: As for `Context`.
    """

    __slots__ = ("_grads", "_inner", "_inners", "_split", "_splits", "empty", "grad")

    empty: Callable[..., Array]
    """The array of this name, shape and dtype, made on first use."""
    grad: Callable[..., Array]
    """The parameter's place in the flat gradient buffer."""

    def __init__(self, *, grads: Mapping[str, Array] | None = None, **context: Any) -> None:
        super().__init__(**context)
        self._grads: Mapping[str, Array] = {} if grads is None else grads
        # A step asks for some ten arrays: the functions of a cache and of a mapping answer without running Python.
        # The cache holds another context's method: one of its own would be a cycle, left to the garbage collector.
        self.empty = cache(Context(dtype=self.dtype).empty)
        self.grad = self._grads.__getitem__
        self._inners: dict[tuple[str, ...], tuple[Context, ...]] = {}
        self._inner: tuple[Sequence[str], tuple[Context, ...]] = (), ()
        self._splits: dict[tuple[str, ...], tuple[Mapping[str, Array], tuple[Mapping[str, Array], ...]]] = {}
        self._split: tuple[Sequence[str], Mapping[str, Array], tuple[Mapping[str, Array], ...]] = (), {}, ()

    @classmethod
    def of(cls, fresh: Context, grads: Mapping[str, Array]) -> "ReusingContext":
        """One like a fresh context, with these places for the gradients."""
        return cls(
            grads=grads,
            training=fresh.training,
            rng=fresh.rng,
            state=fresh.state,
            params=fresh._params,
            needs_input_grad=fresh.needs_input_grad,
            dtype=fresh.dtype,
            kernels=fresh.kernels,
            added_losses=fresh.added_losses,
        )

    def inner(self, names: Sequence[str]) -> tuple[Context, ...]:
        """As for `Context`; made once for the same names."""
        asked, made = self._inner
        if asked is not names:  # most layers hold one chain at most, which asks with the same names in every step
            if (key := tuple(names)) not in self._inners:
                pairs = zip(super().inner(key), split(self._grads, key), strict=True)
                self._inners[key] = tuple(ReusingContext.of(fresh, grads) for fresh, grads in pairs)
            made = self._inners[key]
            self._inner = key, made  # a list is not kept: it may hold other names the next time
        return made

    def inner_params(self, names: Sequence[str], params: Mapping[str, Array]) -> tuple[Mapping[str, Array], ...]:
        """As for `Context`; made once for the same names and params."""
        asked, given, made = self._split
        if asked is not names or given is not params:
            key = tuple(names)
            if key not in self._splits or self._splits[key][0] is not params:
                self._splits[key] = params, split(params, names)
            made = self._splits[key][1]
            self._split = key, params, made
        return made


class Under(MutableMapping[str, Array]):
    """A mapping's items whose names start with `name.`, under the rest of their names; reads and writes through."""

    def __init__(self, mapping: Any, name: str) -> None:
        self._mapping = mapping
        self._prefix = f"{name}."

    def __getitem__(self, name: str) -> Array:
        array: Array = self._mapping[self._prefix + name]
        return array

    def __setitem__(self, name: str, value: Array) -> None:
        self._mapping[self._prefix + name] = value

    def __delitem__(self, name: str) -> None:
        raise TypeError("running state is assigned, never deleted")

    def __iter__(self) -> Iterator[str]:
        return (name.removeprefix(self._prefix) for name in self._mapping if name.startswith(self._prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def split(arrays: Mapping[str, Array], names: Sequence[str]) -> tuple[dict[str, Array], ...]:
    """Sorts arrays by the first part of their dotted names, in one pass.

    >>> split({"affine1.b": np.zeros(2), "relu.a": np.zeros(1)}, ["affine1", "tanh1"])
    ({'b': array([0., 0.])}, {})
    """
    parts: dict[str, dict[str, Array]] = {name: {} for name in names}
    for key, array in arrays.items():
        name, _, rest = key.partition(".")
        if name in parts:
            parts[name][rest] = array
    return tuple(parts[name] for name in names)
