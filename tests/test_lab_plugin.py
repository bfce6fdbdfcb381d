"""A third party's plugin with one component for each thing that a contract may allow: found, verified and trained."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAB = ROOT / "tests" / "third_party" / "fcframe-lab"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The plugin as an installer leaves it: its package, and beside it the metadata of its distribution."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(LAB / "fcframe_lab", folder / "fcframe_lab", ignore=shutil.ignore_patterns("__pycache__"))
    metadata = folder / "fcframe_lab-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fcframe-lab\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[fcframe]\nlab = fcframe_lab\n")
    return folder


def python(folder, code, *arguments):
    found = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)},
    )  # fmt: skip
    assert found.returncode == 0, f"{found.stdout}\n{found.stderr}"
    return found.stdout


def fcframe(folder, *arguments):
    return python(folder, "from fcframe.cli import main; main()", *arguments)


def test_announcing_components_imports_none_of_them(folder):
    code = "import sys, fcframe; fcframe.registry().layers.keys(); print(*sys.modules)"
    assert {name for name in python(folder, code).split() if name.startswith("fcframe_lab")} == {"fcframe_lab"}


def test_every_component_of_the_plugin_is_verified_by_being_installed(folder):
    report = json.loads(fcframe(folder, "gradcheck", "--plugin", "fcframe-lab", "--json"))
    assert report["verdict"] == "passed"
    names = [found["component"] for found in report["components"]]
    assert sorted(names) == [
        "layer active", "layer course_relu", "layer filters", "layer rescale", "layer softsign", "layer token_mean",
        "loss weighted_mae", "observer stop_below", "optimizer course_momentum", "optimizer decayed",
    ]  # fmt: skip


TRAIN = """
import sys, json, numpy as np, fcframe
spec = fcframe.load_spec(json.loads(sys.argv[1]))
rng = np.random.default_rng(0)
X, y = eval(sys.argv[2])
run = fcframe.train(spec, data=(X, y))
losses = run.history.series("train_loss")
print(json.dumps([losses[0], min(losses), run.stopped, list(run.notes)]))
"""


def trained(folder, layers, data, *, input_shape, loss="mse", optimizer=None, **training):
    document = {
        "network": {"input": input_shape, "layers": layers, "loss": {"type": loss}},
        "training": {
            "optimizer": optimizer or {"type": "adam", "learning_rate": 0.02},
            "epochs": 30, "batch_size": 20, **training,
        },
    }  # fmt: skip
    first, lowest, stopped, notes = json.loads(python(folder, TRAIN, json.dumps(document), data))
    assert notes == []
    assert lowest < 0.5 * first
    return stopped


LINE = "(X := rng.normal(size=(200, 4)), X @ np.array([1.0, -2.0, 0.5, 0.0]))"
AFFINE = [{"type": "affine", "units": 8}, {"type": "softsign"}, {"type": "affine", "units": 1}]


@pytest.mark.parametrize(
    ("layers", "data", "fields"),
    [
        ([{"type": "token_mean", "vocabulary": 6, "units": 4}, {"type": "affine", "units": 1}],
         "(X := rng.integers(0, 6, size=(200, 3)), X.mean(axis=1))", {"input_shape": [3]}),
        ([{"type": "affine", "units": 8}, {"type": "active", "strength": 1e-3}, {"type": "affine", "units": 1}],
         LINE, {"input_shape": [4]}),
        ([{"type": "filters", "count": 4, "width": 3}, {"type": "course_relu"}, {"type": "affine", "units": 1}],
         "(X := rng.normal(size=(200, 2, 6)), X[:, 0, :3].sum(axis=1))", {"input_shape": [2, 6]}),
        ([{"type": "rescale"}, {"type": "affine", "units": 1}], LINE, {"input_shape": [4]}),
        (AFFINE, LINE, {"input_shape": [4], "loss": "weighted_mae"}),
        (AFFINE, LINE, {"input_shape": [4], "optimizer": {"type": "course_momentum", "learning_rate": 0.01}}),
        (AFFINE, LINE, {"input_shape": [4], "optimizer": {"type": "decayed", "learning_rate": 0.05, "decay": 1e-3}}),
    ],
    ids=["integers", "penalty", "convolution", "frozen", "weights", "momentum", "decay"],
)  # fmt: skip
def test_each_component_trains(folder, layers, data, fields):
    assert trained(folder, layers, data, **fields) == ""


def test_its_observer_ends_the_training(folder):
    observers = [{"type": "fcframe-lab:stop_below", "threshold": 1.0}]
    stopped = trained(folder, AFFINE, LINE, input_shape=[4], observers=observers)
    assert stopped == "the loss was below 1.0 in 3 minibatches"
