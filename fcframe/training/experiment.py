"""Spec → data, network, solver → run, in one call."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fcframe.builder import build
from fcframe.components import Data
from fcframe.context import Array
from fcframe.errors import DataError, OutputError, SpecError
from fcframe.network import Network
from fcframe.providers import Wanted, running, versions
from fcframe.registry import registry as installed
from fcframe.spec.models import ExperimentSpec, Spec
from fcframe.training import run as runs
from fcframe.training.folder import folder
from fcframe.training.output import Progress, shown
from fcframe.training.run import Run
from fcframe.training.solver import Solver
from fcframe.training.turns import threads_for, turns


def train(
    spec: Spec,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    observers: Sequence[Any] = (),
    kernels: Wanted = None,
    threads: int | None = None,
    share_cores: bool = False,
    progress: Progress = None,
) -> Run:
    """Trains the network of an experiment spec.

    Args:
        spec: What `load_spec` returns for an experiment.
        out: The folder to write the run to; it is made, and must be empty. None writes nothing.
        resume: Not possible yet: this version keeps no checkpoints.
        observers: Objects with hook implementations, which are told of this training beside the plugins.
        kernels: The name of a provider of kernels, its class or an instance; as for `fcframe.build`.
        threads: How many it has; by default what FCFRAME_THREADS says, else 1 for a network of small products only,
            else one a core. Another number may give other bytes.
        share_cores: Take turns on this machine's cores with your other trainings that say so too: each then has its
            cores for half a second at a time, instead of all waiting for each other. No result changes.
        progress: True shows how the training goes: a bar on a terminal, lines elsewhere. A function is called with
            each of these lines.

    Raises:
        SpecError: The spec has no data and training, its layers do not fit together, or there are no such kernels.
        PluginError: The kernels that were named cannot be used, or do not say their versions for the run's folder.
        DataError: The data cannot be read, or does not fit the network.
        OutputError: The folder cannot be written.
        ThreadsError: This process cannot have so many threads.
        DivergenceError: The loss left the finite numbers.

    >>> import fcframe
    >>> run = train(fcframe.load_spec({
    ...     "network": {"input": [64], "layers": [{"type": "affine", "units": 10}], "loss": {"type": "softmax"}},
    ...     "data": {"type": "digits"},
    ...     "training": {"optimizer": {"type": "adam", "learning_rate": 0.01}, "epochs": 10}}))
    >>> run.test["test_acc"] > 0.9
    True
    """
    if not isinstance(spec, ExperimentSpec):
        raise SpecError(["a network spec alone cannot be trained: an experiment spec has network, data and training"])
    if resume:
        raise OutputError("resume: this version keeps no checkpoints, so there is nothing to resume from")
    used = threads_for(spec, threads)
    place = nullcontext() if out is None else folder(out)
    with place as claimed, running(kernels, used) as chosen:
        # asked now, because a plugin that cannot say it must not cost a whole training
        stands_on = {} if claimed is None else versions(chosen)
        data = load_data(spec)
        network = build(spec, seed=spec.training.seed, kernels=chosen)
        data = fitted(data, network)
        registry = installed()
        with turns(used, share_cores) as sharing, shown(progress) as watching:
            solver = Solver(network, data, spec.training, registry.hooks([*observers, *watching]), sharing)
            solver.train()
            assert solver.best is not None
            path = None if claimed is None else claimed.path
            result = Run(spec, network, solver.history, solver.best, solver.test(), path, used)
        if claimed is not None:
            runs.write(result, claimed, registry, stands_on)
    solver.end(result)  # the folder stays, whatever a listener does now
    return result


def load_data(spec: ExperimentSpec) -> Data:
    """Reads a spec's data in the network's dtype.

    Raises:
        DataError: It cannot be read, or is not what it should be.
    """
    try:
        return spec.data.load(np.dtype(spec.network.dtype), np.random.default_rng(spec.data.seed))
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        raise DataError(f"data: {name}{error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"data: {error}") from error


def fitted(data: Data, network: Network) -> Data:
    """The data in the shape that the network takes, found to be finite, with labels that the loss takes.

    A network whose input is one axis takes examples of any shape with as many numbers, row by row.

    Raises:
        DataError: It does not fit.
    """
    wanted = network.spec.input
    if data.input_shape != wanted:
        if wanted != (int(np.prod(data.input_shape)),):
            raise DataError(
                f"network.input: the network takes examples of shape {wanted}, the data has {data.input_shape}"
            )
        X_train, X_val, X_test = (X.reshape(len(X), *wanted) for X, _ in data.splits().values())
        data = replace(data, X_train=X_train, X_val=X_val, X_test=X_test)
    for split, (X, y) in data.splits().items():
        if X.dtype != network.dtype:
            raise DataError(f"data: X_{split} is {X.dtype}, the dataset was asked for {network.dtype}")
        _check_finite(f"X_{split}", X)
        try:
            if len(y):
                network.spec.loss.check_labels(y, network.output_shape)
        except ValueError as error:
            raise DataError(f"data: y_{split}: {error}") from error
    return data


def _check_finite(name: str, X: Array) -> None:
    rows = max(1, 2**20 // max(1, X[:1].size))  # a million numbers at a time: the check needs little memory
    for start in range(0, len(X), rows):
        finite = np.isfinite(X[start : start + rows])
        if not finite.all():
            row, *place = np.argwhere(~finite)[0]
            index = ", ".join(str(step) for step in (start + row, *place))
            raise DataError(f"data: {name}[{index}] is {X[start + row][tuple(place)]}; examples must be finite numbers")
