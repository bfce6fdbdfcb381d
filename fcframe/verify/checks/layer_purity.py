"""For every layer, … : forward and backward change nothing that they are given, and remember nothing."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fcframe.components import Params
from fcframe.context import Array
from fcframe.verify.report import CheckFailure, NotApplicable, place
from fcframe.verify.trial import Trial

REPEATS = 5
"""How often a call is repeated to see whether it always gives the same."""


def forward_leaves_its_arguments_unchanged(trial: Trial) -> None:
    """The layer below keeps x in its cache, and the optimizer owns the parameters."""
    x, params = trial.x.copy(), {name: array.copy() for name, array in trial.params.items()}
    trial.forward(x, params)
    _same("forward changed x", x, trial.x, place(type(trial.layer).forward))
    for name, array in params.items():
        _same(f"forward changed the parameter {name}", array, trial.params[name], place(type(trial.layer).forward))


def backward_leaves_its_arguments_unchanged(trial: Trial) -> None:
    """A residual connection hands the same dout to two layers; a cache may be used twice."""
    where = place(type(trial.layer).backward)
    forward = trial.forward()
    dout, cache = trial.douts[0].copy(), [array.copy() for array in arrays(forward.cache)]
    trial.backward(dout, forward)
    _same("backward changed dout", dout, trial.douts[0], where)
    for index, (now, before) in enumerate(zip(arrays(forward.cache), cache, strict=False)):
        _same(f"backward changed array {index} of the cache", now, before, where)


def backward_twice_gives_the_same_bytes(trial: Trial) -> None:
    """A gradient that depends on how often it was asked for is no function."""
    forward = trial.forward()
    first = {name: array.tobytes() for name, array in trial.gradients(trial.douts[0], forward).items()}
    for name, array in trial.gradients(trial.douts[0], forward).items():
        if array.tobytes() != first[name]:
            raise CheckFailure(
                f"{name} differs when backward is called again with the same dout and cache",
                f"it draws at random, or keeps something between calls; look at {place(type(trial.layer).backward)}",
            )


def forward_twice_gives_the_same_bytes(trial: Trial) -> None:
    """With the same x, parameters, state and randomness there is one output."""
    if trial.forward().out.tobytes() != trial.forward().out.tobytes():
        raise CheckFailure(
            "forward gives another output for the same x, parameters, state and ctx.rng",
            f"it draws from elsewhere than ctx.rng, or keeps something; look at {place(type(trial.layer).forward)}",
        )


def a_cache_survives_other_calls(trial: Trial) -> None:
    """Layers of one class stand several times in a network; each has its own cache."""
    expected = {name: array.copy() for name, array in trial.gradients(trial.douts[0]).items()}
    again = trial.forward()
    other = trial.at(N=trial.case.N + 2, seed=trial.case.seed + 1)
    other.backward(forward=other.forward())
    twin = Trial(trial.case)
    twin.layer = type(trial.layer).model_validate(trial.layer.model_dump(mode="json"))
    twin.x = trial.x + 1
    twin.backward(forward=twin.forward())
    kept = "the cache, or something in its stead, is kept on the class or in the module; return it from forward"
    try:
        found = trial.gradients(trial.douts[0], again)
    except Exception as error:
        raise CheckFailure(
            f"backward fails when forward is called on other data before it: {type(error).__name__}: {error}", kept
        ) from None
    for name, array in found.items():
        if array.tobytes() != expected[name].tobytes():
            needs_repeatable(trial)
            raise CheckFailure(f"{name} changes when forward is called on other data before backward", kept)


def gradients_share_no_memory(trial: Trial) -> None:
    """Whoever adds to a gradient in place must not change dout, the cache or another gradient by it."""
    forward = trial.forward()
    dout = trial.douts[0].copy()
    found = _named(trial.backward(dout, forward))
    owners = {"dout": dout} | {
        f"array {index} of the cache": array for index, array in enumerate(arrays(forward.cache))
    }
    names = list(found)
    for index, name in enumerate(names):
        others = owners | {other: found[other] for other in names[:index]}
        for owner, array in others.items():
            if found[name].size and np.may_share_memory(found[name], array) and np.shares_memory(found[name], array):
                raise CheckFailure(
                    f"{name} shares memory with {owner}",
                    f"return a copy, or write into ctx.empty(...); look at {place(type(trial.layer).backward)}",
                )


def a_reused_context_changes_nothing(trial: Trial) -> None:
    """The solver hands out the same arrays in every step; a layer must not count on finding zeros in them."""
    ctx = trial.reusing_context()
    other = trial.at(seed=trial.case.seed + 1)
    _, cache = trial.layer.forward(other.x, trial.params, ctx)
    trial.layer.backward(other.douts[0], cache, ctx)
    fresh = trial.forward()
    expected = {"forward's output": fresh.out.copy(), **trial.gradients(trial.douts[0], fresh)}
    ctx.rng.bit_generator.state = trial.context().rng.bit_generator.state
    ctx.state.update(trial.context().state)
    out, cache = trial.layer.forward(trial.x.copy(), trial.params, ctx)
    found = {"forward's output": out.copy(), **_named(trial.layer.backward(trial.douts[0].copy(), cache, ctx))}
    for name, array in found.items():
        if array.tobytes() != expected[name].tobytes():
            needs_repeatable(trial)
            raise CheckFailure(
                f"{name} is another one in a context that is used again, as a solver's is",
                "ctx.empty and ctx.grad give arrays with old contents: write every element, and add to none",
            )


def backward_draws_nothing(trial: Trial) -> None:
    """What forward drew is in the cache; a mask that is drawn anew is another mask."""
    forward = trial.forward()
    before = forward.ctx.rng.bit_generator.state
    trial.backward(forward=forward)
    if forward.ctx.rng.bit_generator.state != before:
        raise CheckFailure(
            "backward draws from ctx.rng",
            f"keep what forward drew in the cache; look at {place(type(trial.layer).backward)}",
        )


def forward_draws_only_if_it_says_so(trial: Trial) -> None:
    """`stochastic` tells the framework and this harness that a training pass draws."""
    ctx = trial.context()
    before = ctx.rng.bit_generator.state
    trial.forward(ctx=ctx)
    drew = ctx.rng.bit_generator.state != before
    if drew and not trial.case.training:
        raise CheckFailure("forward draws from ctx.rng in an evaluation", "draw only where ctx.training is True")
    if drew and not trial.stochastic:
        raise CheckFailure("forward draws from ctx.rng", "say so in the class: stochastic = True")


def read_only_and_strided_arrays_are_taken(trial: Trial) -> None:
    """Data may be memory-mapped, or a view of something larger."""
    if trial.case.N == 0:
        raise NotApplicable("there is nothing to stride over")
    expected = trial.forward().out
    wide = np.zeros((*trial.x.shape, 2), trial.x.dtype)
    strided = wide[..., 0]
    strided[...] = trial.x
    strided.flags.writeable = False
    params = {name: array.copy() for name, array in trial.params.items()}
    for array in params.values():
        array.flags.writeable = False
    forward = trial.forward(strided, params)
    if not np.allclose(forward.out, expected, rtol=1e-9, atol=1e-12, equal_nan=True):
        needs_repeatable(trial)
        raise CheckFailure("forward gives another output for the same x as a strided view", "it reads x's memory")
    dout = np.asfortranarray(trial.douts[0])
    dout.flags.writeable = False
    gradients = _named(trial.backward(dout, forward))
    for name, gradient in trial.gradients(trial.douts[0]).items():
        scale = np.abs(gradient).max(initial=0)
        if not np.allclose(gradients[name], gradient, rtol=1e-9, atol=1e-10 * scale, equal_nan=True):
            needs_repeatable(trial)
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


def _named(given: tuple[Array | None, Params]) -> dict[str, Array]:
    """What backward returned, each gradient under its name."""
    dx, grads = given
    return ({} if dx is None else {"dx": dx}) | {f"d{name}": gradient for name, gradient in grads.items()}


def needs_repeatable(trial: Trial) -> None:
    """Called where something has changed: if it changes by itself, other checks say so, and this one has no say."""
    seen = set()
    for _ in range(REPEATS):
        forward = trial.forward()
        gradients = [trial.gradients(trial.douts[0], forward) for _ in range(2)]
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
    gradients_share_no_memory,
    a_reused_context_changes_nothing,
    backward_draws_nothing,
    forward_draws_only_if_it_says_so,
    read_only_and_strided_arrays_are_taken,
)
