"""The contract of an observer: what is done beside training."""

from abc import abstractmethod
from typing import Annotated, Any, TypeAlias

from fcframe.components.base import Component
from fcframe.components.fields import AnyOf
from fcframe.events import Training


class Observer(Component):
    """What is done beside training: stopping early, clipping gradients, writing statistics.

    An observer is declared in a spec under `training.observers`. For each training it returns a new object that has
    any of these methods:

    - `training_start(training)`: once, before the first update.
    - `gradients(training, gradients)`: between backward pass and update; may change the gradients in place.
    - `step_end(training)`: after each update.
    - `evaluation(training, evaluation)`: after each evaluation.
    - `epoch_end(training)`: at the end of each epoch, after its evaluation.
    - `updates_end(training)`: once, after the last update, with the best parameters back in the network and before the
      test examples are scored; may change the parameters.
    - `training_end(training, run)`: once, when the run is complete.
    - `memory()` and `restore(memory)`: what the object remembers, as a mapping of JSON values and arrays, so that a
      resumed training continues it. An object that remembers nothing needs neither.

    An observer that raises an exception is named in a warning and switched off; the training goes on.

    >>> class StopAt(Observer):
    ...     type = "stop_at"
    ...     loss: float = 0.1
    ...     def watch(self, training):
    ...         return Watcher(self.loss)
    >>> class Watcher:
    ...     def __init__(self, loss):
    ...         self.loss = loss
    ...     def step_end(self, training):
    ...         if training.loss < self.loss:
    ...             training.stop(f"the loss is below {self.loss}")
    """

    kind = "observer"
    plural = "observers"

    def watched(self) -> tuple[str, bool | None] | None:
        """The figure that is looked at, such as "val_loss", and whether higher is better if the spec says so.

        A spec whose training never measures the figure, or in which it improves the other way, is refused. None by
        default: no figure is watched.
        """
        return None

    @abstractmethod
    def watch(self, training: Training) -> Any:
        """A new object with the methods that are to be called during this training; `training` has not begun yet."""


AnyObserver: TypeAlias = Annotated[Observer, AnyOf(Observer)]
