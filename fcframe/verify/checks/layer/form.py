"""Checks for layers: shapes, names, dtypes and modes are as the class declares."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import ValidationError

from fcframe.chain import as_shape
from fcframe.components import Shape
from fcframe.verify.checks.layer.purity import require_deterministic
from fcframe.verify.fixtures.component_class import read_again
from fcframe.verify.fixtures.layer import LayerFixture, named_gradients
from fcframe.verify.report import MISSHAPEN, CheckFailure, NotApplicable, look_at
from fcframe.verify.running.check import foundation


@foundation
def forward_returns_an_output_and_a_cache(fixture: LayerFixture) -> None:
    """`forward` returns a pair of an array and a cache."""
    where = look_at(fixture.layer, "forward")
    result = fixture.layer.forward(fixture.x, fixture.params, fixture.context())
    if not isinstance(result, tuple) or len(result) != 2:
        raise CheckFailure(f"forward returned {_described(result)}, expected (out, cache)", where, MISSHAPEN)
    if not isinstance(result[0], np.ndarray):
        raise CheckFailure(f"forward returned {_described(result[0])} for out, expected an array", where, MISSHAPEN)


@foundation
def the_output_has_the_declared_shape(fixture: LayerFixture) -> None:
    """The output of `forward` has N rows of the shape that `output_shape` returns."""
    declared, actual = as_shape(fixture.layer.output_shape(fixture.case.input_shape)), fixture.forward().out.shape
    if declared is None or actual != (fixture.case.N, *declared):
        raise CheckFailure(
            f"for examples of shape {fixture.case.input_shape} output_shape returns {declared}, forward's output has "
            f"{actual[1:]} ({len(actual) and actual[0]} rows for {fixture.case.N} examples)",
            look_at(fixture.layer, "output_shape"),
            MISSHAPEN,
        )


@foundation
def backward_returns_dx_and_gradients(fixture: LayerFixture) -> None:
    """`backward` returns dx with the shape of x, and a mapping of the parameters' names to their gradients."""
    where = look_at(fixture.layer, "backward")
    result = fixture.backward()
    if not isinstance(result, tuple) or len(result) != 2:
        raise CheckFailure(f"backward returned {_described(result)}, expected (dx, gradients)", where, MISSHAPEN)
    dx, grads = result
    if isinstance(dx, Mapping) and not isinstance(grads, Mapping):
        message = "backward returned a mapping for dx and something else for the gradients"
        raise CheckFailure(message, f"likely cause: they are in the wrong order; return dx, grads\n{where}", MISSHAPEN)
    if not fixture.of_integers:
        _check_dx(fixture, dx, where)
    if not isinstance(grads, Mapping):
        message = (
            f"backward returned {_described(grads)} for the gradients, expected a mapping ({{}} without parameters)"
        )
        raise CheckFailure(message, where, MISSHAPEN)
    if not set(fixture.trained) <= grads.keys() <= fixture.params.keys():
        raise CheckFailure(
            f"backward returned gradients of {sorted(grads)}, the parameters are {sorted(fixture.params)}",
            where,
            MISSHAPEN,
        )
    for name, gradient in grads.items():
        shape, expected = np.shape(gradient), fixture.params[name].shape
        if shape != expected:
            cause = _likely_cause(name, shape, expected, fixture.case.N)
            raise CheckFailure(f"d{name} has shape {shape}, the parameter has {expected}", cause + where, MISSHAPEN)


def _check_dx(fixture: LayerFixture, dx: Any, where: str) -> None:
    if not isinstance(dx, np.ndarray):
        message = f"backward returned {_described(dx)} for dx, though ctx.needs_input_grad is True"
        raise CheckFailure(message, where, MISSHAPEN)
    if dx.shape != fixture.x.shape:
        owners = [name for name, array in fixture.params.items() if array.shape == dx.shape]
        cause = f"likely cause: it is the gradient of {owners[0]}: return dx first\n" if owners else ""
        raise CheckFailure(f"dx has shape {dx.shape}, x has {fixture.x.shape}", cause + where, MISSHAPEN)


def _likely_cause(name: str, shape: Shape, expected: Shape, N: int) -> str:
    """The likely cause of a gradient's wrong shape."""
    if shape == (N, *expected):
        return "likely cause: it is not summed over the minibatch\n"
    if shape == expected[::-1]:
        return f"likely cause: it is transposed: d{name} is {shape} where {name} is {expected}\n"
    return ""


def the_dtype_is_kept(fixture: LayerFixture) -> None:
    """The output and all gradients have the dtype of x and the parameters; float64 in float32 code costs time."""
    for dtype in (np.float64, np.float32):
        cast = LayerFixture(fixture.case, dtype)
        forward = cast.forward()
        results = {"out": forward.out, **cast.gradients(cast.douts[0], forward)}
        for name, array in results.items():
            if array.dtype != dtype:
                raise CheckFailure(
                    f"{name} is {array.dtype} for {np.dtype(dtype)} x and parameters",
                    "an array or a NumPy scalar of another dtype is used; Python numbers do not change the dtype",
                )
        for name, array in forward.state.items():
            if np.shape(array) != cast.state[name].shape:
                raise CheckFailure(
                    f"the state {name} has shape {np.shape(array)} after a pass, declared is {cast.state[name].shape}",
                    "",
                )


def without_needs_input_grad_the_gradients_are_the_same(fixture: LayerFixture) -> None:
    """If ctx.needs_input_grad is False, as in a first layer, backward may omit dx but gives the same gradients."""
    forward = fixture.forward(ctx=fixture.context(needs_input_grad=False))
    dx, grads = fixture.backward(forward=forward)
    if not set(fixture.trained) <= grads.keys() <= fixture.params.keys():
        raise CheckFailure(
            f"if ctx.needs_input_grad is False, backward returns gradients of {sorted(grads)}, "
            f"the parameters are {sorted(fixture.params)}",
            look_at(fixture.layer, "backward"),
        )
    expected = fixture.gradients(fixture.douts[0])
    for name, gradient in named_gradients(dx, grads).items():
        if name in expected and not np.array_equal(gradient, expected[name], equal_nan=True):
            require_deterministic(fixture)
            hint = "return None or the right dx; " if name == "dx" else ""
            raise CheckFailure(
                f"{name} differs if ctx.needs_input_grad is False",
                f"{hint}{look_at(fixture.layer, 'backward')}",
            )


def an_evaluation_changes_no_state(fixture: LayerFixture) -> None:
    """A forward with ctx.training = False does not change the state, for example running statistics."""
    if not fixture.state:
        raise NotApplicable("it keeps no state")
    ctx = fixture.context(training=False)
    fixture.forward(ctx=ctx)
    for name, array in fixture.state.items():
        if np.asarray(ctx.state[name]).tobytes() != array.tobytes():
            raise CheckFailure(
                f"an evaluation changed the state {name}",
                f"assign to ctx.state only in training; {look_at(fixture.layer, 'forward')}",
            )


def training_moves_the_state(fixture: LayerFixture) -> None:
    """A forward in training changes each array of the state."""
    if not fixture.state or not fixture.case.training or fixture.case.N < 2 or fixture.case.values != "gaussian":
        raise NotApplicable("it keeps no state, or this case does not change it")
    after = fixture.forward().state
    still = [name for name, array in fixture.state.items() if np.array_equal(after[name], array)]
    if still:
        raise CheckFailure(f"a training pass does not change the state {', '.join(still)}", "assign to ctx.state[name]")


def an_evaluation_approaches_the_output_of_training(fixture: LayerFixture) -> None:
    """After many training passes over one minibatch, an evaluation of it gives nearly the same output as training.

    Running statistics approach those of the minibatch.
    """
    if not fixture.state or not fixture.case.training or fixture.case.N < 2 or fixture.stochastic:
        raise NotApplicable("it keeps no state, or it is stochastic")
    if not fixture.follows:
        raise NotApplicable("it declares state_follows_minibatch = False")
    state = {name: array.copy() for name, array in fixture.state.items()}
    differences = []
    for turn in range(300):
        ctx = fixture.context(training=True)
        ctx.state = state
        out, _ = fixture.layer.forward(fixture.x, fixture.params, ctx)
        if turn in (0, 299):
            ctx = fixture.context(training=False)
            ctx.state = {name: array.copy() for name, array in state.items()}
            evaluated, _ = fixture.layer.forward(fixture.x, fixture.params, ctx)
            differences.append(float(np.abs(evaluated - out).max(initial=0)))
    first, last = differences
    if not last <= 1e-6 + 0.05 * first:
        raise CheckFailure(
            f"after 300 training passes over one minibatch, an evaluation of it still differs by {last:.3g} "
            f"({first:.3g} after the first pass)",
            "the running statistics do not approach the minibatch's, or the evaluation does not use them; if that is "
            "intended, declare state_follows_minibatch = False",
        )


def examples_are_independent_where_declared(fixture: LayerFixture) -> None:
    """With `examples_independent = True` the output of an example does not depend on the others in the minibatch."""
    if not fixture.independent:
        raise NotApplicable("it declares examples_independent = False")
    if (fixture.stochastic and fixture.case.training) or fixture.case.N < 2:
        raise NotApplicable("it draws random numbers for each example, or there is only one example")
    whole = fixture.forward().out
    changed = fixture.x.copy()
    changed[1:] = fixture.changed_input()[1:]
    for what, out in (
        ("alone", fixture.forward(fixture.x[:1]).out),
        ("beside other examples", fixture.forward(changed).out),
    ):
        if not np.allclose(out[0], whole[0], rtol=1e-9, atol=1e-12 * np.abs(whole).max(initial=0), equal_nan=True):
            raise CheckFailure(
                f"the output of an example {what} differs by up to {np.abs(out[0] - whole[0]).max():.3g}",
                "do not sum or average over the batch axis, or declare examples_independent = False",
            )


def forward_gives_what_its_reference_gives(fixture: LayerFixture) -> None:
    """`forward` computes the same as `reference`, the plain formula of a textbook."""
    params = {name: array.copy() for name, array in fixture.params.items()}
    expected = fixture.layer.reference(fixture.x.copy(), params, fixture.context())
    if expected is None:
        raise NotApplicable("it has no method `reference`")
    out = fixture.forward().out
    if np.shape(expected) != out.shape:
        message = f"reference returns shape {np.shape(expected)}, forward {out.shape}"
        raise CheckFailure(message, look_at(fixture.layer, "reference"))
    tolerance = 1e-9 * float(np.abs(expected).max(initial=0))
    if not np.allclose(out, expected, rtol=1e-7, atol=tolerance, equal_nan=True):
        index = np.unravel_index(np.argmax(np.nan_to_num(np.abs(out - expected), nan=np.inf)), out.shape)
        shown = ", ".join(str(int(position)) for position in index)
        raise CheckFailure(
            f"out[{shown}] is {out[index]:.10g}, reference gives {expected[index]:.10g}",
            look_at(fixture.layer, "forward"),
        )


def the_output_is_finite_for_large_x(fixture: LayerFixture) -> None:
    """The output and gradients are finite for |x| of about 1e3, for which an exponential would overflow."""
    if fixture.case.values != "large":
        raise NotApplicable("x is not large here")
    forward = fixture.forward()
    results = {"out": forward.out, **fixture.gradients(fixture.douts[0], forward)}
    for name, array in results.items():
        if not np.all(np.isfinite(array)):
            raise CheckFailure(
                f"{name} is not finite for |x| of about 1e3", "rewrite the formula so that nothing overflows"
            )


def json_describes_it_fully(fixture: LayerFixture) -> None:
    """A layer that is written as JSON and read again is the same layer."""
    document = fixture.layer.model_dump(mode="json")
    again = read_again(fixture.layer)
    if again.model_dump(mode="json") != document or again.forward is None:
        raise CheckFailure(f"written as JSON and read again, {document} becomes {again.model_dump(mode='json')}", "")
    try:
        type(fixture.layer).model_validate({**document, "no_such_field": 1})
    except ValidationError:
        return
    raise CheckFailure("an unknown field is accepted", "do not change model_config of the base class")


def the_same_seed_gives_the_same_parameters(fixture: LayerFixture) -> None:
    """Initial values of parameters are the same with the same seed, and finite."""
    for name, parameter in fixture.layer.parameters(fixture.case.input_shape).items():
        first, second = (parameter.sample(np.random.default_rng(3)) for _ in range(2))
        if first.tobytes() != second.tobytes():
            raise CheckFailure(f"the initial values of {name} differ with the same seed", "draw from rng alone")
        if not np.all(np.isfinite(first)):
            raise CheckFailure(f"the initial values of {name} are not finite", "")


def _described(value: object) -> str:
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
