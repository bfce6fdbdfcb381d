"""The contracts of how a network learns: optimizer and schedule."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, NamedTuple, TypeAlias

from pydantic import NonNegativeFloat

from fcframe.components.base import Component
from fcframe.components.fields import AnyOf
from fcframe.context import Array
from fcframe.events import Results
from fcframe.events import Step as Step


class Optimizer(Component):
    """The update rule.

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
    """False: elementwise, written for one array and called with blocks of all parameters. True: called with each
    parameter."""
    uses_decay: ClassVar[bool] = True
    """False if `update` never looks at `step.decay`: then a block may hold weights and biases, which is faster."""

    scratch: ClassVar[tuple[str, ...]] = ()
    """Names of temporary arrays, whose contents mean nothing between updates. They may be among the slots, so the text
    says `out=slots.get(name)`; an optimizer that makes no other array gets larger blocks."""

    learning_rate: NonNegativeFloat = 1e-3
    """The step size before the schedule's factor."""

    def slots(self) -> tuple[str, ...]:
        """The names of the arrays kept for each parameter between updates; they start as zeros."""
        return ()

    @abstractmethod
    def update(self, w: Array, dw: Array, slots: Mapping[str, Array], step: Step) -> None:
        """Changes w, and the slots, in place.

        Args:
            w: A block of all parameters as one flat array, or for a per-tensor optimizer one parameter.
            dw: Its gradient, unchanged on return.
            slots: For each name of `slots()`, an array of w's shape; and perhaps for each name of `scratch`.
            step: The step's number, its learning rate, and whether weight decay acts on this block.
        """


class Progress(NamedTuple):
    """How far a training has come.

    >>> Progress(step=250, steps_per_epoch=100, steps=1000).epoch
    2
    """

    step: int
    """Updates done so far."""
    steps_per_epoch: int
    """Updates in one epoch."""
    steps: int
    """Updates in the whole training."""

    @property
    def epoch(self) -> int:
        """Epochs done so far."""
        return self.step // self.steps_per_epoch


class Schedule(Component):
    """How the learning rate changes during training.

    >>> class Inverse(Schedule):
    ...     type = "inverse"
    ...     def factor(self, progress, memory):
    ...         return 1 / (1 + progress.epoch)
    >>> Inverse().factor(Progress(step=300, steps_per_epoch=100, steps=1000), {})
    0.25
    """

    kind = "schedule"
    plural = "schedules"

    def watched(self) -> tuple[str, bool | None] | None:
        """The figure that `observe` looks at, such as "val_loss", and whether higher is better if the spec says so.

        A spec whose training never measures the figure, or in which it improves the other way, is refused. None by
        default: no figure is watched.
        """
        return None

    def warmup_steps(self) -> int:
        """In how many updates the factor first rises; a training that is shorter is told so. 0 by default."""
        return 0

    def start(self) -> Mapping[str, float]:
        """What the schedule remembers when training starts. Nothing by default."""
        return {}

    @abstractmethod
    def factor(self, progress: Progress, memory: Mapping[str, float]) -> float:
        """What the optimizer's learning rate is multiplied with in the next update: 1.0 leaves it as it is."""

    def observe(self, memory: Mapping[str, float], results: Results) -> Mapping[str, float]:
        """What the schedule remembers after an evaluation. The same as before, by default.

        Args:
            memory: What it remembered so far; unchanged on return.
            results: The evaluation's figures: "train_loss", "val_loss", and the metric as "train_acc", "val_acc".

        Raises:
            KeyError: A figure that the schedule watches is not among the results.
        """
        return memory


AnyOptimizer: TypeAlias = Annotated[Optimizer, AnyOf(Optimizer)]
AnySchedule: TypeAlias = Annotated[Schedule, AnyOf(Schedule)]
