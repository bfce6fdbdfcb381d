"""Spec → data, network, solver → run, in one call."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from fcframe.builder import build
from fcframe.components import Data, Integers, Observer, WrongTargetError
from fcframe.consistency import measured, metric_of, notes, watching
from fcframe.context import Array
from fcframe.errors import DataError, OutputError, SpecError, in_a_line, json_path
from fcframe.network import Network, as_integers
from fcframe.plugins import Registry
from fcframe.plugins import registry as installed
from fcframe.providers import KernelsChoice, running, versions
from fcframe.spec.models import ExperimentSpec, Spec
from fcframe.training import run as runs
from fcframe.training.folder import folder
from fcframe.training.listeners import Listeners, is_watcher, log
from fcframe.training.output import Progress, shown
from fcframe.training.run import Run
from fcframe.training.solver import Solver
from fcframe.training.turns import threads_for, turns


def train(
    spec: Spec,
    *,
    data: Any = None,
    out: str | Path | None = None,
    resume: bool = False,
    observers: Sequence[Any] = (),
    kernels: KernelsChoice = None,
    threads: int | None = None,
    share_cores: bool = False,
    progress: Progress = None,
    registry: Registry | None = None,
) -> Run:
    """Trains the network of an experiment spec.

    Args:
        spec: An experiment spec, from `load_spec`.
        data: The examples, instead of those that the spec names: (X, y) for training alone, or a `Data` with
            validation and test examples.
        out: The folder to write the run to; it is made, and must be empty. None writes nothing.
        resume: Not possible yet: this version keeps no checkpoints.
        observers: Observers beside those of the spec: `Observer` components, objects with methods of the life cycle,
            or objects with hook implementations.
        kernels: The name of a provider of kernels, its class or an instance; as for `fcframe.build`.
        threads: The number of threads; by default that of FCFRAME_THREADS, else 1 for a network of small products only,
            else one for each core. Another number may give other bytes.
        share_cores: Take turns on this machine's cores with your other trainings that say so too: each then has its
            cores for half a second at a time, instead of all waiting for each other. No result changes.
        progress: True shows how the training goes: a bar on a terminal, lines elsewhere. A function is called with
            each of these lines.
        registry: Where components and hooks are looked up; what is installed, by default.

    Raises:
        SpecError: The spec has no data and training, its layers do not fit together, or there are no such kernels.
        PluginError: The kernels that were named cannot be used, or do not say their versions for the run's folder.
        DataError: The data cannot be read, or does not fit the network.
        OutputError: The folder cannot be written.
        ThreadsError: This process cannot have so many threads.
        DivergenceError: The loss is no longer a finite number.

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
    registry = registry or installed()
    used = threads_for(spec, threads)
    said: list[str] = []

    def warn(line: str) -> None:
        said.append(line)
        log(line)

    place = nullcontext() if out is None else folder(out)
    with place as claimed, running(kernels, used, registry=registry) as chosen:
        # asked now, because a plugin that cannot say it must not cost a whole training
        stands_on = {} if claimed is None else versions(chosen, registry=registry)
        network = build(spec, seed=spec.training.seed, kernels=chosen)
        examples = fitted(load_data(spec) if data is None else as_data(data), network)
        check_measured(spec, examples)
        for note in notes(spec, len(examples.X_train)):
            warn(note)
        with turns(used, share_cores) as sharing, shown(progress) as showing:
            listeners = Listeners(warn)
            solver = Solver(network, examples, spec.training, listeners, sharing)
            _add(listeners, solver, spec, [*observers, *showing], registry)
            solver.train()
            assert solver.best is not None
            test = _tested(solver, warn)
            path = None if claimed is None else claimed.path
            result = Run(
                spec, network, solver.history, solver.best, test, path, used,
                examples.fitted, tuple(said), solver.stopped,
            )  # fmt: skip
        if claimed is not None:
            runs.write(result, claimed, registry, stands_on)
    solver.end(result)  # the folder stays, whatever a listener does now
    return result


def _tested(solver: Solver, warn: Callable[[str], None]) -> dict[str, float]:
    """The figures on the test examples; none, with a warning, where they cannot be measured.

    By now the training is done, and must not be lost because of them.
    """
    try:
        return solver.test()
    except Exception as error:
        warn(f"the test examples could not be measured: {in_a_line(error)}")
        return {}


def _add(
    listeners: Listeners, solver: Solver, spec: ExperimentSpec, observers: Sequence[Any], registry: Registry
) -> None:
    """Adds the spec's observers, those that were handed in, and the hooks of plugins."""
    components = [*spec.training.observers, *(one for one in observers if isinstance(one, Observer))]
    others = [one for one in observers if not isinstance(one, Observer)]
    listeners.add_observers(((f"observer {one.type} [{n}]", one) for n, one in enumerate(components)), solver)
    for number, one in enumerate(others):
        if is_watcher(one):
            listeners.add_methods(f"observer {type(one).__name__} [{number}]", one)
    listeners.add_hooks(registry, [one for one in others if not is_watcher(one)])


def as_data(data: Any) -> Data:
    """Arrays that were handed in as data: (X, y) for training alone, or a `Data`.

    Raises:
        DataError: It is neither, or the arrays do not fit each other.

    >>> as_data((np.zeros((4, 2)), np.zeros(4))).X_val.shape
    (0, 2)
    """
    if isinstance(data, Data):
        return data
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise DataError(f"data: expected (X, y) or a fcframe.Data, got a value of type {type(data).__name__}")
    try:
        X, y = (np.asarray(array) for array in data)
        if X.ndim < 2 or y.ndim < 1:
            raise ValueError(f"expected X of shape (N, …) and y of shape (N, …), got {X.shape} and {y.shape}")
        return Data(X, y, X[:0], y[:0], X[:0], y[:0])
    except ValueError as error:
        raise DataError(f"data: {error}") from error


def load_data(spec: ExperimentSpec) -> Data:
    """Reads a spec's data in the dtype that the network needs: its own, or float64 where it takes integers.

    Raises:
        DataError: It cannot be read, or is not what it should be.
    """
    if spec.data is None:
        raise SpecError(["data: required, but missing: it says where examples come from"])
    takes_integers = isinstance(spec.network.layers[0].input_domain(spec.network.input), Integers)
    dtype = np.dtype(np.float64 if takes_integers else spec.network.dtype)  # float64 holds integers up to 2^53
    try:
        return spec.data.load(dtype, np.random.default_rng(spec.data.seed))
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        raise DataError(f"data: {name}{error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"data: {error}") from error


def fitted(data: Data, network: Network) -> Data:
    """The data in the shape and dtype that the network takes, with finite inputs and targets that the loss takes.

    A network whose input is one axis takes examples of any shape with as many numbers, row by row.

    Raises:
        DataError: It does not fit.
    """
    wanted = network.spec.input
    if data.input_shape != wanted and wanted != (prod(data.input_shape),):
        raise DataError(f"network.input: the network takes examples of shape {wanted}, the data has {data.input_shape}")
    if data.weights and not network.spec.loss.takes_weights:
        raise DataError(
            f"network.loss: the data weights its examples, but the {network.spec.loss.type} loss takes no weights"
        )
    targets = network.spec.loss.targets
    if data.classes and targets is not None and targets.quantities:
        names = ", ".join(map(repr, data.classes[:5])) + (", …" if len(data.classes) > 5 else "")
        raise DataError(
            f"data: the targets are labels of the classes {names}, but the {network.spec.loss.type} loss predicts "
            "numbers; have the dataset read the target as a number, or take a loss for classes"
        )
    arrays: dict[str, Any] = {}
    for split, (X, y) in data.splits().items():
        arrays[f"X_{split}"] = _inputs(f"X_{split}", X.reshape(len(X), *wanted), network)
        y = y.astype(network.dtype) if y.dtype.kind == "f" else y
        try:
            if len(y):
                network.spec.loss.check_labels(y, network.output_shape)
        except WrongTargetError as error:
            raise DataError(f"data: {data.where(split, error.row)}: {error.problem}") from error
        except ValueError as error:
            raise DataError(f"data: y_{split}: {error}") from error
        arrays[f"y_{split}"] = y
    weights = {split: array.astype(network.dtype, copy=False) for split, array in data.weights.items()}
    return replace(data, **arrays, weights=weights)


def _inputs(name: str, X: Array, network: Network) -> Array:
    """The inputs of a split in the network's dtype, all of them finite, or integers where it takes integers."""
    if isinstance(network.domain, Integers):
        return as_integers(f"data: {name}", X, network.domain)
    if X.dtype.kind not in "iufb":
        raise DataError(f"data: {name} is {X.dtype}, expected numbers")
    with np.errstate(over="ignore"):  # what is too large for the dtype is told as infinite
        X = X.astype(network.dtype, copy=False)
    _check_finite(name, X)
    return X


def check_measured(spec: ExperimentSpec, data: Data) -> None:
    """Refuses a spec that watches a figure which this data does not give, such as one of an empty validation split.

    Raises:
        DataError: Names the figure, and those that are measured.
    """
    splits = [split for split, (X, _) in data.splits().items() if len(X) and split != "test"]
    figures = measured(metric_of(spec), splits)
    lines = [
        f"{json_path(place)}: {name} watches {figure!r}, which is not measured with this data; "
        f"measured: {', '.join(figures)}"
        for place, name, figure in watching(spec)
        if figure not in figures
    ]
    if lines:
        raise DataError("\n".join(lines))


def _check_finite(name: str, X: Array) -> None:
    rows = max(1, 2**20 // max(1, X[:1].size))  # a million numbers at a time: the check needs little memory
    for start in range(0, len(X), rows):
        finite = np.isfinite(X[start : start + rows])
        if not finite.all():
            row, *place = np.argwhere(~finite)[0]
            index = ", ".join(str(step) for step in (start + row, *place))
            raise DataError(f"data: {name}[{index}] is {X[start + row][tuple(place)]}; examples must be finite numbers")
