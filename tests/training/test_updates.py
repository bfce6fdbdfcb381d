from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fcframe
from fcframe.kernels import Kernels
from fcframe.parameters import Views, initialized
from fcframe.training.minibatches import Minibatches
from fcframe.training.updates import Updates

OPTIMIZERS = fcframe.registry().optimizers
SHAPES = {"W": (4, 3), "b": (3,)}


def declared(shapes=SHAPES, **fields):
    return {name: fcframe.Parameter(shape, 0.0, decay=len(shape) > 1, **fields) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("block", [1, 3, 1000])
def test_blocks_of_any_size_give_the_same_bytes(name, block):
    def trained(block):
        params, grads = (Views(SHAPES, np.float64) for _ in range(2))
        rng = np.random.default_rng(0)
        params.flat[...] = rng.normal(size=15)
        updates = Updates(OPTIMIZERS[name](), declared(), params, grads, block=block)
        for step in range(1, 5):
            grads.flat[...] = rng.normal(size=15)
            updates(step, 0.1)
        return params.flat.tobytes()

    assert trained(block) == trained(32_768)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_zero_learning_rate_moves_nothing_and_a_gradient_is_left_unchanged(name):
    params, grads = (Views(SHAPES, np.float64) for _ in range(2))
    params.flat[...], grads.flat[...] = 1.5, -0.25
    Updates(OPTIMIZERS[name](), declared(), params, grads)(1, 0.0)
    assert (params.flat == 1.5).all()
    assert (grads.flat == -0.25).all()


class Rapid(Kernels):
    """Asks a test what it says of a step."""

    name = "rapid"

    def __init__(self, said):
        self.said = said

    def updates(self, update, w, dw, slots):
        return lambda step: self.said(w)


def after_a_step_with(said):
    params, grads = (Views({"w": (3,)}, np.float64) for _ in range(2))
    grads.flat[...] = 1
    Updates(OPTIMIZERS["sgd"](), declared({"w": (3,)}), params, grads, Rapid(said))(1, 0.5)
    return params.flat.tolist()


def test_a_step_that_the_kernels_made_is_not_made_again_and_one_that_they_leave_is_made():
    def made(w):
        w[...] = 7
        return True

    assert after_a_step_with(made) == [7, 7, 7]
    assert after_a_step_with(lambda w: False) == [-0.5, -0.5, -0.5]


@pytest.mark.parametrize("said", [None, 1, np.True_], ids=repr)
def test_kernels_that_do_not_say_whether_they_made_a_step_are_refused(said):
    message = rf"^kernels 'rapid': updates, step 1: expected True \(done\) or False .*, got {said!r}$"
    with pytest.raises(fcframe.ContractError, match=message):
        after_a_step_with(lambda w: said)


def test_adam_is_the_paper_s_algorithm():
    w, m, v = np.array([0.7]), 0.0, 0.0
    expected, slots = w.copy(), {"m": np.zeros(1), "v": np.zeros(1)}
    adam = OPTIMIZERS["adam"](beta1=0.8, beta2=0.9, eps=1e-3)
    for step, dw in enumerate([0.3, -0.2, 1e-4], start=1):
        adam.update(w, np.array([dw]), slots, fcframe.Step(step, 0.01))
        m, v = 0.8 * m + 0.2 * dw, 0.9 * v + 0.1 * dw**2
        expected -= 0.01 * (m / (1 - 0.8**step)) / (np.sqrt(v / (1 - 0.9**step)) + 1e-3)
    np.testing.assert_allclose(w, expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5)])
def test_muon_moves_a_matrix_by_a_nearly_orthogonal_step(shape):
    w = np.zeros(shape)
    dw = np.random.default_rng(0).normal(size=shape)
    OPTIMIZERS["muon"]().update(w, dw, {"v": np.zeros(shape)}, fcframe.Step(1, 1.0))
    singular = np.linalg.svd(w, compute_uv=False) / max(1.0, shape[0] / shape[1]) ** 0.5
    assert ((singular > 0.5) & (singular < 1.5)).all()
    assert np.vdot(w, dw) < 0


@given(rows=st.integers(1, 40), size=st.integers(1, 50), seed=st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_an_epoch_without_replacement_shows_every_example_once(rows, size, seed):
    X, y = np.arange(rows, dtype=float)[:, None], np.arange(rows)
    batches = Minibatches(X, y, size, False, np.random.default_rng(seed))
    seen = [(x.copy(), labels.copy()) for x, labels, _ in batches.epoch()]
    assert len(seen) == batches.steps_per_epoch
    assert sorted(np.concatenate([labels for _, labels in seen])) == list(range(rows))
    assert all((x[:, 0] == labels).all() for x, labels in seen)


@given(rows=st.integers(1, 40), size=st.integers(1, 50))
@settings(max_examples=50, deadline=None)
def test_minibatches_with_replacement_are_all_full(rows, size):
    X, y = np.arange(rows, dtype=float)[:, None], np.arange(rows)
    batches = Minibatches(X, y, size, True, np.random.default_rng(0))
    sizes = [len(labels) for _, labels, _ in batches.epoch()]
    assert sizes == [size] * max(1, rows // size)


class Recording(fcframe.Optimizer):
    """Notes the sizes of the blocks, and the step that each is given."""

    type = "recording"
    seen: ClassVar = []

    def update(self, w, dw, slots, step):
        self.seen.append((w.size, step.learning_rate, step.decay))
        w -= step.learning_rate * dw


class Indifferent(Recording):
    type = "indifferent"
    uses_decay = False


def blocks_of(optimizer, **fields):
    parameters = {
        "W": fcframe.Parameter((4, 3), 0.0),
        "b": fcframe.Parameter((3,), 0.0, decay=False),
        "slow": fcframe.Parameter((2, 2), 0.0, learning_rate=0.1),
        "frozen": fcframe.Parameter((5,), 0.0, trainable=False),
        "V": fcframe.Parameter((2, 3), 0.0),
    }
    params = initialized(parameters, np.float64, np.random.default_rng(0))
    trained = {name: params[name].shape for name in params if name != "frozen"}
    grads = Views(trained, np.float64, order=[name for name in params.order if name in trained])
    grads.flat[...] = 1
    one = optimizer()
    one.seen.clear()
    Updates(one, parameters, params, grads)(1, 0.5)
    return list(one.seen), params


def test_a_block_never_mixes_parameters_of_different_decay_or_learning_rate():
    seen, params = blocks_of(Recording)
    assert sorted(seen) == [(3, 0.5, False), (4, 0.05, True), (18, 0.5, True)]
    assert params["W"].ravel().tolist() == [-0.5] * 12
    assert params["slow"].ravel().tolist() == [-0.05] * 4
    assert params["frozen"].tolist() == [0] * 5


def test_an_optimizer_that_never_looks_at_decay_gets_larger_blocks():
    assert sorted(size for size, *_ in blocks_of(Indifferent)[0]) == [4, 21]


def test_weight_decay_spares_biases_and_shrinks_weights_by_its_share():
    params, grads = (Views(SHAPES, np.float64) for _ in range(2))
    params.flat[...] = 2.0
    Updates(OPTIMIZERS["adamw"](weight_decay=0.25), declared(), params, grads)(1, 0.5)
    assert params["W"].ravel().tolist() == [2.0 * (1 - 0.5 * 0.25)] * 12
    assert params["b"].tolist() == [2.0] * 3


def test_adamw_without_weight_decay_is_adam():
    results = []
    for optimizer in (OPTIMIZERS["adam"](), OPTIMIZERS["adamw"](weight_decay=0.0)):
        params, grads = (Views(SHAPES, np.float64) for _ in range(2))
        params.flat[...], grads.flat[...] = 1.5, np.linspace(-1, 1, 15)
        updates = Updates(optimizer, declared(), params, grads)
        for number in range(1, 6):
            updates(number, 0.01)
        results.append(params.flat.tobytes())
    assert results[0] == results[1]
