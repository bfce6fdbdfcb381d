"""The context `ctx` that every forward, backward and loss receives."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from fcframe.arrays import Array as Array
from fcframe.kernels import NUMPY, Kernels


class Context:
    """The mode, random numbers, running state and work arrays that a layer or a loss receives besides its input.

    This class allocates a new array for each request. The training step passes a `ReusingContext` instead, which hands
    out the same arrays in every step; a layer does not need to know which of the two it received.

    Args:
        training: True in a training pass, False in an evaluation.
        rng: The only source of randomness. None in an evaluation.
        state: Running statistics by name. A layer reads `ctx.state[name]`; in training it may also assign it.
        params: The parameters for whose gradients `grad` makes arrays.
        needs_input_grad: False if dx is not needed; backward may then return None for it.
        dtype: The default dtype of the arrays that `empty` makes.
        kernels: The operations that a plugin can provide in a faster version than NumPy's.
        weights: For a loss: the example weights (N,), or None if all examples have the same weight.
        added_losses: The list to which `add_loss` appends; inner layers use the same list.

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
        self.rng: Any = rng  # Any, not Optional: stochastic layers draw only in training, where it is never None
        self.state: Any = {} if state is None else state  # Any: layers assign it only in training, where it is mutable
        self.needs_input_grad = needs_input_grad
        self.dtype = np.dtype(dtype)
        self.kernels = kernels
        self.weights = weights
        self.added_losses = [] if added_losses is None else added_losses
        self._params: Mapping[str, Array] = {} if params is None else params

    def add_loss(self, value: float) -> None:
        """Adds a penalty to the training loss, for example on the layer's activations.

        The layer's `backward` must add the gradient of the penalty to dx and to the gradients of the parameters.
        """
        self.added_losses.append(float(value))

    def empty(self, name: str, shape: tuple[int, ...], dtype: Any = None) -> Array:
        """An uninitialized array. A later call with the same name may return the same array."""
        return np.empty(shape, self.dtype if dtype is None else dtype)

    def grad(self, name: str) -> Array:
        """An uninitialized array of the parameter's shape and dtype, for its gradient."""
        return np.empty_like(self._params[name])

    def inner(self, names: Sequence[str]) -> "tuple[Context, ...]":
        """The contexts of the inner layers, which form a sequence; all but the first always need dx."""
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
        """The parameters of each inner layer, under the names that the inner layer uses."""
        return split(params, names)


class ReusingContext(Context):
    """A context for repeated steps: each array is allocated once and handed out again in every step.

    Args:
        grads: The views of the flat gradient buffer that `grad` returns.
        context: The arguments of `Context`.
    """

    __slots__ = ("_grads", "_inner", "_inners", "_split", "_splits", "empty", "grad")

    empty: Callable[..., Array]
    """The array with this name, shape and dtype, allocated on first use."""
    grad: Callable[..., Array]
    """The parameter's view of the flat gradient buffer."""

    def __init__(self, *, grads: Mapping[str, Array] | None = None, **context: Any) -> None:
        super().__init__(**context)
        self._grads: Mapping[str, Array] = {} if grads is None else grads
        # A step asks for about ten arrays. `functools.cache` and `dict.__getitem__` run in C, without Python code.
        # The cache wraps the method of another context: with this one's, the context would refer to itself, and its
        # arrays would be freed only by the garbage collector.
        self.empty = cache(Context(dtype=self.dtype).empty)
        self.grad = self._grads.__getitem__
        self._inners: dict[tuple[str, ...], tuple[Context, ...]] = {}
        self._inner: tuple[Sequence[str], tuple[Context, ...]] = (), ()
        self._splits: dict[tuple[str, ...], tuple[Mapping[str, Array], tuple[Mapping[str, Array], ...]]] = {}
        self._split: tuple[Sequence[str], Mapping[str, Array], tuple[Mapping[str, Array], ...]] = (), {}, ()

    @classmethod
    def of(cls, fresh: Context, grads: Mapping[str, Array]) -> "ReusingContext":
        """A reusing context with the same settings as a fresh one, and these arrays for the gradients."""
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
        last_names, contexts = self._inner
        if last_names is not names:  # most layers have one chain at most, which passes the same tuple in every step
            if (key := tuple(names)) not in self._inners:
                pairs = zip(super().inner(key), split(self._grads, key), strict=True)
                self._inners[key] = tuple(ReusingContext.of(fresh, grads) for fresh, grads in pairs)
            contexts = self._inners[key]
            self._inner = key, contexts  # key, not names: a list could be changed before the next call
        return contexts

    def inner_params(self, names: Sequence[str], params: Mapping[str, Array]) -> tuple[Mapping[str, Array], ...]:
        """As for `Context`; made once for the same names and params."""
        last_names, last_params, parts = self._split
        if last_names is not names or last_params is not params:
            key = tuple(names)
            if key not in self._splits or self._splits[key][0] is not params:
                self._splits[key] = params, split(params, names)
            parts = self._splits[key][1]
            self._split = key, params, parts
        return parts


class Under(MutableMapping[str, Array]):
    """A view of those items of a mapping whose names start with `name.`; this prefix is left out of the keys."""

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
    """Groups arrays by the first part of their dotted names.

    >>> split({"affine1.b": np.zeros(2), "relu.a": np.zeros(1)}, ["affine1", "tanh1"])
    ({'b': array([0., 0.])}, {})
    """
    parts: dict[str, dict[str, Array]] = {name: {} for name in names}
    for key, array in arrays.items():
        name, _, rest = key.partition(".")
        if name in parts:
            parts[name][rest] = array
    return tuple(parts[name] for name in names)
