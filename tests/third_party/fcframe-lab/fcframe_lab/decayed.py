"""An optimizer with weight decay of its own, which spares biases."""

from pydantic import NonNegativeFloat

from fcframe import Example, Optimizer


class Decayed(Optimizer):
    """Gradient descent with decoupled weight decay, w ← w − learning_rate · (dw + decay · w)."""

    type = "decayed"
    examples = (Example(learning_rate=0.05), Example(learning_rate=0.05, decay=0.1))

    decay: NonNegativeFloat = 0.01
    """Share of each weight that a step of learning rate 1 subtracts."""

    def update(self, w, dw, slots, step):
        if step.decay:
            w *= 1 - step.learning_rate * self.decay
        w -= step.learning_rate * dw
