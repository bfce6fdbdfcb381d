"""An observer that remembers something."""

from pydantic import PositiveFloat, PositiveInt

from fcframe import Example, Observer


class StopBelow(Observer):
    """Ends the training once the loss of so many minibatches in a row was below a threshold."""

    type = "stop_below"
    examples = (Example(), Example(threshold=0.5, times=2))

    threshold: PositiveFloat = 0.05
    """Loss below which a minibatch counts."""
    times: PositiveInt = 3
    """Number of minibatches in a row."""

    def watch(self, training):
        return _Counter(self)


class _Counter:
    def __init__(self, observer):
        self.observer, self.count = observer, 0

    def step_end(self, training):
        self.count = self.count + 1 if training.loss < self.observer.threshold else 0
        if self.count >= self.observer.times:
            training.stop(f"the loss was below {self.observer.threshold} in {self.count} minibatches")

    def memory(self):
        return {"count": self.count}

    def restore(self, memory):
        self.count = memory["count"]
