"""Checks for optimizers: updates reduce a loss, change w in place, and remember only what is in the slots."""

from collections.abc import Callable, Sequence

import numpy as np

from fcframe.components import Step
from fcframe.context import Array
from fcframe.verify.fixtures.component_class import read_again
from fcframe.verify.fixtures.optimizer import OptimizedArrays, OptimizerFixture
from fcframe.verify.generate.names import generator_for
from fcframe.verify.report import CheckFailure, NotApplicable, look_at

STEPS = 20_000
"""The number of updates in which an optimizer must halve a quadratic loss."""
MIN_STEPS_BELOW = 200
"""The number of updates for which the loss must then stay below that."""


def it_descends_a_quadratic(fixture: OptimizerFixture) -> None:
    """With its own learning rate the optimizer halves the loss ½‖w − w*‖²."""
    _descend(fixture, condition=1.0)


def it_descends_an_ill_conditioned_quadratic(fixture: OptimizerFixture) -> None:
    """The optimizer halves a quadratic loss whose curvatures differ by a factor of 1,000."""
    _descend(fixture, condition=1e3)


def it_works_in_place_and_returns_nothing(fixture: OptimizerFixture) -> None:
    """`update` changes w in place and returns None: w is a view of the network's parameters."""
    weights = fixture.start()
    before = weights.copy()
    dw = fixture.gradients(1)[0]
    if any(returned is not None for returned in weights.update(dw, 1)):
        raise CheckFailure("update returned something", f"{_at(fixture)}; write into w and return nothing")
    if fixture.optimizer.learning_rate > 0 and fixture.declared and weights.bytes() == before.bytes():
        raise CheckFailure(
            "update did not change w",
            f"change w in place with `w -= …`; `w = w - …` only makes a new array; {_at(fixture)}",
        )


def it_leaves_the_gradient_unchanged(fixture: OptimizerFixture) -> None:
    """`update` does not change dw, which observers read after the update."""
    weights, (gradients,) = fixture.start(), fixture.gradients(1)
    for w, dw, slots in zip(weights.w, gradients, weights.slots, strict=True):
        given = dw.copy()
        fixture.optimizer.update(w, given, slots, Step(1, fixture.optimizer.learning_rate))
        if given.tobytes() != dw.tobytes():
            raise CheckFailure("update changed dw", f"{_at(fixture)}; work on a copy")


def one_block_or_many_give_the_same_bytes(fixture: OptimizerFixture) -> None:
    """An elementwise optimizer gives the same result for one array as for parts of it.

    The framework updates such parameters in blocks that fit the processor's cache.
    """
    if fixture.optimizer.per_tensor:
        raise NotApplicable("it declares per_tensor = True")
    gradients = fixture.gradients(3)
    whole = fixture.start().updated(gradients)
    blocks = fixture.start()
    for number, (dw,) in enumerate(gradients, 1):
        for part in (np.s_[:7], np.s_[7:8], np.s_[8:]):
            slots = {name: array[part] for name, array in blocks.slots[0].items()}
            step = Step(number, fixture.optimizer.learning_rate)
            fixture.optimizer.update(blocks.w[0][part], dw[part].copy(), slots, step)
    if blocks.bytes() != whole.bytes():
        raise CheckFailure(
            "an update in blocks gives other numbers than one of the whole array",
            f"if it uses a norm, a sum or a mean over w, declare per_tensor = True; {_at(fixture)}",
        )


def its_slots_are_those_declared(fixture: OptimizerFixture) -> None:
    """`update` keeps the declared slots and changes their arrays in place, because checkpoints store these arrays."""
    weights = fixture.start()
    made = [dict(own) for own in weights.slots]
    weights.updated(fixture.gradients(3))
    for own, before in zip(weights.slots, made, strict=True):
        if own.keys() != before.keys():
            raise CheckFailure(
                f"after update the slots are {sorted(own)}, the declared ones are {sorted(before)}", _at(fixture)
            )
        for name, array in own.items():
            if array is not before[name]:
                raise CheckFailure(f"update put another array into the slot {name}", f"{_at(fixture)}; write into it")


def a_restored_training_goes_on_as_if_never_interrupted(fixture: OptimizerFixture) -> None:
    """A training continued from copies of w and the slots gives the same result as one without a break."""
    gradients = fixture.gradients(6)
    weights = fixture.start().updated(gradients[:3])
    again = read_again(fixture.optimizer)
    restored = weights.copy(again)
    weights.updated(gradients[3:], start=4)
    restored.updated(gradients[3:], start=4)
    if restored.bytes() != weights.bytes():
        raise CheckFailure(
            "3 updates, and 3 more from copies of w and the slots, give other numbers than 6 updates without a break",
            f"it stores something outside its slots, or counts steps without `step.number`; {_at(fixture)}",
        )


def twice_gives_the_same_bytes(fixture: OptimizerFixture) -> None:
    """The same updates give identical results twice."""
    gradients = fixture.gradients(4)
    if fixture.start().updated(gradients).bytes() != fixture.start().updated(gradients).bytes():
        raise CheckFailure(
            "the same updates give other numbers the second time",
            f"it draws random numbers, or stores something; {_at(fixture)}",
        )


def a_zero_learning_rate_moves_nothing(fixture: OptimizerFixture) -> None:
    """With a learning rate of 0, to which a schedule may come, the first update does not change w.

    Only the first update: a velocity v ← μ v − η g remembers earlier learning rates and may change w later.
    """
    weights, gradients = fixture.start(), fixture.gradients(1)
    before = [array.tobytes() for array in weights.w]
    weights.update(gradients[0], 1, learning_rate=0.0)
    if [array.tobytes() for array in weights.w] != before:
        raise CheckFailure(
            "update changes w though the learning rate is 0",
            f"use step.learning_rate, which includes the schedule's factor, and not self.learning_rate; {_at(fixture)}",
        )


def a_zero_gradient_moves_nothing(fixture: OptimizerFixture) -> None:
    """Zero gradients do not change w without weight decay, and do not make it NaN by a division 0 / 0."""
    weights, before = fixture.start(), fixture.start()
    zeros = [np.zeros_like(array) for array in weights.w]
    with np.errstate(all="ignore"):
        weights.updated([zeros] * 3, decay=False)  # weight decay acts only if step.decay is True
    for now, start in zip(weights.w, before.w, strict=True):
        if not np.all(np.isfinite(now)):
            raise CheckFailure("w is not finite after zero gradients", f"add eps to the divisor; {_at(fixture)}")
        share = float(np.vdot(now, start) / np.vdot(start, start))
        if now.tobytes() == start.tobytes():
            continue
        if np.allclose(now, share * start, rtol=1e-6) and share < 1:
            raise NotApplicable("it decays the weights")
        raise CheckFailure("update changes w though dw and all slots are 0", _at(fixture))


def it_uses_step_decay_only_if_declared(fixture: OptimizerFixture) -> None:
    """An optimizer with `uses_decay = False`, which gets weights and biases in one block, ignores step.decay."""
    gradients = fixture.gradients(3)
    decaying, exempt = (fixture.start().updated(gradients, decay=decay) for decay in (True, False))
    if fixture.optimizer.uses_decay:
        return
    if decaying.bytes() != exempt.bytes():
        raise CheckFailure(
            "an update depends on step.decay, though the class declares uses_decay = False",
            f"remove the declaration; {_at(fixture)}",
        )


def first_and_late_steps_are_finite(fixture: OptimizerFixture) -> None:
    """The array w stays finite in the first step, t = 1, and in very late ones.

    A bias correction by 1 − β^(t − 1) divides by 0 in the first step, and one by β^(−t) overflows late.
    """
    gradients = fixture.gradients(2)
    for step in (1, 10, 10_000_000):
        weights = fixture.start()
        with np.errstate(all="ignore"):
            weights.updated(gradients, start=step)
        if not all(np.all(np.isfinite(array)) for array in weights.w):
            raise CheckFailure(f"w is not finite after step {step}", _at(fixture))


def it_is_finite_for_tiny_and_huge_gradients(fixture: OptimizerFixture) -> None:
    """The array w stays finite after gradients of about 1e-20 and 1e20 in float64."""
    for scale in (1e-20, 1e20):
        weights = fixture.start()
        with np.errstate(all="ignore"):
            weights.updated(fixture.gradients(3, scale=scale))
        if not all(np.all(np.isfinite(array)) for array in weights.w):
            raise CheckFailure(f"w is not finite after gradients of about {scale:g}", _at(fixture))


def float32_gives_what_float64_gives(fixture: OptimizerFixture) -> None:
    """Updates in float32 agree with those in float64 within float32's precision."""
    wide, narrow = fixture.start(), fixture.start(np.float32)
    wide.updated(fixture.gradients(3))
    narrow.updated(fixture.gradients(3, np.float32))
    for start, one, other in zip(fixture.start().w, wide.w, narrow.w, strict=True):
        error = float(np.abs(one - other).max())
        if not error <= 1e-4 * np.abs(one).max() + 1e-3 * np.abs(one - start).max():
            raise CheckFailure(f"w in float32 differs from the one in float64 by up to {error:.3g}", _at(fixture))


def _descend(fixture: OptimizerFixture, condition: float) -> None:
    if not fixture.declared:
        raise NotApplicable("the learning rate is not from `examples`")
    if fixture.optimizer.learning_rate == 0:
        raise NotApplicable("its learning rate is 0")
    for dtype in (np.float64, np.float32):
        weights = fixture.start(dtype)
        targets = fixture.gradients(1, dtype)[0]
        gradients = [_gradient(target, condition, generator_for(fixture.optimizer, fixture.seed)) for target in targets]
        start = lowest = _loss(weights, targets, gradients)[0]
        below = 0
        for step in range(1, STEPS + 1):
            loss, dw = _loss(weights, targets, gradients)
            lowest = min(lowest, loss)
            below = below + 1 if loss < 0.5 * start else 0
            if below > MIN_STEPS_BELOW or not np.isfinite(loss):
                break
            with np.errstate(all="ignore"):
                weights.update(dw, step)
        if below <= MIN_STEPS_BELOW:
            raise CheckFailure(
                f"the loss goes from {start:.3g} to {loss:.3g} in {step:,} updates with learning rate "
                f"{fixture.optimizer.learning_rate:g} ({np.dtype(dtype)}); its lowest value was {lowest:.3g}",
                f"likely cause: the sign or scale of the step, or the learning rate in `examples`; {_at(fixture)}",
            )


def _gradient(target: Array, condition: float, rng: np.random.Generator) -> Callable[[Array], Array]:
    """The gradient A (w − w*) of a quadratic loss with its minimum at the target w*.

    A has random eigenvectors and eigenvalues from 1 / condition to 1.
    """
    directions, _ = np.linalg.qr(rng.normal(size=(target.size, target.size)))
    matrix = (directions * np.geomspace(1 / condition, 1, target.size)) @ directions.T
    matrix = matrix.astype(target.dtype)
    return lambda w: (matrix @ (w - target).reshape(-1)).reshape(w.shape)


def _loss(
    weights: OptimizedArrays, targets: Sequence[Array], gradients: Sequence[Callable[[Array], Array]]
) -> tuple[float, list[Array]]:
    """The loss ½ (w − w*)ᵀ A (w − w*) summed over all arrays, and its gradients."""
    dw = [gradient(w) for gradient, w in zip(gradients, weights.w, strict=True)]
    losses = (0.5 * float(np.vdot(w - target, each)) for w, target, each in zip(weights.w, targets, dw, strict=True))
    return sum(losses), dw


def _at(fixture: OptimizerFixture) -> str:
    return look_at(fixture.optimizer, "update")


CHECKS = (
    it_works_in_place_and_returns_nothing,
    it_descends_a_quadratic,
    it_descends_an_ill_conditioned_quadratic,
    it_leaves_the_gradient_unchanged,
    one_block_or_many_give_the_same_bytes,
    its_slots_are_those_declared,
    a_restored_training_goes_on_as_if_never_interrupted,
    twice_gives_the_same_bytes,
    a_zero_learning_rate_moves_nothing,
    a_zero_gradient_moves_nothing,
    it_uses_step_decay_only_if_declared,
    first_and_late_steps_are_finite,
    it_is_finite_for_tiny_and_huge_gradients,
    float32_gives_what_float64_gives,
)
