"""For every optimizer, … : it goes downhill, in place, and keeps nothing but its slots."""

from collections.abc import Callable, Sequence

import numpy as np

from fcframe.components import Step
from fcframe.context import Array
from fcframe.verify.fixtures.optimizer import OptimizedArrays, OptimizerFixture
from fcframe.verify.generate.names import generator_for
from fcframe.verify.report import CheckFailure, NotApplicable, look_at

STEPS = 20_000
"""How many updates an optimizer may take to halve a quadratic's height."""
STAYS = 200
"""For how many updates the height must then stay below."""


def it_descends_a_quadratic(fixture: OptimizerFixture) -> None:
    """Whatever cannot halve ½‖w − w*‖² at its own learning rate trains nothing."""
    _descend(fixture, condition=1.0)


def it_descends_an_ill_conditioned_quadratic(fixture: OptimizerFixture) -> None:
    """Losses are steep in some directions and flat in others; here a thousand times."""
    _descend(fixture, condition=1e3)


def it_works_in_place_and_returns_nothing(fixture: OptimizerFixture) -> None:
    """What it writes to is a view of the network's parameters: what is returned instead of written is lost."""
    weights = fixture.start()
    before = weights.copy()
    dw = fixture.gradients(1)[0]
    if any(returned is not None for returned in weights.update(dw, 1)):
        raise CheckFailure("update returned something", f"{_at(fixture)}; write into w and return nothing")
    if fixture.optimizer.learning_rate > 0 and fixture.declared and weights.bytes() == before.bytes():
        raise CheckFailure(
            "update moved nothing",
            f"change w in place: `w -= …` does, `w = w - …` makes a new array that is lost; {_at(fixture)}",
        )


def it_leaves_the_gradient_unchanged(fixture: OptimizerFixture) -> None:
    """It is a view of all gradients, which others read after the update."""
    weights, (gradients,) = fixture.start(), fixture.gradients(1)
    for w, dw, slots in zip(weights.w, gradients, weights.slots, strict=True):
        given = dw.copy()
        fixture.optimizer.update(w, given, slots, Step(1, fixture.optimizer.learning_rate))
        if given.tobytes() != dw.tobytes():
            raise CheckFailure("update changed dw", f"{_at(fixture)}; work on a copy")


def one_block_or_many_give_the_same_bytes(fixture: OptimizerFixture) -> None:
    """The framework hands an elementwise optimizer blocks of all parameters, as suits the processor's cache."""
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
            f"a norm, a sum or a mean over w takes part: declare per_tensor = True; {_at(fixture)}",
        )


def its_slots_are_those_declared(fixture: OptimizerFixture) -> None:
    """Slots are kept in the checkpoint and made by the framework: by name, and in place."""
    weights = fixture.start()
    made = [dict(own) for own in weights.slots]
    weights.updated(fixture.gradients(3))
    for own, before in zip(weights.slots, made, strict=True):
        if own.keys() != before.keys():
            raise CheckFailure(f"update left the slots {sorted(own)}, declared are {sorted(before)}", _at(fixture))
        for name, array in own.items():
            if array is not before[name]:
                raise CheckFailure(f"update put another array into the slot {name}", f"{_at(fixture)}; write into it")


def a_restored_training_goes_on_as_if_never_interrupted(fixture: OptimizerFixture) -> None:
    """A checkpoint holds w and the slots, and nothing else."""
    gradients = fixture.gradients(6)
    weights = fixture.start().updated(gradients[:3])
    again = type(fixture.optimizer).model_validate(fixture.optimizer.model_dump(mode="json"))
    restored = weights.copy(again)
    weights.updated(gradients[3:], start=4)
    restored.updated(gradients[3:], start=4)
    if restored.bytes() != weights.bytes():
        raise CheckFailure(
            "after 3 updates, and 3 more from a copy of w and slots, the numbers are other than after 6",
            f"it keeps something besides its slots, or counts by itself instead of by `step.number`; {_at(fixture)}",
        )


def twice_gives_the_same_bytes(fixture: OptimizerFixture) -> None:
    """A run is a function of its spec and seed."""
    gradients = fixture.gradients(4)
    if fixture.start().updated(gradients).bytes() != fixture.start().updated(gradients).bytes():
        raise CheckFailure("the same updates give other numbers", f"it draws, or keeps something; {_at(fixture)}")


def a_zero_learning_rate_moves_nothing(fixture: OptimizerFixture) -> None:
    """A schedule may bring the learning rate to 0, and means it.

    From fresh slots: an optimizer's velocity may remember earlier learning rates, v ← μ v − η g, and then moves w on.
    """
    weights, gradients = fixture.start(), fixture.gradients(1)
    before = [array.tobytes() for array in weights.w]
    weights.update(gradients[0], 1, learning_rate=0.0)
    if [array.tobytes() for array in weights.w] != before:
        raise CheckFailure(
            "w moves though learning_rate is 0",
            f"use step.learning_rate, which the schedule has multiplied, and not self.learning_rate; {_at(fixture)}",
        )


def a_zero_gradient_moves_nothing(fixture: OptimizerFixture) -> None:
    """A parameter that does not reach the loss stays; and 0 / 0 must not make it NaN."""
    weights, before = fixture.start(), fixture.start()
    zeros = [np.zeros_like(array) for array in weights.w]
    with np.errstate(all="ignore"):
        weights.updated([zeros] * 3, decay=False)  # what decays weights does so where step.decay is True
    for now, start in zip(weights.w, before.w, strict=True):
        if not np.all(np.isfinite(now)):
            raise CheckFailure("w is not finite after zero gradients", f"{_at(fixture)}; add eps before dividing")
        share = float(np.vdot(now, start) / np.vdot(start, start))
        if now.tobytes() == start.tobytes():
            continue
        if np.allclose(now, share * start, rtol=1e-6) and share < 1:
            raise NotApplicable("it decays the weights")
        raise CheckFailure("w moves though dw and all slots are 0", _at(fixture))


def it_uses_step_decay_only_if_declared(fixture: OptimizerFixture) -> None:
    """`uses_decay = False` lets the framework hand over blocks of weights and biases together."""
    gradients = fixture.gradients(3)
    decaying, exempt = (fixture.start().updated(gradients, decay=decay) for decay in (True, False))
    if fixture.optimizer.uses_decay:
        return
    if decaying.bytes() != exempt.bytes():
        raise CheckFailure(
            "an update depends on step.decay, though the class declares uses_decay = False",
            f"leave the declaration out; {_at(fixture)}",
        )


def first_and_late_steps_are_finite(fixture: OptimizerFixture) -> None:
    """`step.number`, t, counts from 1: a bias correction by 1 − β^(t − 1) divides by 0, one by β^−t overflows late."""
    gradients = fixture.gradients(2)
    for step in (1, 10, 10_000_000):
        weights = fixture.start()
        with np.errstate(all="ignore"):
            weights.updated(gradients, start=step)
        if not all(np.all(np.isfinite(array)) for array in weights.w):
            raise CheckFailure(f"w is not finite after step {step}", _at(fixture))


def it_is_finite_for_tiny_and_huge_gradients(fixture: OptimizerFixture) -> None:
    """A gradient of 1e-20 must not divide by 0, nor one of 1e20 overflow in float64."""
    for scale in (1e-20, 1e20):
        weights = fixture.start()
        with np.errstate(all="ignore"):
            weights.updated(fixture.gradients(3, scale=scale))
        if not all(np.all(np.isfinite(array)) for array in weights.w):
            raise CheckFailure(f"w is not finite after gradients of about {scale:g}", _at(fixture))


def float32_gives_what_float64_gives(fixture: OptimizerFixture) -> None:
    """Networks are trained in float32, and w and the slots stay in it."""
    wide, narrow = fixture.start(), fixture.start(np.float32)
    wide.updated(fixture.gradients(3))
    narrow.updated(fixture.gradients(3, np.float32))
    for start, one, other in zip(fixture.start().w, wide.w, narrow.w, strict=True):
        off = float(np.abs(one - other).max())
        if not off <= 1e-4 * np.abs(one).max() + 1e-3 * np.abs(one - start).max():
            raise CheckFailure(f"w in float32 differs from the one in float64 by up to {off:.3g}", _at(fixture))


def _descend(fixture: OptimizerFixture, condition: float) -> None:
    if not fixture.declared:
        raise NotApplicable("its author did not choose this learning rate")
    if fixture.optimizer.learning_rate == 0:
        raise NotApplicable("its learning rate is 0")
    for dtype in (np.float64, np.float32):
        weights = fixture.start(dtype)
        targets = fixture.gradients(1, dtype)[0]
        slopes = [_slope(target, condition, generator_for(fixture.optimizer, fixture.seed)) for target in targets]
        start = lowest = _height(weights, targets, slopes)[0]
        below = 0
        for step in range(1, STEPS + 1):
            height, dw = _height(weights, targets, slopes)
            lowest = min(lowest, height)
            below = below + 1 if height < 0.5 * start else 0
            if below > STAYS or not np.isfinite(height):
                break
            with np.errstate(all="ignore"):
                weights.update(dw, step)
        if below <= STAYS:
            raise CheckFailure(
                f"from {start:.3g} the loss comes to {height:.3g} in {step:,} updates of learning rate "
                f"{fixture.optimizer.learning_rate:g} ({np.dtype(dtype)}); its lowest was {lowest:.3g}",
                f"the sign, the scale of the step, or the examples' learning rate; {_at(fixture)}",
            )


def _slope(target: Array, condition: float, rng: np.random.Generator) -> Callable[[Array], Array]:
    """The gradient of a quadratic with its lowest point at the target, and steepest directions that no axis is."""
    directions, _ = np.linalg.qr(rng.normal(size=(target.size, target.size)))
    matrix = (directions * np.geomspace(1 / condition, 1, target.size)) @ directions.T
    matrix = matrix.astype(target.dtype)
    return lambda w: (matrix @ (w - target).reshape(-1)).reshape(w.shape)


def _height(
    weights: OptimizedArrays, targets: Sequence[Array], slopes: Sequence[Callable[[Array], Array]]
) -> tuple[float, list[Array]]:
    dw = [slope(w) for slope, w in zip(slopes, weights.w, strict=True)]
    heights = (0.5 * float(np.vdot(w - target, each)) for w, target, each in zip(weights.w, targets, dw, strict=True))
    return sum(heights), dw


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
