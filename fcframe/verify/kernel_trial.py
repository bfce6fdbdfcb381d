"""What the checks of a provider of kernels are handed: its kernels, with arrays of a shape, a dtype and a layout."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from reprlib import repr as short
from typing import Any

import numpy as np

from fcframe.arrays import Array
from fcframe.components import Optimizer
from fcframe.errors import PluginError
from fcframe.kernels import Kernels, Update
from fcframe.plugins import Registry
from fcframe.providers import answer, made
from fcframe.verify import cases
from fcframe.verify.report import CheckFailure, NotApplicable
from fcframe.verify.subjects import named

SHAPES = ((0, 3, 2), (1, 1, 1), (1, 300, 130), (3, 5, 4), (33, 17, 9), (64, 100, 10), (130, 257, 129), (513, 300, 517))
"""N, D and M of products; some are odd, one row or none.

A provider may hand the small ones to NumPy and share the large ones among threads: so there are some of either.
"""
FEW = ((0, 3, 2), (1, 300, 130), (33, 17, 9), (130, 257, 129))
"""The same where the arrays lie otherwise."""
LENGTHS = (1, 1000, 150_001)
"""How many parameters are updated: few, and enough for several threads."""
AXES = (2, 1, 3)
"""How many axes the arrays of an elementwise kernel have."""


def _transposed(array: Array) -> Array:
    return np.ascontiguousarray(array.T).T


def _spread(array: Array) -> Array:
    wide = np.zeros((2 * len(array), 3 * array.shape[1]), array.dtype)
    wide[::2, ::3] = array
    return wide[::2, ::3]


def _part(array: Array) -> Array:
    wide = np.zeros((len(array) + 1, array.shape[1] + 3), array.dtype)
    wide[1:, 3:] = array
    return wide[1:, 3:]


LAYOUTS: Mapping[str, Callable[[Array], Array]] = {
    "in rows": lambda array: array,
    "transposed": _transposed,
    "spread": _spread,
    "part of a larger one": _part,
}
"""How a matrix lies in memory → the same matrix lying so."""


@dataclass(frozen=True)
class Provided:
    """A provider's kernels: an instance, or a class and the number of threads that it is made for."""

    source: Kernels | type[Kernels]
    threads: int = 1

    @cached_property
    def kernels(self) -> Kernels:
        """The instance.

        Raises:
            NotApplicable: It says itself that it cannot run here.
            CheckFailure: It should run here and cannot be loaded, or does not say whether it should.
        """
        if isinstance(self.source, Kernels):
            return self.source
        if reason := _lacking(self.source):
            raise NotApplicable(f"not usable on this machine: {reason}")
        try:
            return made(self.source, self.threads)
        except PluginError as error:
            raise CheckFailure(str(error), "`lacks` can say so before anything is loaded") from error


def _lacking(source: type[Kernels]) -> str:
    look = "`lacks` returns why the kernels cannot run on this machine, and an empty text where they can"
    reason, raised = answer(source.lacks)
    if raised:
        raise CheckFailure(f"`lacks` raised {raised}", look)
    if not isinstance(reason, str):
        raise CheckFailure(f"`lacks` returned {short(reason)}, which is no text", look)
    return " ".join(reason.split())


@dataclass(frozen=True)
class KernelTrial:
    """A provider's kernels with matrices of normal numbers, every seventh of which is 0."""

    provided: Provided
    shape: tuple[int, int, int]
    dtype: Any
    layout: str = "in rows"
    special: bool = False
    """Whether NaN and the infinities are among the numbers."""
    seed: int = 0

    def __str__(self) -> str:
        parts = ["x".join(map(str, self.shape)), np.dtype(self.dtype).name, self.layout]
        parts += ["with NaN and infinity"] if self.special else []
        return ",".join([*parts, *([] if self.provided.threads == 1 else [f"{self.provided.threads} threads"])])

    @property
    def kernels(self) -> Kernels:
        """The provider's kernels."""
        return self.provided.kernels

    @property
    def eps(self) -> float:
        """The rounding error of the dtype."""
        return float(np.finfo(self.dtype).eps)

    def matrix(self, rows: int, columns: int, name: str) -> Array:
        """A matrix, lying as the case says; another one for each name."""
        rng = np.random.default_rng([self.seed, zlib.crc32(f"{name} {self.shape}".encode())])
        array = rng.normal(size=(rows, columns)).astype(self.dtype)
        array.reshape(-1)[::7] = 0
        if self.special and array.size:
            places = rng.integers(array.size, size=3)
            array.reshape(-1)[places] = np.nan, np.inf, -np.inf
        return LAYOUTS[self.layout](array)

    def batch(self, axes: int, name: str) -> Array:
        """An array with so many axes, lying as the case says: the first has N places, and the last M."""
        N, _, M = self.shape
        if axes == 2:
            return self.matrix(N, M, name)
        found: Array = self.matrix(1, N * M, name)[0] if axes == 1 else self.matrix(N, 3 * M, name).reshape(N, 3, M)
        return found

    def empty(self, *shape: int, dtype: Any = None) -> Array:
        """An array to be written, full of what no kernel gives."""
        dtype = np.dtype(dtype or self.dtype)
        return np.full(shape, 1e30 if dtype.kind == "f" else True, dtype)


@dataclass(frozen=True)
class UpdateTrial:
    """A provider's kernels with an elementwise optimizer's text and a number of parameters."""

    provided: Provided
    name: str
    update: Update
    slots: tuple[str, ...]
    length: int
    dtype: Any
    seed: int = 0

    @property
    def kernels(self) -> Kernels:
        """The provider's kernels."""
        return self.provided.kernels

    def __str__(self) -> str:
        parts = [self.name, f"{self.length} parameters", np.dtype(self.dtype).name]
        return ",".join([*parts, *([] if self.provided.threads == 1 else [f"{self.provided.threads} threads"])])

    def drawn(self, step: int) -> Array:
        """Numbers for the step: w at 0, and then gradients with some 0, some NaN and some infinite."""
        array = np.random.default_rng([self.seed, self.length, step]).normal(size=self.length).astype(self.dtype)
        if step and self.length > 10:
            array[[0, 5]], array[-1], array[-2] = 0, np.nan, -np.inf
        return array


def provided(source: Kernels | type[Kernels], threads: int) -> list[Provided]:
    """The kernels with one thread, and with as many as there are; an instance as it is."""
    counts = [source.threads] if isinstance(source, Kernels) else sorted({1, threads})
    return [Provided(source, count) for count in counts]


def trials(given: Provided, seed: int) -> Iterator[KernelTrial]:
    """All shapes in both dtypes, a few of them in each layout, and with NaN and infinity."""
    for dtype in (np.float32, np.float64):
        yield from (KernelTrial(given, shape, dtype, seed=seed) for shape in SHAPES)
        for layout in LAYOUTS:
            yield from (KernelTrial(given, shape, dtype, layout, True, seed) for shape in FEW)
            if layout != "in rows":
                yield from (KernelTrial(given, shape, dtype, layout, False, seed) for shape in FEW)


def update_trials(given: Provided, registry: Registry, seed: int) -> Iterator[UpdateTrial]:
    """The optimizers of the registry, and texts that do what those do not, with few parameters and many."""
    texts: list[tuple[str, Update, tuple[str, ...]]] = [
        (f"{optimizer.type} {named(optimizer)}", optimizer.update, optimizer.slots())
        for kind in registry.optimizers.values()
        if not kind.per_tensor
        for optimizer in _configurations(kind, registry)
    ]
    texts += [(update.__name__.removeprefix("_"), update, slots) for update, slots in TEXTS]
    for name, update, slots in texts:
        for length in LENGTHS:
            for dtype in (np.float32, np.float64):
                yield UpdateTrial(given, name, update, slots, length, dtype, seed)


def _configurations(kind: type[Optimizer], registry: Registry) -> list[Optimizer]:
    try:
        return list(cases.configurations(kind, registry))[:4]
    except Exception:  # a check of the optimizer says so
        return []


def _by_step(w: Array, dw: Array, slots: Mapping[str, Array], step: int, learning_rate: float) -> None:
    v = slots["v"]
    if step == 1:
        v[...] = dw
    else:
        v *= 0.9
        v += 0.1 * dw
    w -= (learning_rate / step) * v


def _with_a_condition(w: Array, dw: Array, slots: Mapping[str, Array], step: int, learning_rate: float) -> None:
    w[dw > 0] -= learning_rate
    w += np.where(w > 1, -w / 2, 0)


def _with_old_values(w: Array, dw: Array, slots: Mapping[str, Array], step: int, learning_rate: float) -> None:
    old = slots["m"].copy()
    slots["m"][:] = 0.9 * old + (1 - 0.9) * dw
    slots["v"][:] = np.maximum(0.99 * slots["v"], np.abs(dw))
    w -= learning_rate * (2 * slots["m"] - old) / (slots["v"] + 1e-8) + 1e-3 * w**2


def _with_a_condition_late(w: Array, dw: Array, slots: Mapping[str, Array], step: int, learning_rate: float) -> None:
    if step == 2:
        w[dw > 0] -= learning_rate
    w -= learning_rate * dw


TEXTS: tuple[tuple[Update, tuple[str, ...]], ...] = (
    (_by_step, ("v",)),
    (_with_a_condition, ()),
    (_with_old_values, ("m", "v")),
    (_with_a_condition_late, ()),
)
"""Updates that branch, choose elements, and need what was written over."""
