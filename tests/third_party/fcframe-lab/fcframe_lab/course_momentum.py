"""An optimizer whose velocity remembers earlier learning rates."""

from typing import Annotated

from pydantic import Field

from fcframe import Example, Optimizer


class CourseMomentum(Optimizer):
    """Momentum as the course has it, v = momentum · v − learning_rate · dw, w ← w + v."""

    type = "course_momentum"
    uses_decay = False
    examples = (Example(learning_rate=0.02), Example(learning_rate=0.02, momentum=0.5))

    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Share of the velocity that is kept in each step."""

    def slots(self):
        return ("v",)

    def update(self, w, dw, slots, step):
        v = slots["v"]
        v *= self.momentum
        v -= step.learning_rate * dw
        w += v
