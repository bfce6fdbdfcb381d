"""No false alarm: right layers pass, however hard they are to judge, with whatever seed."""

import pytest

import fcframe
from fcframe.verify import gradcheck
from fcframe.verify.checks import layer_gradients
from fcframe.verify.harness import items
from fcframe.verify.report import Status
from tests.harness.right import RIGHT

REGISTERED = tuple(fcframe.registry().layers.values())
ALL = (*RIGHT, *REGISTERED)
SEEDS = 200
SHARE = 16
"""Each seed takes one in so many of a layer's gradient checks, each seed others; so that the whole takes minutes."""
ALARMS = (Status.FAILED, Status.INCONCLUSIVE)


def test_the_gallery_is_large():
    assert len({layer.type for layer in RIGHT}) == len(RIGHT) >= 35


@pytest.mark.parametrize("layer", RIGHT, ids=lambda layer: layer.type)
def test_a_right_layer_passes(layer):
    report = gradcheck(layer)
    assert report.passed, str(report)
    ran = {result.check for result in report if result.status is Status.PASSED}
    assert "the_gradient_of_x_is_right" in ran


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 22])
def test_right_layers_pass_with_other_seeds(seed):
    reports = {layer.type: gradcheck(layer, seed=seed) for layer in ALL}
    assert [str(report) for report in reports.values() if not report.passed] == []


@pytest.mark.slow
def test_no_gradient_of_a_right_layer_is_called_wrong_over_200_seeds():
    alarms = []
    for seed in range(SEEDS):
        for layer in ALL:
            chosen = [item for item in items(layer, fcframe.registry(), seed) if item.check in layer_gradients.CHECKS]
            results = [item.run() for item in chosen[seed % SHARE :: SHARE]]
            alarms += [f"seed {seed}: {result}" for result in results if result.status in ALARMS]
    assert alarms == []
