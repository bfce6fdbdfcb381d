"""What `fcframe train` says at the end of a training."""

import numpy as np

from tests.cli.shell import fcframe

SPEC = """{
  "network": {"input": [2], "layers": [{"type": "affine", "units": 2}], "loss": {"type": "softmax"}},
  "data": {"type": "npz", "path": "data.npz", "validation": 0},
  "training": {"optimizer": {"type": "sgd"}, "epochs": 1}
}"""


def test_without_validation_examples_no_parameters_are_called_the_best(tmp_path):
    (tmp_path / "spec.json").write_text(SPEC)
    np.savez(tmp_path / "data.npz", X=np.ones((20, 2)), y=np.zeros(20, int))
    done = fcframe("train", "spec.json", cwd=tmp_path)
    assert done.code == 0
    assert "test_acc: 1.000000 (last parameters)" in done.out.splitlines()


def test_a_training_that_ends_early_says_why(tmp_path):
    (tmp_path / "spec.json").write_text(SPEC)
    np.savez(tmp_path / "data.npz", X=np.ones((20, 2)), y=np.zeros(20, int))
    stop = 'training.observers=[{"type": "early_stopping", "figure": "train_loss", "patience": 1, '
    changes = ["--set", "training.epochs=9", "--set", stop + '"smallest_improvement": 100}]']
    lines = fcframe("train", "spec.json", *changes, cwd=tmp_path).out.splitlines()
    assert "stopped early: train_loss has not improved for 2 evaluations" in lines
