"""`fcframe train SPEC`: trains, shows how it goes, and says how good the result is and where it lies."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from fcframe.cli import complain
from fcframe.cli.common import (
    json_option,
    kernels_option,
    located,
    overrides_option,
    print_json,
    read_spec,
    threads_option,
)
from fcframe.cli.interrupts import InterruptedCommandError, Interrupts, answered, number_of
from fcframe.cli.streams import Command, stdout
from fcframe.plugins import registry
from fcframe.providers import name_in_use
from fcframe.spec.models import ExperimentSpec
from fcframe.terminal import on_a_terminal
from fcframe.training import Run, train
from fcframe.training.folder import checked, numbered
from fcframe.training.output import Lasting, PlainOutput
from fcframe.training.run import is_complete
from fcframe.training.solver import Solver
from fcframe.training.turns import threads_for


@click.command("train", cls=Command)
@click.argument("spec")
@overrides_option
@click.option("--out", metavar="FOLDER", help="Folder to write the run to. Default: runs/NAME-NUMBER.")
@click.option("--plain", is_flag=True, help="Print lines instead of a live bar. Default where there is no terminal.")
@click.option(
    "--print-every", type=click.IntRange(1), default=100, show_default=True, help="Iterations between two loss lines."
)
@kernels_option
@threads_option
@click.option(
    "--share-cores",
    is_flag=True,
    help="Take turns on the cores with your other trainings on this machine that have this option. Two that use all "
    "cores finish sooner in turns than beside each other; results do not change.",
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
    """Train the network of the experiment spec SPEC, and write the run to a folder of its own.

    The folder gets the spec with all defaults, the loss of every iteration, all evaluations, the trained parameters
    and a summary. Ctrl-C, or a training that fails, leaves nothing there. "-" reads the spec from standard input.
    """
    experiment = read_spec(spec, overrides)
    with located(spec):
        used = threads_for(experiment, threads)
    name_in_use(registry(), kernels)  # outside `located`: a wrong name is not a mistake in the spec
    place = numbered(Path("runs"), _name(spec, experiment)) if out is None else nullcontext(checked(out))
    screen = Lasting(stdout())  # a training does not end because its progress cannot be shown
    options: dict[str, Any] = {"kernels": kernels, "threads": used, "share_cores": share_cores}
    with answered() as interrupts, located(spec), place as where:
        run = _train(experiment, where, options, _progress(screen, plain, print_every, as_json), interrupts)
    if as_json:
        print_json(run.facts() | {"path": str(run.path)})
        return
    for line in _summary(run):
        screen.line(line)
    if screen.failure is not None and not isinstance(screen.failure, BrokenPipeError):
        reason = getattr(screen.failure, "strerror", None) or screen.failure
        complain(f"note: standard output: {reason}; run: {run.path}")


def _progress(screen: Lasting, plain: bool, print_every: int, quiet: bool) -> Any:
    """A context manager that gives the observers, none or one, that show how the training goes."""
    if quiet:
        return nullcontext([])
    if on_a_terminal(screen) and not plain:
        from fcframe.training.bar import bar_on  # only where it is seen

        return bar_on(screen)
    return nullcontext([PlainOutput(screen.line, print_every)])


def _train(experiment: Any, out: Path, options: dict[str, Any], progress: Any, interrupts: Interrupts) -> Run:
    watch = _Watch(interrupts)
    try:
        with progress as shown:
            return train(experiment, out=out, observers=[watch, *shown], **options)
    except KeyboardInterrupt as error:
        if is_complete(out):
            raise InterruptedCommandError(f"interrupted after the training; run: {out}", number_of(error)) from None
        at = f" at iteration {watch.solver.step} of {watch.solver.steps}" if watch.solver else ""
        raise InterruptedCommandError(f"interrupted{at}; nothing was written", number_of(error)) from None


class _Watch:
    """Knows the solver once there is one; after the last update a signal no longer costs the training's result."""

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
    return [*lines, f"run: {run.path}"]
