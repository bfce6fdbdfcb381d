"""The contracts of optimizers and learning-rate schedules."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, NamedTuple, TypeAlias

from pydantic import NonNegativeFloat

from fcframe.components.base import Component, FigureWatcher
from fcframe.components.fields import AnyOf
from fcframe.context import Array
from fcframe.events import Results
from fcframe.events import Step as Step


class Optimizer(Component):
    """An algorithm that updates the parameters from their gradients.

    >>> import numpy as np
    >>> class Sign(Optimizer):
    ...     type = "sign"
    ...     def update(self, w, dw, slots, step):
    ...         w -= step.learning_rate * np.sign(dw)
    >>> w = np.array([1.0, 1.0])
    >>> Sign().update(w, np.array([0.3, -7.0]), {}, Step(1, 0.25))
    >>> w
    array([0.75, 1.25])
    """

    kind = "optimizer"
    plural = "optimizers"
    per_tensor: ClassVar[bool] = False
    """False: the update is elementwise, and is called with flat blocks of all parameters. True: it is called with one
    parameter at a time, in its shape."""
    uses_decay: ClassVar[bool] = True
    """False if `update` never reads `step.decay`. Weights and biases can then share a block, which is faster."""

    scratch: ClassVar[tuple[str, ...]] = ()
    """Names of temporary arrays. `update` should use `out=slots.get(name)`, because they may be among the slots, with
    undefined contents. An optimizer that allocates no other arrays gets larger blocks, which is faster."""

    learning_rate: NonNegativeFloat = 1e-3
    """Step size, before the schedule's factor."""

    def slots(self) -> tuple[str, ...]:
        """The names of the arrays that are kept for each parameter between updates, initially zeros."""
        return ()

    @abstractmethod
    def update(self, w: Array, dw: Array, slots: Mapping[str, Array], step: Step) -> None:
        """Updates w and the slots in place.

        Args:
            w: A flat block of the parameters; for a per-tensor optimizer, one parameter.
            dw: The gradient of w, unchanged on return.
            slots: An array of w's shape for each name in `slots()`, and possibly for each name in `scratch`.
            step: The number of the step, its learning rate, and whether weight decay applies to this block.
        """


class Progress(NamedTuple):
    """The progress of a training.

    >>> Progress(step=250, steps_per_epoch=100, steps=1000).epoch
    2
    """

    step: int
    """Updates completed."""
    steps_per_epoch: int
    """Updates in one epoch."""
    steps: int
    """Updates in the whole training."""

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return self.step // self.steps_per_epoch


class Schedule(FigureWatcher):
    """A rule for changing the learning rate during training.

    >>> class Inverse(Schedule):
    ...     type = "inverse"
    ...     def factor(self, progress, memory):
    ...         return 1 / (1 + progress.epoch)
    >>> Inverse().factor(Progress(step=300, steps_per_epoch=100, steps=1000), {})
    0.25
    """

    kind = "schedule"
    plural = "schedules"

    def warmup_steps(self) -> int:
        """Number of updates in the warm-up; there is a warning if the training is shorter. Default: 0."""
        return 0

    def start(self) -> Mapping[str, float]:
        """The state of the schedule at the start of training. Default: empty."""
        return {}

    @abstractmethod
    def factor(self, progress: Progress, memory: Mapping[str, float]) -> float:
        """The factor on the optimizer's learning rate in the next update."""

    def observe(self, memory: Mapping[str, float], results: Results) -> Mapping[str, float]:
        """The state of the schedule after an evaluation. Default: unchanged.

        Args:
            memory: The state before the evaluation; unchanged on return.
            results: The figures of the evaluation: "train_loss", "val_loss", and the metric: "train_acc", "val_acc".

        Raises:
            KeyError: A figure that the schedule watches is not among the results.
        """
        return memory


AnyOptimizer: TypeAlias = Annotated[Optimizer, AnyOf(Optimizer)]
AnySchedule: TypeAlias = Annotated[Schedule, AnyOf(Schedule)]
