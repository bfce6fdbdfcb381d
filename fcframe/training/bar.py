"""A live bar on a terminal. It reads the solver a few times a second, so that it costs a step nothing."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fcframe.events import Evaluation
from fcframe.terminal import as_text, on_a_terminal
from fcframe.training.lines import evaluation_line
from fcframe.training.solver import Solver


@contextmanager
def bar_on(stream: Any) -> Iterator[list[Any]]:
    """The observer that draws a bar on a terminal while the block runs."""
    with TrainingBar(Console(file=stream, force_terminal=True, highlight=False, markup=False, emoji=False)) as bar:
        yield [bar]


class TrainingBar(Progress):
    """A bar over all iterations, with the epoch, the speed and the loss; evaluations scroll by above it."""

    _solver: Solver | None = None

    def __init__(self, console: Console) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("loss {task.fields[loss]:.4f}"),
            console=console,
            # what others print goes above the bar, but only if it goes to a terminal at all
            redirect_stdout=on_a_terminal(sys.stdout),
            redirect_stderr=on_a_terminal(sys.stderr),
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn: the state of the solver at this moment."""
        if self._solver is not None:
            self._show(self._solver)
        return super().get_renderables()

    def training_start(self, training: Solver) -> None:
        """Starts to draw."""
        self.add_task("", total=training.steps, loss=float("nan"), speed="")
        self._solver = training

    def evaluation(self, training: Solver, evaluation: Evaluation) -> None:
        """A line above the bar."""
        self.console.print(as_text(evaluation_line(training, evaluation)), highlight=False)

    def updates_end(self, training: Solver) -> None:
        """Draws the bar once more, full."""
        if self.live.is_started:
            self._show(training)

    def _show(self, solver: Solver) -> None:
        task = self.tasks[0]
        epoch = min(solver.epoch + 1, solver.epochs)
        self.update(
            task.id,
            completed=solver.step,
            description=f"Epoch {epoch}/{solver.epochs}",
            loss=solver.loss,
            speed=f"{task.speed:,.0f}/s" if task.speed else "",
        )
