"""The contract of an observer: an action during training."""

from abc import abstractmethod
from typing import Annotated, Any, TypeAlias

from fcframe.components.base import FigureWatcher
from fcframe.components.fields import AnyOf
from fcframe.events import Training


class Observer(FigureWatcher):
    """An action during training, such as early stopping, gradient clipping or writing statistics.

    An observer is declared in a spec under `training.observers`. For each training, its method `watch` returns a new
    object that has any of these methods:

    - `training_start(training)`: once, before the first update.
    - `gradients(training, gradients)`: between the backward pass and the update; may change the gradients in place.
    - `step_end(training)`: after each update.
    - `evaluation(training, evaluation)`: after each evaluation.
    - `epoch_end(training)`: at the end of each epoch, after its evaluation.
    - `updates_end(training)`: once, after the last update, when the best parameters are restored and before the test
      set is evaluated; may change the parameters.
    - `training_end(training, run)`: once, when the run is complete.
    - `memory()` and `restore(memory)`: save and restore the object's state, a mapping of JSON values and arrays, for
      resumed trainings. An object without state needs neither.

    An observer that raises an exception is switched off, with a warning; the training continues.

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

    @abstractmethod
    def watch(self, training: Training) -> Any:
        """Returns a new object with the methods for this training, which has not started yet."""


AnyObserver: TypeAlias = Annotated[Observer, AnyOf(Observer)]
