"""The interface between a training and its observers and hooks: events, the training's state, and its records."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from fcframe.arrays import Array

LIFE_CYCLE: Mapping[str, tuple[str, ...]] = {
    "training_start": ("training",),
    "gradients": ("training", "gradients"),
    "step_end": ("training",),
    "evaluation": ("training", "evaluation"),
    "epoch_end": ("training",),
    "updates_end": ("training",),
    "training_end": ("training", "run"),
}
"""The events of a training, in the order in which they first happen, and the arguments that each passes.

An observer handles an event with a method of that name; a plugin with a hook of that name and the prefix `fcframe_`.
"""


class Step(NamedTuple):
    """The settings of one update, which an optimizer receives besides the arrays.

    >>> Step(number=1, learning_rate=0.1)
    Step(number=1, learning_rate=0.1, decay=True)
    """

    number: int
    """Number of this update, from 1."""
    learning_rate: float
    """Learning rate of this update: the optimizer's, times the factors of the schedule and of the parameter."""
    decay: bool = True
    """Whether weight decay applies to this block: True for weights, False for biases and scales."""


class Results(dict[str, float]):
    """The figures of one evaluation by name, and for which of them higher is better.

    Args:
        figures: Name → value: "train_loss", "val_loss", "train_acc", "val_acc".
        higher: The names of the figures for which higher is better; for all others lower is better.

    >>> results = Results({"val_loss": 0.3, "val_acc": 0.9}, higher=("val_acc",))
    >>> results["val_acc"], results.higher_is_better("val_acc"), results.higher_is_better("val_loss")
    (0.9, True, False)
    """

    def __init__(self, figures: Mapping[str, float], higher: Any = ()) -> None:
        super().__init__(figures)
        self.higher = frozenset(higher)

    def higher_is_better(self, name: str) -> bool:
        """Whether higher is better for this figure."""
        return name in self.higher


@dataclass(frozen=True)
class Evaluation:
    """The results of one evaluation during a training."""

    epoch: int
    """Epochs completed; 0 for the evaluation after the first update."""
    step: int
    """Updates completed."""
    results: Results
    """The figures: "train_loss", "val_loss", the metric as "train_acc" and "val_acc", and "learning_rate"."""

    def facts(self) -> dict[str, Any]:
        """The evaluation as JSON."""
        return {"epoch": self.epoch, "step": self.step, **self.results}


@dataclass
class History:
    """The losses and evaluations of a training so far."""

    losses: "array[float]" = field(default_factory=lambda: array("d"))
    """The loss of each step's minibatch, including penalties."""
    evaluations: list[Evaluation] = field(default_factory=list)
    """All evaluations, in order."""

    def series(self, name: str) -> list[float]:
        """The values of one figure in all evaluations that have it: `history.series("val_acc")`."""
        return [evaluation.results[name] for evaluation in self.evaluations if name in evaluation.results]


class Figure(NamedTuple):
    """The figure that decides which evaluation is best."""

    name: str
    """Its name in the results: "val_acc"."""
    higher_is_better: bool
    """Whether higher is better."""


class FlatArrays(Protocol):
    """Named arrays that are views of one flat array."""

    flat: Array
    """All values in one array; the named arrays are views of it."""

    def __getitem__(self, name: str) -> Array:
        """The view with that name."""


class TrainedNetwork(Protocol):
    """The network that is being trained; its arrays change with every step."""

    params: Any
    """Parameters by name, a `FlatArrays`."""
    state: Any
    """Running statistics by name, a `FlatArrays`."""


class Training(Protocol):
    """A training in progress, as observers and hooks see it.

    The next step overwrites its arrays: copy an array to keep it.
    """

    step: int
    """Updates completed."""
    steps: int
    """Updates in the whole training."""
    epoch: int
    """Epochs completed."""
    epochs: int
    """Epochs in the whole training."""
    steps_per_epoch: int
    """Updates in one epoch."""
    loss: float
    """Loss of the last minibatch."""
    learning_rate: float
    """Learning rate of the last update."""
    history: History
    """All losses and evaluations so far."""
    best: Evaluation | None
    """The best evaluation so far."""

    @property
    def network(self) -> TrainedNetwork:
        """The network that is being trained."""

    @property
    def figure(self) -> Figure | None:
        """The figure that decides which evaluation is best; None if there are no validation examples."""

    def stop(self, reason: str) -> None:
        """Ends the training after this step; the reason is stored in the run."""
