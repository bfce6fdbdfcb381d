"""For every layer, … : forward and backward change nothing that they are given, and remember nothing."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fcframe.context import Array
from fcframe.verify.fixtures.layer import LayerFixture, named_gradients
from fcframe.verify.report import CheckFailure, NotApplicable, look_at, source_location

REPEATS = 5
"""How often a call is repeated to see whether it always gives the same."""


def forward_leaves_its_arguments_unchanged(fixture: LayerFixture) -> None:
    """The layer below keeps x in its cache, and the optimizer owns the parameters."""
    x, params = fixture.x.copy(), {name: array.copy() for name, array in fixture.params.items()}
    fixture.forward(x, params)
    _same("forward changed x", x, fixture.x, source_location(type(fixture.layer).forward))
    for name, array in params.items():
        _same(
            f"forward changed the parameter {name}",
            array,
            fixture.params[name],
            source_location(type(fixture.layer).forward),
        )


def backward_leaves_its_arguments_unchanged(fixture: LayerFixture) -> None:
    """A residual connection hands the same dout to two layers; a cache may be used twice."""
    where = source_location(type(fixture.layer).backward)
    forward = fixture.forward()
    dout, cache = fixture.douts[0].copy(), [array.copy() for array in arrays(forward.cache)]
    fixture.backward(dout, forward)
    _same("backward changed dout", dout, fixture.douts[0], where)
    for index, (now, before) in enumerate(zip(arrays(forward.cache), cache, strict=False)):
        _same(f"backward changed array {index} of the cache", now, before, where)


def backward_twice_gives_the_same_bytes(fixture: LayerFixture) -> None:
    """A gradient that depends on how often it was asked for is no function."""
    forward = fixture.forward()
    first = {name: array.tobytes() for name, array in fixture.gradients(fixture.douts[0], forward).items()}
    for name, array in fixture.gradients(fixture.douts[0], forward).items():
        if array.tobytes() != first[name]:
            raise CheckFailure(
                f"{name} differs when backward is called again with the same dout and cache",
                f"it draws at random, or keeps something between calls; {look_at(fixture.layer, 'backward')}",
            )


def forward_twice_gives_the_same_bytes(fixture: LayerFixture) -> None:
    """With the same x, parameters, state and randomness there is one output."""
    if fixture.forward().out.tobytes() != fixture.forward().out.tobytes():
        raise CheckFailure(
            "forward gives another output for the same x, parameters, state and ctx.rng",
            f"it draws from elsewhere than ctx.rng, or keeps something; {look_at(fixture.layer, 'forward')}",
        )


def a_cache_survives_other_calls(fixture: LayerFixture) -> None:
    """Layers of one class stand several times in a network; each has its own cache."""
    expected = {name: array.copy() for name, array in fixture.gradients(fixture.douts[0]).items()}
    again = fixture.forward()
    other = fixture.at(N=fixture.case.N + 2, seed=fixture.case.seed + 1)
    other.backward(forward=other.forward())
    twin = LayerFixture(fixture.case)
    twin.layer = type(fixture.layer).model_validate(fixture.layer.model_dump(mode="json"))
    twin.x = fixture.changed_input()
    twin.backward(forward=twin.forward())
    kept = "the cache, or something in its stead, is kept on the class or in the module; return it from forward"
    try:
        found = fixture.gradients(fixture.douts[0], again)
    except Exception as error:
        raise CheckFailure(
            f"backward fails when forward is called on other data before it: {type(error).__name__}: {error}", kept
        ) from None
    for name, array in found.items():
        if array.tobytes() != expected[name].tobytes():
            needs_repeatable(fixture)
            raise CheckFailure(f"{name} changes when forward is called on other data before backward", kept)


def a_later_call_overwrites_no_result(fixture: LayerFixture) -> None:
    """The layers above keep out in their caches, and gradients are added up, while this layer works on other data."""
    forward = fixture.forward()
    found = {"out": forward.out, **fixture.gradients(fixture.douts[0], forward)}
    kept = {name: array.copy() for name, array in found.items()}
    other = fixture.at(seed=fixture.case.seed + 1)
    other.backward(forward=other.forward())
    for name, array in found.items():
        if array.tobytes() != kept[name].tobytes():
            method = "forward" if name == "out" else "backward"
            raise CheckFailure(
                f"{name} is overwritten when the layer is called again, on other data",
                f"it lies in an array that is kept on the class or in the module; {look_at(fixture.layer, method)}; "
                "return a new array, or write into ctx.empty(...)",
            )


def a_reused_context_changes_nothing(fixture: LayerFixture) -> None:
    """The solver hands out the same arrays in every step; a layer must not count on finding zeros in them."""
    ctx = fixture.reusing_context()
    other = fixture.at(seed=fixture.case.seed + 1)
    _, cache = fixture.layer.forward(other.x, fixture.params, ctx)
    fixture.layer.backward(other.douts[0], cache, ctx)
    fresh = fixture.forward()
    expected = {"forward's output": fresh.out.copy(), **fixture.gradients(fixture.douts[0], fresh)}
    ctx.rng.bit_generator.state = fixture.context().rng.bit_generator.state
    ctx.state.update(fixture.context().state)
    out, cache = fixture.layer.forward(fixture.x.copy(), fixture.params, ctx)
    found = {
        "forward's output": out.copy(),
        **named_gradients(*fixture.layer.backward(fixture.douts[0].copy(), cache, ctx)),
    }
    for name, array in expected.items():
        if found[name].tobytes() != array.tobytes():
            needs_repeatable(fixture)
            raise CheckFailure(
                f"{name} is another one in a context that is used again, as a solver's is",
                "ctx.empty and ctx.grad give arrays with old contents: write every element, and add to none",
            )


def backward_draws_nothing(fixture: LayerFixture) -> None:
    """What forward drew is in the cache; a mask that is drawn anew is another mask."""
    forward = fixture.forward()
    before = forward.ctx.rng.bit_generator.state
    fixture.backward(forward=forward)
    if forward.ctx.rng.bit_generator.state != before:
        raise CheckFailure(
            "backward draws from ctx.rng",
            f"keep what forward drew in the cache; {look_at(fixture.layer, 'backward')}",
        )


def forward_draws_only_if_declared(fixture: LayerFixture) -> None:
    """`stochastic` tells the framework and this harness that a training pass draws."""
    ctx = fixture.context()
    before = ctx.rng.bit_generator.state
    fixture.forward(ctx=ctx)
    drew = ctx.rng.bit_generator.state != before
    if drew and not fixture.case.training:
        raise CheckFailure("forward draws from ctx.rng in an evaluation", "draw only where ctx.training is True")
    if drew and not fixture.stochastic:
        raise CheckFailure("forward draws from ctx.rng", "say so in the class: stochastic = True")


def read_only_and_strided_arrays_are_accepted(fixture: LayerFixture) -> None:
    """Data may be memory-mapped, or a view of something larger."""
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
        needs_repeatable(fixture)
        raise CheckFailure("forward gives another output for the same x as a strided view", "it reads x's memory")
    dout = np.asfortranarray(fixture.douts[0])
    dout.flags.writeable = False
    gradients = named_gradients(*fixture.backward(dout, forward))
    for name, gradient in fixture.gradients(fixture.douts[0]).items():
        scale = np.abs(gradient).max(initial=0)
        if not np.allclose(gradients[name], gradient, rtol=1e-9, atol=1e-10 * scale, equal_nan=True):
            needs_repeatable(fixture)
            raise CheckFailure(f"{name} is another one where x and dout are strided views", "it reads their memory")


def arrays(value: Any) -> Iterator[Array]:
    """All arrays in a cache, however deep."""
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


def needs_repeatable(fixture: LayerFixture) -> None:
    """Called where something has changed: if it changes by itself, other checks say so, and this one has no say."""
    seen = set()
    for _ in range(REPEATS):
        forward = fixture.forward()
        gradients = [fixture.gradients(fixture.douts[0], forward) for _ in range(2)]
        seen |= {(forward.out.tobytes(), *(array.tobytes() for array in found.values())) for found in gradients}
    if len(seen) > 1:
        raise NotApplicable("it gives something else each time, which other checks judge")


def _same(what: str, now: Array, before: Array, where: str) -> None:
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
