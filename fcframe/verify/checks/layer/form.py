"""For every layer, … : shapes, names, dtypes and modes are what the class declares."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import ValidationError

from fcframe.components import Shape
from fcframe.verify.checks.layer.purity import needs_repeatable
from fcframe.verify.fixtures.layer import LayerFixture, named_gradients
from fcframe.verify.report import MISSHAPEN, CheckFailure, NotApplicable, look_at
from fcframe.verify.running.check import foundation


@foundation
def forward_returns_an_output_and_a_cache(fixture: LayerFixture) -> None:
    """Everything else builds on `return out, cache`."""
    where = look_at(fixture.layer, "forward")
    given = fixture.layer.forward(fixture.x, fixture.params, fixture.context())
    if not isinstance(given, tuple) or len(given) != 2:
        raise CheckFailure(f"forward returned {_seen(given)}, expected (out, cache)", where, MISSHAPEN)
    if not isinstance(given[0], np.ndarray):
        raise CheckFailure(f"forward returned {_seen(given[0])} for out, expected an array", where, MISSHAPEN)


@foundation
def the_output_has_the_declared_shape(fixture: LayerFixture) -> None:
    """Shapes are inferred from the spec alone, so `output_shape` must tell the truth."""
    declared, real = tuple(fixture.layer.output_shape(fixture.case.input_shape)), fixture.forward().out.shape
    if real != (fixture.case.N, *declared):
        raise CheckFailure(
            f"output_shape promises {declared} an example for {fixture.case.input_shape}, forward makes {real[1:]} "
            f"({len(real) and real[0]} rows of {fixture.case.N})",
            look_at(fixture.layer, "output_shape"),
            MISSHAPEN,
        )


@foundation
def backward_returns_dx_and_gradients(fixture: LayerFixture) -> None:
    """Everything else builds on `return dx, {"W": dW}`."""
    where = look_at(fixture.layer, "backward")
    given = fixture.backward()
    if not isinstance(given, tuple) or len(given) != 2:
        raise CheckFailure(f"backward returned {_seen(given)}, expected (dx, gradients)", where, MISSHAPEN)
    dx, grads = given
    if isinstance(dx, Mapping) and not isinstance(grads, Mapping):
        message = "backward returned a mapping for dx and something else for the gradients"
        raise CheckFailure(message, f"likely cause: they are in the wrong order; return dx, grads\n{where}", MISSHAPEN)
    if not fixture.of_integers:
        _check_dx(fixture, dx, where)
    if not isinstance(grads, Mapping):
        message = f"backward returned {_seen(grads)} for the gradients, expected a mapping, {{}} without parameters"
        raise CheckFailure(message, where, MISSHAPEN)
    if not set(fixture.trained) <= grads.keys() <= fixture.params.keys():
        raise CheckFailure(
            f"backward returned gradients of {sorted(grads)}, the parameters are {sorted(fixture.params)}",
            where,
            MISSHAPEN,
        )
    for name, gradient in grads.items():
        found, wanted = np.shape(gradient), fixture.params[name].shape
        if found != wanted:
            cause = _likely_cause(name, found, wanted, fixture.case.N)
            raise CheckFailure(f"d{name} has shape {found}, the parameter has {wanted}", cause + where, MISSHAPEN)


def _check_dx(fixture: LayerFixture, dx: Any, where: str) -> None:
    if not isinstance(dx, np.ndarray):
        message = f"backward returned {_seen(dx)} for dx, though ctx.needs_input_grad is True"
        raise CheckFailure(message, where, MISSHAPEN)
    if dx.shape != fixture.x.shape:
        owners = [name for name, array in fixture.params.items() if array.shape == dx.shape]
        cause = f"likely cause: it is the gradient of {owners[0]}: return dx first\n" if owners else ""
        raise CheckFailure(f"dx has shape {dx.shape}, x has {fixture.x.shape}", cause + where, MISSHAPEN)


def _likely_cause(name: str, found: Shape, wanted: Shape, N: int) -> str:
    """Why a gradient has not its parameter's shape."""
    if found == (N, *wanted):
        return "likely cause: it is not summed over the minibatch\n"
    if found == wanted[::-1]:
        return f"likely cause: it is transposed: d{name} is {found} where {name} is {wanted}\n"
    return ""


def the_dtype_is_kept(fixture: LayerFixture) -> None:
    """One float64 constant in a float32 network makes everything after it twice as slow."""
    for dtype in (np.float64, np.float32):
        seen = LayerFixture(fixture.case, dtype)
        forward = seen.forward()
        found = {"out": forward.out, **seen.gradients(seen.douts[0], forward)}
        for name, array in found.items():
            if array.dtype != dtype:
                raise CheckFailure(
                    f"{name} is {array.dtype} for {np.dtype(dtype)} x and parameters",
                    "an array or a NumPy scalar of another dtype takes part; Python numbers do not change a dtype",
                )
        for name, array in forward.state.items():
            if np.shape(array) != seen.state[name].shape:
                raise CheckFailure(
                    f"the state {name} has shape {np.shape(array)} after a pass", "it was declared otherwise"
                )


def without_needs_input_grad_the_gradients_are_the_same(fixture: LayerFixture) -> None:
    """The first layer's dx is wanted by nobody; leaving it out must change nothing else."""
    forward = fixture.forward(ctx=fixture.context(needs_input_grad=False))
    dx, grads = fixture.backward(forward=forward)
    if not set(fixture.trained) <= grads.keys() <= fixture.params.keys():
        raise CheckFailure(
            f"where ctx.needs_input_grad is False, backward returns gradients of {sorted(grads)}, "
            f"the parameters are {sorted(fixture.params)}",
            look_at(fixture.layer, "backward"),
        )
    expected = fixture.gradients(fixture.douts[0])
    for name, gradient in named_gradients(dx, grads).items():
        if name in expected and not np.array_equal(gradient, expected[name], equal_nan=True):
            needs_repeatable(fixture)
            hint = "return None for it, or the right one; " if name == "dx" else ""
            raise CheckFailure(
                f"{name} is another one where ctx.needs_input_grad is False",
                f"{hint}{look_at(fixture.layer, 'backward')}",
            )


def an_evaluation_changes_no_state(fixture: LayerFixture) -> None:
    """Scoring a test set must not move the statistics that it is scored with."""
    if not fixture.state:
        raise NotApplicable("it keeps no state")
    ctx = fixture.context(training=False)
    fixture.forward(ctx=ctx)
    for name, array in fixture.state.items():
        if np.asarray(ctx.state[name]).tobytes() != array.tobytes():
            raise CheckFailure(
                f"an evaluation changed the state {name}",
                f"assign ctx.state only in training; {look_at(fixture.layer, 'forward')}",
            )


def training_moves_the_state(fixture: LayerFixture) -> None:
    """State that never changes is not state."""
    if not fixture.state or not fixture.case.training or fixture.case.N < 2 or fixture.case.values != "gaussian":
        raise NotApplicable("it keeps no state, or this case moves none")
    after = fixture.forward().state
    still = [name for name, array in fixture.state.items() if np.array_equal(after[name], array)]
    if still:
        raise CheckFailure(f"a training pass leaves the state {', '.join(still)} as it was", "assign ctx.state[name]")


def an_evaluation_approaches_the_output_of_training(fixture: LayerFixture) -> None:
    """Running statistics follow minibatches: after many passes over one, an evaluation gives what training gives."""
    if not fixture.state or not fixture.case.training or fixture.case.N < 2 or fixture.stochastic:
        raise NotApplicable("it keeps no state, or it draws")
    if not fixture.follows:
        raise NotApplicable("it declares state_follows_minibatch = False")
    state = {name: array.copy() for name, array in fixture.state.items()}
    apart = []
    for turn in range(300):
        ctx = fixture.context(training=True)
        ctx.state = state
        out, _ = fixture.layer.forward(fixture.x, fixture.params, ctx)
        if turn in (0, 299):
            ctx = fixture.context(training=False)
            ctx.state = {name: array.copy() for name, array in state.items()}
            apart.append(float(np.abs(fixture.layer.forward(fixture.x, fixture.params, ctx)[0] - out).max(initial=0)))
    if not apart[1] <= 1e-6 + 0.05 * apart[0]:
        raise CheckFailure(
            f"after 300 training passes over one minibatch an evaluation of it is still {apart[1]:.3g} off "
            f"({apart[0]:.3g} after the first)",
            "the running statistics do not follow the minibatch's, or the evaluation does not use them; a layer that "
            "means otherwise declares state_follows_minibatch = False",
        )


def examples_are_independent_where_declared(fixture: LayerFixture) -> None:
    """The harness, and whoever scores in batches, relies on `examples_independent`."""
    if not fixture.independent:
        raise NotApplicable("it declares examples_independent = False")
    if (fixture.stochastic and fixture.case.training) or fixture.case.N < 2:
        raise NotApplicable("it draws for each example, or there is only one")
    whole = fixture.forward().out
    moved = fixture.x.copy()
    moved[1:] = fixture.changed_input()[1:]
    for what, out in (
        ("alone", fixture.forward(fixture.x[:1]).out),
        ("beside other examples", fixture.forward(moved).out),
    ):
        if not np.allclose(out[0], whole[0], rtol=1e-9, atol=1e-12 * np.abs(whole).max(initial=0), equal_nan=True):
            raise CheckFailure(
                f"an example's output is another one {what}, off by up to {np.abs(out[0] - whole[0]).max():.3g}",
                "declare examples_independent = False, or keep the batch axis out of sums and means",
            )


def forward_gives_what_its_reference_gives(fixture: LayerFixture) -> None:
    """`reference` is the textbook's formula; the text that is fast must compute the same."""
    params = {name: array.copy() for name, array in fixture.params.items()}
    expected = fixture.layer.reference(fixture.x.copy(), params, fixture.context())
    if expected is None:
        raise NotApplicable("it gives no reference")
    out = fixture.forward().out
    if np.shape(expected) != out.shape:
        message = f"reference gives shape {np.shape(expected)}, forward {out.shape}"
        raise CheckFailure(message, look_at(fixture.layer, "reference"))
    room = 1e-9 * float(np.abs(expected).max(initial=0))
    if not np.allclose(out, expected, rtol=1e-7, atol=room, equal_nan=True):
        place = np.unravel_index(np.argmax(np.nan_to_num(np.abs(out - expected), nan=np.inf)), out.shape)
        index = ", ".join(str(int(step)) for step in place)
        raise CheckFailure(
            f"out[{index}] is {out[place]:.10g}, by the reference it is {expected[place]:.10g}",
            look_at(fixture.layer, "forward"),
        )


def the_output_is_finite_for_large_x(fixture: LayerFixture) -> None:
    """At |x| = 1e3 an exponential overflows unless the text keeps it from that."""
    if fixture.case.values != "large":
        raise NotApplicable("x is not large here")
    forward = fixture.forward()
    found = {"out": forward.out, **fixture.gradients(fixture.douts[0], forward)}
    for name, array in found.items():
        if not np.all(np.isfinite(array)):
            raise CheckFailure(f"{name} is not finite for |x| of about 1e3", "rewrite it so that nothing overflows")


def json_describes_it_fully(fixture: LayerFixture) -> None:
    """A spec is all that is kept of a layer; what is read from it must be the same layer."""
    document = fixture.layer.model_dump(mode="json")
    again = type(fixture.layer).model_validate(json.loads(json.dumps(document)))
    if again.model_dump(mode="json") != document or again.forward is None:
        raise CheckFailure(f"written as JSON and read again, {document} becomes {again.model_dump(mode='json')}", "")
    try:
        type(fixture.layer).model_validate({**document, "no_such_field": 1})
    except ValidationError:
        return
    raise CheckFailure("an unknown field is taken without complaint", "keep model_config as the base class has it")


def the_same_seed_gives_the_same_parameters(fixture: LayerFixture) -> None:
    """A run is a function of its spec and seed."""
    for name, parameter in fixture.layer.parameters(fixture.case.input_shape).items():
        first, second = (parameter.sample(np.random.default_rng(3)) for _ in range(2))
        if first.tobytes() != second.tobytes():
            raise CheckFailure(f"the parameter {name} starts otherwise with the same seed", "draw from rng alone")
        if not np.all(np.isfinite(first)):
            raise CheckFailure(f"the parameter {name} does not start finite", "")


def _seen(value: object) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    return "None" if value is None else f"a {type(value).__name__}"


CHECKS = (
    forward_returns_an_output_and_a_cache,
    the_output_has_the_declared_shape,
    backward_returns_dx_and_gradients,
    the_dtype_is_kept,
    without_needs_input_grad_the_gradients_are_the_same,
    an_evaluation_changes_no_state,
    training_moves_the_state,
    an_evaluation_approaches_the_output_of_training,
    examples_are_independent_where_declared,
    forward_gives_what_its_reference_gives,
    the_output_is_finite_for_large_x,
    json_describes_it_fully,
    the_same_seed_gives_the_same_parameters,
)
