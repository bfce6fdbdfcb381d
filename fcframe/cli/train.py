"""`fcframe train SPEC`: trains, shows how it goes, and says how good the result is and where it lies."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from fcframe.cli.common import (
    json_option,
    kernels_option,
    located,
    overrides_option,
    print_json,
    read_spec,
    threads_option,
)
from fcframe.cli.program import of_the_output
from fcframe.cli.tables import console
from fcframe.errors import FcframeError
from fcframe.providers import in_use
from fcframe.registry import registry
from fcframe.spec.models import ExperimentSpec
from fcframe.training import Run, train
from fcframe.training.output import PlainOutput
from fcframe.training.run import numbered
from fcframe.training.solver import Solver
from fcframe.training.turns import threads_for


class InterruptedTrainingError(FcframeError):
    """Start the training again."""


@click.command("train")
@click.argument("spec")
@overrides_option
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder; by default runs/NAME-NUMBER.")
@click.option(
    "--plain", is_flag=True, help="Print lines instead of a live bar; the default where there is no terminal."
)
@click.option("--print-every", type=click.IntRange(1), default=100, show_default=True, help="Iterations a loss line.")
@kernels_option
@threads_option
@json_option
def command(
    spec: str,
    overrides: tuple[str, ...],
    out: Path | None,
    plain: bool,
    print_every: int,
    kernels: str | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Train the network of SPEC, an experiment spec, and write the run to a folder of its own."""
    experiment = read_spec(spec, overrides)
    with located(spec):
        used = threads_for(experiment, threads)
    in_use(registry(), kernels)  # a wrong name is no fault of the spec
    place = nullcontext(out) if out else numbered(Path("runs"), _name(spec, experiment))
    with located(spec), place as where:
        run = _train(experiment, kernels, used, where, plain, print_every, as_json)
    if as_json:
        print_json(run.facts() | {"path": str(run.path)})
        return
    for line in _summary(run):
        click.echo(line)


def _train(
    experiment: Any, kernels: str | None, threads: int, out: Path, plain: bool, print_every: int, quiet: bool
) -> Run:
    watch = _Watch()
    live: Any = nullcontext()
    observers: list[Any] = [watch]
    screen = console()
    if screen.is_terminal and not plain and not quiet:
        from fcframe.cli.progress import TrainingProgress  # only where it is seen

        live = TrainingProgress(screen)
        observers.append(live)
    elif not quiet:
        observers.append(PlainOutput(click.echo, print_every))
    try:
        with live:
            return train(experiment, out=out, observers=observers, kernels=kernels, threads=threads)
    except (KeyboardInterrupt, BrokenPipeError) as error:  # the latter: whoever read the output is gone
        if isinstance(error, BrokenPipeError) and not of_the_output(error):
            raise
        at = f" at iteration {watch.solver.step} of {watch.solver.steps}" if watch.solver else ""
        raise InterruptedTrainingError(f"interrupted{at}; nothing was written") from None


class _Watch:
    """Knows the solver once there is one."""

    solver: Solver | None = None

    def training_start(self, training: Solver) -> None:
        self.solver = training


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
