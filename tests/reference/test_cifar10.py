"""The reference document's trainings, on the real data."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fcframe

SPECS = Path(__file__).parents[2] / "specs"
needs_data = pytest.mark.skipif(
    not (Path(os.environ.get("FCFRAME_DATA", "")) / "cifar-10-batches-py").is_dir(),
    reason="FCFRAME_DATA names no folder with cifar-10-batches-py",
)


@needs_data
def test_a_three_layer_net_overfits_fifty_images():
    run = fcframe.train(fcframe.load_spec(SPECS / "cifar10_overfit.json"))
    assert len(run.history.losses) == 40
    assert run.history.series("train_acc")[-1] == 1.0


@pytest.mark.slow
@needs_data
def test_the_two_layer_net_beats_the_reference_and_holds_the_data_once():
    # A process of its own, so that its peak memory is this training's.
    code = (
        "import fcframe, resource, sys; run = fcframe.train(fcframe.load_spec(sys.argv[1]));"
        "print(run.best.results['val_acc'], run.test['test_acc'],"
        "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(SPECS / "cifar10_two_layer.json")], capture_output=True, text=True, check=True
    )
    validation, test, gigabytes = (float(word) for word in found.stdout.split())
    assert validation >= 0.55
    assert test >= 0.53
    assert gigabytes < 1.3


def test_the_digits_of_the_readme_are_recognized():
    assert fcframe.train(fcframe.load_spec(SPECS / "digits.json")).test["test_acc"] >= 0.97
