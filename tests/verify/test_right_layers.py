"""No false alarm: right layers pass, however hard they are to judge, with whatever seed."""

import pytest

import fcframe
from fcframe.verify import gradcheck
from fcframe.verify.checks.layer import gradients as layer_gradients
from fcframe.verify.report import Status
from fcframe.verify.suite import check_runs
from tests.galleries.right import RIGHT

REGISTERED = tuple(fcframe.registry().layers.values())
ALL = (*RIGHT, *REGISTERED)
SEEDS = 200
SHARE = 16
"""Each seed takes one in so many of a layer's gradient checks, each seed others; so that the whole takes minutes."""
FEW = 5
"""A test that is always run takes one in so many of all checks."""
ALARMS = (Status.FAILED, Status.INCONCLUSIVE)


def test_the_gallery_is_large():
    assert len({layer.type for layer in RIGHT}) == len(RIGHT) >= 35


@pytest.mark.parametrize("layer", RIGHT, ids=lambda layer: layer.type)
def test_a_right_layer_passes(layer):
    chosen = list(check_runs(layer, fcframe.registry()))[::FEW]
    assert {layer_gradients.the_gradient_of_x_is_right} <= {item.check for item in chosen}
    assert [str(result) for result in (item.run() for item in chosen) if result.status in ALARMS] == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 11])
@pytest.mark.parametrize("layer", ALL, ids=lambda layer: layer.type)
def test_a_right_layer_passes_every_check(layer, seed):
    report = gradcheck(layer, seed=seed)
    assert report.passed, str(report)


@pytest.mark.slow
def test_no_gradient_of_a_right_layer_is_called_wrong_over_200_seeds():
    alarms = []
    for seed in range(SEEDS):
        for layer in ALL:
            chosen = [
                item for item in check_runs(layer, fcframe.registry(), seed) if item.check in layer_gradients.CHECKS
            ]
            results = [item.run() for item in chosen[seed % SHARE :: SHARE]]
            alarms += [f"seed {seed}: {result}" for result in results if result.status in ALARMS]
    assert alarms == []
