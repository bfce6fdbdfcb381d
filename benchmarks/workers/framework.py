"""fcframe as a user runs it: the solver's own epoch, from a JSON spec, with its hooks, on data in memory."""

import json
from contextlib import ExitStack

import fcframe
from benchmarks.worker import AbsentError, Ready
from benchmarks.workloads import Workload
from fcframe import PluginError, SpecError
from fcframe.providers import choose, running
from fcframe.spec.models import ExperimentSpec
from fcframe.training.listeners import Listeners, log
from fcframe.training.solver import Solver
from fcframe.training.turns import threads_for

FOR_GOOD = ExitStack()


def step(workload: Workload) -> Ready:
    """Whole epochs."""
    epoch = solver(*prepared(workload)).train_epoch

    def turn(steps: int) -> None:
        for _ in range(steps // workload.steps):
            epoch()

    return Ready(turn, workload.steps, versions=kernels())


def forward(workload: Workload) -> Ready:
    """The scores of one row."""
    kernels()
    network = fcframe.build(fcframe.load_spec(workload.spec()))
    x = workload.data()[0][:1].copy()

    def turn(count: int) -> None:
        for _ in range(count):
            network.scores(x)

    return Ready(turn)


def prepared(workload: Workload, validation: int = 0) -> tuple[ExperimentSpec, fcframe.Data]:
    """The spec, read from JSON text, and numbers of our own as its data; some of the examples serve to validate too."""
    spec = fcframe.load_spec(json.dumps(workload.spec()))
    assert isinstance(spec, ExperimentSpec)
    X, y = workload.data()
    return spec, fcframe.Data(X, y, X[:validation], y[:validation], X[:0], y[:0])


def solver(spec: ExperimentSpec, data: fcframe.Data) -> Solver:
    """What `fcframe.train` makes of them, with its threads for as long as this process lives."""
    kernels()
    threads = threads_for(spec)
    chosen = FOR_GOOD.enter_context(running(None, threads))
    network = fcframe.build(spec, seed=spec.training.seed, kernels=chosen)
    listeners = Listeners(log)
    listeners.add_hooks(fcframe.registry(), [])
    return Solver(network, data, spec.training, listeners)


def kernels() -> dict[str, str]:
    """What the kernels that FCFRAME_KERNELS asks for stand on.

    Raises:
        AbsentError: They cannot run here.
    """
    try:
        return choose().versions()
    except (PluginError, SpecError) as error:
        raise AbsentError(str(error)) from None
