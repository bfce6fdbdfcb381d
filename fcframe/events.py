"""What observers and hooks see of a training: its life cycle, its state and its records."""

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
"""Each event of a training, in the order in which they first happen, with its arguments.

An observer has a method of that name; a plugin has a hook of that name with the prefix `fcframe_`.
"""


class Step(NamedTuple):
    """What an update is told about the step that it makes, besides the arrays.

    >>> Step(number=1, learning_rate=0.1)
    Step(number=1, learning_rate=0.1, decay=True)
    """

    number: int
    """How many updates there have been, counting this one: 1, 2, …"""
    learning_rate: float
    """The optimizer's learning rate times the schedule's factor and the parameter's own."""
    decay: bool = True
    """Whether weight decay acts on this block: True for weights, False for biases and scales."""


class Results(dict[str, float]):
    """The figures of one evaluation by name, and which of them improve by growing.

    Args:
        figures: Name → value: "train_loss", "val_loss", "train_acc", "val_acc".
        higher: The names of the figures that improve by growing; the others improve by shrinking.

    >>> results = Results({"val_loss": 0.3, "val_acc": 0.9}, higher=("val_acc",))
    >>> results["val_acc"], results.higher_is_better("val_acc"), results.higher_is_better("val_loss")
    (0.9, True, False)
    """

    def __init__(self, figures: Mapping[str, float], higher: Any = ()) -> None:
        super().__init__(figures)
        self.higher = frozenset(higher)

    def higher_is_better(self, name: str) -> bool:
        """Whether the figure of that name improves by growing."""
        return name in self.higher


@dataclass(frozen=True)
class Evaluation:
    """What was measured at one moment of a training."""

    epoch: int
    """Epochs done; 0 for the evaluation after the first update."""
    step: int
    """Updates done."""
    results: Results
    """The figures: "train_loss", "val_loss", the metric as "train_acc" and "val_acc", and "learning_rate"."""

    def facts(self) -> dict[str, Any]:
        """The evaluation as JSON."""
        return {"epoch": self.epoch, "step": self.step, **self.results}


@dataclass
class History:
    """The losses and evaluations of a training so far."""

    losses: "array[float]" = field(default_factory=lambda: array("d"))
    """The minibatch's loss, penalties included, of every step."""
    evaluations: list[Evaluation] = field(default_factory=list)
    """All evaluations, first to last."""

    def series(self, name: str) -> list[float]:
        """One figure over all evaluations that have it: `history.series("val_acc")`."""
        return [found.results[name] for found in self.evaluations if name in found.results]


class Figure(NamedTuple):
    """A figure by which evaluations are compared."""

    name: str
    """Its name among the results: "val_acc"."""
    higher_is_better: bool
    """Whether it improves by growing."""


class FlatArrays(Protocol):
    """Named arrays that are views of one flat array."""

    flat: Array
    """All numbers; what is written here is seen in the views."""

    def __getitem__(self, name: str) -> Array:
        """The view of that name."""


class TrainedNetwork(Protocol):
    """The network that is trained; its arrays change with every step."""

    params: Any
    """Parameters by name; `params.flat` holds them all. A `FlatArrays`."""
    state: Any
    """Running statistics by name. A `FlatArrays`."""


class Training(Protocol):
    """A training that is under way, as observers and hooks see it.

    Arrays that it shows are reused by the next step: copy what is to be kept.
    """

    step: int
    """Updates done so far, of `steps`."""
    steps: int
    epoch: int
    """Epochs done so far, of `epochs`."""
    epochs: int
    steps_per_epoch: int
    loss: float
    """The last minibatch's loss."""
    learning_rate: float
    """The learning rate of the last update."""
    history: History
    """All losses and evaluations so far."""
    best: Evaluation | None
    """The best evaluation so far."""

    @property
    def network(self) -> TrainedNetwork:
        """The network."""

    @property
    def figure(self) -> Figure | None:
        """The figure that says which evaluation is best; None where there are no validation examples."""

    def stop(self, reason: str) -> None:
        """Ends the training after this step; the reason is kept in the run."""
