"""The solver's plain output, line by line as in the course."""

from collections.abc import Callable

from fcframe.events import Evaluation
from fcframe.training.solver import Solver


class PlainOutput:
    """Writes a line every `print_every` iterations, and one for each evaluation.

    Args:
        write: Takes a line.
        print_every: Iterations between two loss lines.
    """

    def __init__(self, write: Callable[[str], None], print_every: int = 100) -> None:
        self._write = write
        self._every = print_every

    def step_end(self, training: Solver) -> None:
        """The loss, after the first iteration and every `print_every` ones from there."""
        if (training.step - 1) % self._every == 0:
            self._write(f"(Iteration {training.step} / {training.steps}) loss: {training.loss:f}")

    def evaluation(self, training: Solver, evaluation: Evaluation) -> None:
        """The metric on training and validation examples."""
        self._write(evaluation_line(training, evaluation))


def evaluation_line(training: Solver, evaluation: Evaluation) -> str:
    """`(Epoch 0 / 30) train acc: 0.181000; val_acc: 0.166000`, or the losses where there is no metric."""
    label = training.metric.label if training.metric else "loss"
    figures = [f"train {label}: {evaluation.results[f'train_{label}']:f}"]
    if f"val_{label}" in evaluation.results:
        figures.append(f"val_{label}: {evaluation.results[f'val_{label}']:f}")
    return f"(Epoch {evaluation.epoch} / {training.epochs}) {'; '.join(figures)}"


def progress_observer(progress: bool | Callable[[str], None]) -> PlainOutput:
    """The observer for `train(progress=...)`: True prints lines, a function is called with each line."""
    return PlainOutput(progress if callable(progress) else print)
