"""Small data sets and specs that train in milliseconds."""

import numpy as np

import fcframe


class Toy(fcframe.Dataset):
    """Two clouds of points, or a line; handed to specs as an instance, so it need not be registered."""

    type = "toy"

    rows: int = 60
    held_out: int = 20
    regression: bool = False

    def load(self, dtype, rng):
        X = rng.normal(size=(self.rows + 2 * self.held_out, 3)).astype(dtype)
        signal = X @ np.array([1.0, -2.0, 0.5])
        y = signal.astype(dtype) if self.regression else (signal > 0).astype(np.intp)
        a, b = self.rows, self.rows + self.held_out
        return fcframe.Data(X[:a], y[:a], X[a:b], y[a:b], X[b:], y[b:])


def experiment(*, layers=None, loss="softmax", data=None, **training):
    """A spec for the toy; keyword arguments are fields of its training section."""
    last = {"type": "affine", "units": 2 if loss == "softmax" else 1}
    return fcframe.ExperimentSpec.model_validate(
        {
            "network": {
                "input": [3],
                "layers": layers or [{"type": "affine", "units": 5}, {"type": "relu"}, last],
                "loss": {"type": loss},
            },
            "data": data or Toy(),
            "training": {"optimizer": {"type": "sgd", "learning_rate": 0.1}, "epochs": 3, "batch_size": 10} | training,
        }
    )


class Recorder:
    """Remembers which hooks were called, in order."""

    def __init__(self):
        self.calls = []

    @fcframe.hookimpl
    def fcframe_training_start(self, training):
        self.calls.append("training_start")

    @fcframe.hookimpl
    def fcframe_gradients(self, training, gradients):
        self.calls.append(("gradients", training.step))

    @fcframe.hookimpl
    def fcframe_step_end(self, training):
        self.calls.append(("step_end", training.step, training.loss))

    @fcframe.hookimpl
    def fcframe_evaluation(self, training, evaluation):
        self.calls.append(("evaluation", evaluation.epoch, evaluation.step))

    @fcframe.hookimpl
    def fcframe_epoch_end(self, training):
        self.calls.append(("epoch_end", training.epoch))

    @fcframe.hookimpl
    def fcframe_updates_end(self, training):
        self.calls.append("updates_end")

    @fcframe.hookimpl
    def fcframe_training_end(self, training, run):
        self.calls.append("training_end")
