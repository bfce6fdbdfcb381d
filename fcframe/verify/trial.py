"""A layer in one case: its arrays drawn, and its passes called as the framework calls them."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from fcframe.components import Component, Layer, Params, Shape
from fcframe.context import Array, Context, ReusingContext
from fcframe.kernels import NUMPY, Kernels
from fcframe.verify.seeds import Start


@dataclass(frozen=True)
class Case:
    """One situation in which a layer is checked."""

    layer: Layer
    input_shape: Shape
    N: int = 3
    training: bool = True
    values: str = "gaussian"
    """What x is drawn from: a name of VALUES."""
    seed: int = 0
    kernels: Kernels = NUMPY

    def __str__(self) -> str:
        """A name that tells the case from others, for people and for pytest's -k."""
        shape = "x".join(str(size) for size in self.input_shape)
        parts = [*unusual_fields(self.layer), f"x={self.N}x{shape}"]
        parts += [] if self.values == "gaussian" else [self.values]
        parts += [] if self.training else ["evaluation"]
        return ",".join(parts)


def unusual_fields(component: Component) -> list[str]:
    """The fields that are not at their defaults, as a case's name shows them: "beta=2.3"."""
    shown = component.model_dump(mode="json", exclude_defaults=True)
    return [f"{name}={_short(value)}" for name, value in shown.items() if name != "type"]


def _short(value: Any) -> str:
    if isinstance(value, dict) and "type" in value:
        fields = ",".join(f"{name}={_short(item)}" for name, item in value.items() if name != "type")
        return f"{value['type']}({fields})" if fields else str(value["type"])
    if isinstance(value, list):
        return "+".join(_short(item) for item in value)
    return str(value)


def _ties(rng: np.random.Generator, shape: Shape) -> Array:
    """Exact zeros, exact ties, and ones of either sign."""
    return rng.choice([-1.0, 0.0, 0.0, 0.5, 0.5, 1.0], size=shape)


VALUES: Mapping[str, Callable[[np.random.Generator, Shape], Array]] = {
    "gaussian": lambda rng, shape: rng.normal(size=shape),
    "ties": _ties,
    "nought": lambda _rng, shape: np.zeros(shape),
    "tiny": lambda rng, shape: 1e-6 * rng.normal(size=shape),
    "large": lambda rng, shape: 1e3 * rng.normal(size=shape),
}


@dataclass
class Pass:
    """What a forward and a backward gave, and the context they were given."""

    out: Array
    cache: tuple[Any, ...]
    ctx: Context
    state: dict[str, Array] = field(default_factory=dict)
    """The running state after the pass."""


def held(layer: Layer) -> Iterator[Layer]:
    """The layer, and all layers that its fields hold, however deep."""
    yield layer
    for name in type(layer).model_fields:
        value = getattr(layer, name)
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(item, Layer):
                yield from held(item)


class Trial:
    """A layer with the arrays of a case. Parameters are drawn around their start, so that none is left at 0 or 1.

    The running state is one that training reaches. dout is drawn twice, of x and of out independent, and it is not
    constant: a constant one makes the true gradient of softmax and of batch normalization zero, and proves nothing.
    """

    def __init__(self, case: Case, dtype: Any = np.float64) -> None:
        self.case, self.layer, self.dtype = case, case.layer, np.dtype(dtype)
        self.independent = all(inner.examples_independent for inner in held(self.layer))
        self.stochastic = any(inner.stochastic for inner in held(self.layer))
        self.follows = all(inner.state_follows_minibatch for inner in held(self.layer))
        rng = np.random.default_rng([case.seed, zlib.crc32(f"{self.layer.type} {case}".encode())])
        self.params = {
            name: (parameter.initializer.sample(parameter.shape, rng) + 0.5 * rng.normal(size=parameter.shape))
            for name, parameter in self.layer.parameters(case.input_shape).items()
        }
        self.x = VALUES[case.values](rng, (case.N, *case.input_shape))
        self.params = {name: self._as_seen(array) for name, array in self.params.items()}
        self.x = self._as_seen(self.x)
        self._start = Start(int(rng.integers(2**32)))
        self.state = {
            name: parameter.initializer.sample(parameter.shape, rng).astype(self.dtype)
            for name, parameter in self.layer.state(case.input_shape).items()
        }
        for _ in range(2 if self.state else 0):
            ctx = self.context(training=True)
            self.layer.forward(self._as_seen(rng.normal(0.3, 1.2, size=(4, *case.input_shape))), self.params, ctx)
            self.state = {name: np.array(ctx.state[name], self.dtype) for name in self.state}
        shape = (case.N, *self.layer.output_shape(case.input_shape))
        self.douts = [self._as_seen(rng.normal(size=shape)) for _ in range(2)]
        self.rng = rng

    def _as_seen(self, array: Array) -> Array:
        """In the trial's dtype, with values that float32 can hold: so the same case can be seen in both."""
        return np.asarray(array).astype(np.float32).astype(self.dtype)

    def at(self, **changes: Any) -> "Trial":
        """A trial of the same layer in another case."""
        return Trial(replace(self.case, **changes), self.dtype)

    def context(self, *, training: bool | None = None, needs_input_grad: bool = True, **more: Any) -> Context:
        """A fresh context: a copy of the state, and the same randomness every time."""
        return Context(
            training=self.case.training if training is None else training,
            rng=self._start.generator(),
            state={name: array.copy() for name, array in self.state.items()},
            params=self.params,
            needs_input_grad=needs_input_grad,
            dtype=self.dtype,
            kernels=self.case.kernels,
            **more,
        )

    def reusing_context(self) -> ReusingContext:
        """A context as the solver's, with places for the gradients."""
        grads = {name: np.zeros_like(array) for name, array in self.params.items()}
        return ReusingContext.of(self.context(), grads)

    def forward(
        self, x: Array | None = None, params: Mapping[str, Array] | None = None, ctx: Context | None = None
    ) -> Pass:
        """The layer's forward, on the trial's arrays unless others are given."""
        ctx = self.context() if ctx is None else ctx
        x = self.x.copy() if x is None else x  # a layer that changes what it is given fails one check, not all
        params = {name: array.copy() for name, array in self.params.items()} if params is None else params
        out, cache = self.layer.forward(x, params, ctx)
        return Pass(out, cache, ctx, {name: ctx.state[name] for name in self.state})

    def backward(self, dout: Array | None = None, forward: Pass | None = None) -> tuple[Array | None, Any]:
        """The layer's backward after a forward of the trial."""
        forward = self.forward() if forward is None else forward
        return self.layer.backward(self.douts[0].copy() if dout is None else dout, forward.cache, forward.ctx)

    def gradients(self, dout: Array, forward: Pass | None = None) -> dict[str, Array]:
        """All gradients by name, "dx" and for a parameter W "dW"."""
        dx, grads = self.backward(dout.copy(), forward)
        found = {} if dx is None else {"dx": dx}
        return found | {f"d{name}": gradient for name, gradient in grads.items()}

    @cached_property
    def outputs(self) -> Callable[[Array, Params], Array]:
        """The output alone, for numerical differentiation: always with the same state and randomness.

        Contexts are made once, for this is called thousands of times; so the next call may overwrite the array.
        """
        forward, ctx = self.layer.forward, self.reusing_context() if self._may_reuse() else self.context()
        if self.stochastic or self.state:
            return lambda batch, params: self._output(batch, params, ctx)
        return lambda batch, params: forward(batch, params, ctx)[0]

    @cached_property
    def apart(self) -> bool:
        """Whether an example's output is the same one beside other examples, as the class declares."""
        if not self.independent or (self.stochastic and self.case.training):
            return False
        more = np.concatenate([self.x, 2 * self.x[::-1] + 1])
        with np.errstate(all="ignore"):
            beside = self.outputs(more, self.params)[: len(self.x)].copy()
            alone = self.outputs(self.x.copy(), self.params)
        return bool(np.allclose(beside, alone, rtol=1e-9, atol=1e-12 * np.abs(alone).max(initial=0), equal_nan=True))

    def _may_reuse(self) -> bool:
        """Whether the layer gives the same output in a context that is used again; another check judges that."""
        ctx, expected = self.reusing_context(), self.forward(self.x.copy()).out
        batches = (self.x, self.x + 1, self.x)
        outs = [self._output(batch.copy(), self.params, ctx).copy() for batch in batches]
        return all(out.tobytes() == expected.tobytes() for out in (outs[0], outs[2]))

    @cached_property
    def _begin(self) -> Mapping[str, Any]:
        return self._start.generator().bit_generator.state

    def _output(self, batch: Array, params: Params, ctx: Context) -> Array:
        if self.stochastic:
            ctx.rng.bit_generator.state = self._begin
        for name, array in self.state.items():
            ctx.state[name] = array.copy()
        out, _ = self.layer.forward(batch, params, ctx)
        return out
