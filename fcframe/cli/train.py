"""`fcframe train SPEC`: trains a network, shows the progress, and writes the run to a folder."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from fcframe.cli import complain
from fcframe.cli.common import (
    at_least,
    json_option,
    kernels_option,
    located,
    overrides_option,
    print_json,
    read_spec,
    threads_option,
)
from fcframe.cli.interrupts import InterruptedCommandError, Interrupts, handled_signals, signal_number
from fcframe.cli.streams import Command, stdout
from fcframe.plugins import registry
from fcframe.providers import name_in_use
from fcframe.spec.models import ExperimentSpec
from fcframe.terminal import on_a_terminal
from fcframe.training import Run, train
from fcframe.training.folder import checked, numbered
from fcframe.training.output import PlainOutput, SafeStream
from fcframe.training.run import is_complete
from fcframe.training.solver import Solver
from fcframe.training.turns import threads_for


@click.command("train", cls=Command)
@click.argument("spec")
@overrides_option
@click.option("--out", metavar="FOLDER", help="Folder to write the run to. Default: runs/NAME-NUMBER.")
@click.option("--plain", is_flag=True, help="Print lines instead of a progress bar. Default if there is no terminal.")
@click.option(
    "--print-every",
    type=click.UNPROCESSED,
    callback=at_least(1),
    metavar="N",
    default=100,
    show_default=True,
    help="Steps between two printed losses.",
)
@kernels_option
@threads_option
@click.option(
    "--share-cores",
    is_flag=True,
    help="Take turns on the cores with your other trainings on this machine that have this option. Trainings that use "
    "all cores finish sooner in turns than at the same time. Results do not change.",
)
@json_option
def command(
    spec: str,
    overrides: tuple[str, ...],
    out: str | None,
    plain: bool,
    print_every: int,
    kernels: str | None,
    threads: int | None,
    share_cores: bool,
    as_json: bool,
) -> None:
    """Train the network of the experiment spec SPEC, and write the run to a new folder.

    The folder contains the spec with all defaults, the loss of every step, all evaluations, the trained parameters and
    a summary. If the training fails or is interrupted, nothing is written. "-" reads the spec from standard input.
    """
    experiment = read_spec(spec, overrides)
    with located(spec):
        count = threads_for(experiment, threads)
    name_in_use(registry(), kernels)  # outside `located`: a wrong name is not a mistake in the spec
    folder = numbered(Path("runs"), _name(spec, experiment)) if out is None else nullcontext(checked(out))
    screen = SafeStream(stdout())  # a training must not end because its progress cannot be shown
    options: dict[str, Any] = {"kernels": kernels, "threads": count, "share_cores": share_cores}
    with handled_signals() as interrupts, located(spec), folder as path:
        run = _train(experiment, path, options, _progress(screen, plain, print_every, as_json), interrupts)
    if as_json:
        print_json(run.facts() | {"path": str(run.path)})
        return
    for line in _summary(run):
        screen.line(line)
    if screen.failure is not None and not isinstance(screen.failure, BrokenPipeError):
        reason = getattr(screen.failure, "strerror", None) or screen.failure
        complain(f"note: standard output: {reason}; run: {run.path}")


def _progress(screen: SafeStream, plain: bool, print_every: int, quiet: bool) -> Any:
    """A context manager that yields a list of at most one observer, which shows the progress of the training."""
    if quiet:
        return nullcontext([])
    if on_a_terminal(screen) and not plain:
        from fcframe.training.bar import bar_on  # rich is slow to import

        return bar_on(screen)
    return nullcontext([PlainOutput(screen.line, print_every)])


def _train(experiment: Any, out: Path, options: dict[str, Any], progress: Any, interrupts: Interrupts) -> Run:
    state = _TrainingState(interrupts)
    try:
        with progress as observers:
            return train(experiment, out=out, observers=[state, *observers], **options)
    except KeyboardInterrupt as error:
        if is_complete(out):
            raise InterruptedCommandError(f"interrupted after the training; run: {out}", signal_number(error)) from None
        at = f" at iteration {state.solver.step} of {state.solver.steps}" if state.solver else ""
        raise InterruptedCommandError(f"interrupted{at}; nothing was written", signal_number(error)) from None


class _TrainingState:
    """An observer that remembers the solver, and postpones signals after the last update, to save the result."""

    def __init__(self, interrupts: Interrupts) -> None:
        self.solver: Solver | None = None
        self._interrupts = interrupts

    def training_start(self, training: Solver) -> None:
        self.solver = training

    def epoch_end(self, training: Solver) -> None:
        self._interrupts.postponed = training.step == training.steps or bool(training.stopped)

    def updates_end(self, _training: Solver) -> None:
        self._interrupts.postponed = True


def _name(source: str, spec: Any) -> str:
    if isinstance(spec, ExperimentSpec) and spec.name:
        return spec.name
    return "run" if source == "-" else Path(source).stem


def _summary(run: Run) -> list[str]:
    best = ", ".join(f"{name} {value:f}" for name, value in run.best.results.items() if name.startswith("val_"))
    kept = "best" if best and run.spec.training.evaluation.keep_best else "last"
    lines = [f"best on validation: {best} (epoch {run.best.epoch})"] if best else []
    lines += [f"{name}: {value:f} ({kept} parameters)" for name, value in run.test.items()]
    if run.stopped:
        lines.insert(0, f"stopped early: {run.stopped}")
    return [*lines, f"run: {run.path}"]
