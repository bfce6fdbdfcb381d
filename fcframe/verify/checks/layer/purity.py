"""Checks for layers: forward and backward do not change their arguments, and store nothing between calls."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fcframe.context import Array
from fcframe.verify.fixtures.component_class import read_again
from fcframe.verify.fixtures.layer import LayerFixture, named_gradients
from fcframe.verify.report import CheckFailure, NotApplicable, look_at, source_location

REPEATS = 5
"""The number of calls by which it is tested whether a layer is deterministic."""


def forward_leaves_its_arguments_unchanged(fixture: LayerFixture) -> None:
    """`forward` changes neither x, which may be in the cache of the layer below, nor the parameters."""
    where = source_location(type(fixture.layer).forward)
    x, params = fixture.x.copy(), {name: array.copy() for name, array in fixture.params.items()}
    fixture.forward(x, params)
    _require_unchanged("forward changed x", x, fixture.x, where)
    for name, array in params.items():
        _require_unchanged(f"forward changed the parameter {name}", array, fixture.params[name], where)


def backward_leaves_its_arguments_unchanged(fixture: LayerFixture) -> None:
    """`backward` changes neither dout, which a residual connection gives to two layers, nor the cache."""
    where = source_location(type(fixture.layer).backward)
    forward = fixture.forward()
    dout, cache = fixture.douts[0].copy(), [array.copy() for array in arrays(forward.cache)]
    fixture.backward(dout, forward)
    _require_unchanged("backward changed dout", dout, fixture.douts[0], where)
    for index, (now, before) in enumerate(zip(arrays(forward.cache), cache, strict=False)):
        _require_unchanged(f"backward changed array {index} of the cache", now, before, where)


def backward_twice_gives_the_same_bytes(fixture: LayerFixture) -> None:
    """A second backward with the same dout and cache gives identical gradients."""
    forward = fixture.forward()
    first = {name: array.tobytes() for name, array in fixture.gradients(fixture.douts[0], forward).items()}
    for name, array in fixture.gradients(fixture.douts[0], forward).items():
        if array.tobytes() != first[name]:
            raise CheckFailure(
                f"{name} differs when backward is called again with the same dout and cache",
                f"it draws random numbers, or stores something between calls; {look_at(fixture.layer, 'backward')}",
            )


def forward_twice_gives_the_same_bytes(fixture: LayerFixture) -> None:
    """A second forward with the same x, parameters, state and random numbers gives an identical output."""
    if fixture.forward().out.tobytes() != fixture.forward().out.tobytes():
        raise CheckFailure(
            "forward gives another output for the same x, parameters, state and ctx.rng",
            f"it draws from another generator than ctx.rng, or stores something; {look_at(fixture.layer, 'forward')}",
        )


def a_cache_survives_other_calls(fixture: LayerFixture) -> None:
    """Calls on other data, and of other layers of the class, between forward and backward do not change gradients."""
    expected = {name: array.copy() for name, array in fixture.gradients(fixture.douts[0]).items()}
    again = fixture.forward()
    other = fixture.at(N=fixture.case.N + 2, seed=fixture.case.seed + 1)
    other.backward(forward=other.forward())
    twin = LayerFixture(fixture.case)
    twin.layer = read_again(fixture.layer)
    twin.x = fixture.changed_input()
    twin.backward(forward=twin.forward())
    stored = "values for backward are stored in the class or module instead of the cache; return them from forward"
    try:
        gradients = fixture.gradients(fixture.douts[0], again)
    except Exception as error:
        raise CheckFailure(
            f"backward fails if forward is called on other data before it: {type(error).__name__}: {error}", stored
        ) from None
    for name, array in gradients.items():
        if array.tobytes() != expected[name].tobytes():
            require_deterministic(fixture)
            raise CheckFailure(f"{name} changes if forward is called on other data before backward", stored)


def a_later_call_overwrites_no_result(fixture: LayerFixture) -> None:
    """A later call does not change arrays that were returned earlier: they are in caches of layers above."""
    forward = fixture.forward()
    results = {"out": forward.out, **fixture.gradients(fixture.douts[0], forward)}
    copies = {name: array.copy() for name, array in results.items()}
    other = fixture.at(seed=fixture.case.seed + 1)
    other.backward(forward=other.forward())
    for name, array in results.items():
        if array.tobytes() != copies[name].tobytes():
            method = "forward" if name == "out" else "backward"
            raise CheckFailure(
                f"{name} is overwritten when the layer is called again on other data",
                f"its array is stored in the class or module; {look_at(fixture.layer, method)}; "
                "return a new array, or write into ctx.empty(...)",
            )


def a_reused_context_changes_nothing(fixture: LayerFixture) -> None:
    """Results are the same if ctx is used again, as in training; its arrays then have old contents."""
    ctx = fixture.reusing_context()
    other = fixture.at(seed=fixture.case.seed + 1)
    _, cache = fixture.layer.forward(other.x, fixture.params, ctx)
    fixture.layer.backward(other.douts[0], cache, ctx)
    fresh = fixture.forward()
    expected = {"forward's output": fresh.out.copy(), **fixture.gradients(fixture.douts[0], fresh)}
    ctx.rng.bit_generator.state = fixture.context().rng.bit_generator.state
    ctx.state.update(fixture.context().state)
    out, cache = fixture.layer.forward(fixture.x.copy(), fixture.params, ctx)
    results = {
        "forward's output": out.copy(),
        **named_gradients(*fixture.layer.backward(fixture.douts[0].copy(), cache, ctx)),
    }
    for name, array in expected.items():
        if results[name].tobytes() != array.tobytes():
            require_deterministic(fixture)
            raise CheckFailure(
                f"{name} differs in a context that is used again, as in training",
                "arrays of ctx.empty and ctx.grad have old contents: write every element, and do not add to them",
            )


def backward_draws_nothing(fixture: LayerFixture) -> None:
    """`backward` draws no random numbers; it must use those that forward drew, for example a dropout mask."""
    forward = fixture.forward()
    before = forward.ctx.rng.bit_generator.state
    fixture.backward(forward=forward)
    if forward.ctx.rng.bit_generator.state != before:
        raise CheckFailure(
            "backward draws from ctx.rng",
            f"keep what forward drew in the cache; {look_at(fixture.layer, 'backward')}",
        )


def forward_draws_only_if_declared(fixture: LayerFixture) -> None:
    """`forward` draws random numbers only in training, and only if the class declares `stochastic = True`."""
    ctx = fixture.context()
    before = ctx.rng.bit_generator.state
    fixture.forward(ctx=ctx)
    drew = ctx.rng.bit_generator.state != before
    if drew and not fixture.case.training:
        raise CheckFailure("forward draws from ctx.rng in an evaluation", "draw only if ctx.training is True")
    if drew and not fixture.stochastic:
        raise CheckFailure("forward draws from ctx.rng", "declare in the class: stochastic = True")


def read_only_and_strided_arrays_are_accepted(fixture: LayerFixture) -> None:
    """Results are the same for arrays that are read-only or strided, such as memory-mapped data and views."""
    expected = fixture.forward().out
    wide = np.zeros((*fixture.x.shape, 2), fixture.x.dtype)
    strided = wide[..., 0]
    strided[...] = fixture.x
    strided.flags.writeable = False
    params = {name: array.copy() for name, array in fixture.params.items()}
    for array in params.values():
        array.flags.writeable = False
    forward = fixture.forward(strided, params)
    if not np.allclose(forward.out, expected, rtol=1e-9, atol=1e-12, equal_nan=True):
        require_deterministic(fixture)
        raise CheckFailure("forward gives another output if x is a strided view", "it relies on the memory layout of x")
    dout = np.asfortranarray(fixture.douts[0])
    dout.flags.writeable = False
    gradients = named_gradients(*fixture.backward(dout, forward))
    for name, gradient in fixture.gradients(fixture.douts[0]).items():
        scale = np.abs(gradient).max(initial=0)
        if not np.allclose(gradients[name], gradient, rtol=1e-9, atol=1e-10 * scale, equal_nan=True):
            require_deterministic(fixture)
            raise CheckFailure(f"{name} differs if x and dout are strided views", "it relies on their memory layout")


def arrays(value: Any) -> Iterator[Array]:
    """All arrays in a cache, also in nested containers and objects."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from arrays(item)
    elif hasattr(value, "__dict__") and not isinstance(value, type):
        yield from arrays(vars(value))


def require_deterministic(fixture: LayerFixture) -> None:
    """Ends a check that found a difference if the layer is not deterministic; other checks report that.

    Raises:
        NotApplicable: Repeated calls give different results.
    """
    distinct = set()
    for _ in range(REPEATS):
        forward = fixture.forward()
        gradients = [fixture.gradients(fixture.douts[0], forward) for _ in range(2)]
        distinct |= {(forward.out.tobytes(), *(array.tobytes() for array in grads.values())) for grads in gradients}
    if len(distinct) > 1:
        raise NotApplicable("repeated calls give different results; other checks test that")


def _require_unchanged(what: str, now: Array, before: Array, where: str) -> None:
    if now.tobytes() != before.tobytes():
        raise CheckFailure(what, f"look at {where}; work on a copy" if where else "")


CHECKS = (
    forward_leaves_its_arguments_unchanged,
    backward_leaves_its_arguments_unchanged,
    forward_twice_gives_the_same_bytes,
    backward_twice_gives_the_same_bytes,
    a_cache_survives_other_calls,
    a_later_call_overwrites_no_result,
    a_reused_context_changes_nothing,
    backward_draws_nothing,
    forward_draws_only_if_declared,
    read_only_and_strided_arrays_are_accepted,
)
