"""The function `train`: loads the data, builds the network, trains it, and writes the run."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from fcframe.builder import build, not_a_spec
from fcframe.components import Classes, Data, Integers, Observer, WrongTargetError
from fcframe.consistency import measured_figures, metric_of, notes, watching
from fcframe.context import Array
from fcframe.errors import DataError, OutputError, SpecError, in_a_line, json_path
from fcframe.network import Network, as_integers
from fcframe.plugins import Registry
from fcframe.providers import KernelsChoice, running, versions
from fcframe.spec.loading import checked
from fcframe.spec.models import ExperimentSpec, NetworkSpec, Spec
from fcframe.training import run as runs
from fcframe.training.folder import folder
from fcframe.training.listeners import Listeners, check_observers, has_hooks, is_watcher, log
from fcframe.training.output import Progress, check_progress, progress_observer
from fcframe.training.run import Run
from fcframe.training.solver import Solver
from fcframe.training.turns import threads_for, turns
from fcframe.wording import plural


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
        data: The examples, instead of the dataset in the spec: (X, y) for training only, or a `Data` with validation
            and test examples.
        out: The folder to write the run to. It is created, or must be empty. None: the run is not written.
        resume: Not supported yet; True raises an error.
        observers: Additional observers: `Observer` components, objects with methods of the life cycle, or objects with
            hook implementations.
        kernels: The name of a provider of kernels, its class or an instance; as for `fcframe.build`.
        threads: The number of threads. Default: the environment variable FCFRAME_THREADS, otherwise 1 for a small
            network and one per core for a large one. Results can differ in rounding between numbers of threads.
        share_cores: Whether to take turns on the cores with your other trainings on this machine that also share cores.
            Each uses its cores for half a second at a time. Results do not change.
        progress: True shows the progress: a bar on a terminal, lines elsewhere. A function is called with each line.
        registry: Where components and hooks are looked up. Default: all installed plugins.

    Raises:
        SpecError: The spec has no data or no training, its layers do not fit together, or no kernels have that name.
        PluginError: The named kernels cannot be used, or their versions cannot be recorded in the run.
        DataError: The data cannot be read, or does not fit the network.
        OutputError: The folder cannot be written.
        ThreadsError: The process cannot use this number of threads.
        DivergenceError: The loss is no longer a finite number.

    >>> import fcframe
    >>> run = train(fcframe.load_spec({
    ...     "network": {"input": [64], "layers": [{"type": "affine", "units": 10}], "loss": {"type": "softmax"}},
    ...     "data": {"type": "digits"},
    ...     "training": {"optimizer": {"type": "adam", "learning_rate": 0.01}, "epochs": 10}}))
    >>> run.test["test_acc"] > 0.9
    True
    """
    if not isinstance(spec, (NetworkSpec, ExperimentSpec)):
        raise not_a_spec(spec)
    if not isinstance(spec, ExperimentSpec):
        raise SpecError(["a network spec alone cannot be trained: an experiment spec has network, data and training"])
    if resume:
        raise OutputError("resume: this version keeps no checkpoints, so there is nothing to resume from")
    check_observers(observers)
    check_progress(progress)
    registry = checked(registry)
    count = threads_for(spec, threads)
    warnings: list[str] = []

    def warn(line: str) -> None:
        warnings.append(line)
        log(line)

    with nullcontext() if out is None else folder(out) as claimed, running(kernels, count, registry=registry) as chosen:
        # Before the training, because a plugin that cannot report its versions should not waste a whole training.
        kernel_versions = {} if claimed is None else versions(chosen, registry=registry)
        network = build(spec, seed=spec.training.seed, kernels=chosen)
        examples = prepared(load_data(spec) if data is None else as_data(data), network)
        check_measured(spec, examples)
        for note in notes(spec, len(examples.X_train)):
            warn(note)
        with turns(count, share_cores) as pauses, progress_observer(progress) as progress_observers:
            listeners = Listeners(warn)
            solver = Solver(network, examples, spec.training, listeners, pauses)
            _add(listeners, solver, spec, [*observers, *progress_observers], registry)
            solver.train()
            assert solver.best is not None
            test = _test_figures(solver, warn)
            path = None if claimed is None else claimed.path
            result = Run(
                spec, network, solver.history, solver.best, test, path, count,
                examples.fitted, tuple(warnings), solver.stopped,
            )  # fmt: skip
        if claimed is not None:
            runs.write(result, claimed, registry, kernel_versions)
    solver.end(result)  # outside the block: an observer's exception must not remove the folder
    return result


def _test_figures(solver: Solver, warn: Callable[[str], None]) -> dict[str, float]:
    """The figures on the test set. Empty, with a warning, if they cannot be computed: the training must not be lost."""
    try:
        return solver.test()
    except Exception as error:
        warn(f"the test examples could not be measured: {in_a_line(error)}")
        return {}


def _add(
    listeners: Listeners, solver: Solver, spec: ExperimentSpec, observers: Sequence[Any], registry: Registry
) -> None:
    """Adds the observers of the spec, the observers passed to `train`, and the hooks of plugins."""
    components = [*spec.training.observers, *(item for item in observers if isinstance(item, Observer))]
    others = [item for item in observers if not isinstance(item, Observer)]
    listeners.add_observers(((f"observer {item.type} [{n}]", item) for n, item in enumerate(components)), solver)
    for number, item in enumerate(others):
        if is_watcher(item) or not has_hooks(item):
            listeners.add_methods(f"observer {type(item).__name__} [{number}]", item)
    listeners.add_hooks(registry, [item for item in others if has_hooks(item)])


def as_data(data: Any) -> Data:
    """Converts the argument `data` of `train` to a `Data`; (X, y) is used for training only.

    Raises:
        DataError: The argument is neither (X, y) nor a `Data`, or the arrays do not fit each other.

    >>> as_data((np.zeros((4, 2)), np.zeros(4))).X_val.shape
    (0, 2)
    """
    if isinstance(data, Data):
        return data
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        got = f"a {type(data).__name__}"
        got += f" of {plural(len(data), 'item')}" if isinstance(data, (tuple, list)) else ""
        raise DataError(f"data: expected (X, y) or a fcframe.Data, got {got}")
    try:
        X, y = (np.asarray(array) for array in data)
        if X.ndim < 2 or y.ndim < 1:
            raise ValueError(f"expected X of shape (N, …) and y of shape (N, …), got {X.shape} and {y.shape}")
        return Data(X, y)
    except ValueError as error:
        raise DataError(f"data: {error}") from error


def load_data(spec: ExperimentSpec) -> Data:
    """Loads the dataset of a spec, in the network's dtype, or in float64 if the network takes integers.

    Raises:
        SpecError: The spec has no dataset.
        DataError: The data cannot be read, or its content is wrong.
    """
    if spec.data is None:
        raise SpecError(["data: required, but missing: it names the dataset to train on"])
    takes_integers = isinstance(spec.network.layers[0].input_domain(spec.network.input), Integers)
    dtype = np.dtype(np.float64 if takes_integers else spec.network.dtype)  # float64 holds integers up to 2^53
    try:
        return spec.data.load(dtype, np.random.default_rng(spec.data.seed))
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        raise DataError(f"data: {name}{error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"data: {error}") from error


def prepared(data: Data, network: Network) -> Data:
    """Converts data to the shape and dtype that the network takes, and checks inputs and targets.

    If the network's input has one axis, examples are flattened in row-major order.

    Raises:
        DataError: The data does not fit the network or the loss, or inputs are not finite.
    """
    shape = network.spec.input
    if data.input_shape != shape and shape != (prod(data.input_shape),):
        raise DataError(f"network.input: the network takes examples of shape {shape}, the data has {data.input_shape}")
    if data.weights and not network.spec.loss.takes_weights:
        raise DataError(
            f"network.loss: the data weights its examples, but the {network.spec.loss.type} loss takes no weights"
        )
    targets = network.spec.loss.targets
    if data.classes and targets is not None and targets.quantities:
        names = ", ".join(map(repr, data.classes[:5])) + (", …" if len(data.classes) > 5 else "")
        raise DataError(
            f"data: the targets are labels of the classes {names}, but the {network.spec.loss.type} loss predicts "
            "numbers; let the dataset read the target as a number, or use a loss for classes"
        )
    arrays: dict[str, Any] = {}
    for split, (X, y) in data.splits().items():
        arrays[f"X_{split}"] = _inputs(data, split, X.reshape(len(X), *shape), network)
        y = y.astype(network.dtype) if y.dtype.kind == "f" else y
        try:
            if len(y):
                network.spec.loss.check_labels(y, network.output_shape)
        except WrongTargetError as error:
            problem = _unknown_class(data, network, y[error.row]) or error.problem
            raise DataError(f"data: {data.where(split, error.row)}: {problem}") from error
        except ValueError as error:
            raise DataError(f"data: {data.source or f'y_{split}'}: {error}") from error
        arrays[f"y_{split}"] = y
    weights = {split: array.astype(network.dtype, copy=False) for split, array in data.weights.items()}
    return replace(data, **arrays, weights=weights)


def _unknown_class(data: Data, network: Network, label: Any) -> str:
    """The message for a label that has no score, if the data names its classes; empty otherwise."""
    classes = data.classes
    if not isinstance(network.spec.loss.targets, Classes) or not 0 <= label < len(classes):
        return ""
    names = ", ".join(map(repr, classes[:10])) + (", …" if len(classes) > 10 else "")
    return (
        f"there is no score for the label {classes[label]!r}: the data has {len(classes)} classes ({names}), and the "
        f"network gives {network.output_shape[0]} scores an example; correct the labels, or the number of scores"
    )


def _inputs(data: Data, split: str, X: Array, network: Network) -> Array:
    """Converts the inputs of a split to the network's dtype; checks that they are finite, or integers of its domain."""

    def where(row: int, *rest: int) -> str:
        number = f"number {list(rest)} of the example" if rest else "the example"
        return f"data: {data.where(split, row, 'X')}: {number}"

    if isinstance(network.domain, Integers):
        return as_integers(f"data: X_{split}", X, network.domain, where)
    if X.dtype.kind not in "iufb":
        raise DataError(f"data: X_{split} is {X.dtype}, expected numbers")
    with np.errstate(over="ignore"):  # values too large for the dtype become infinite, and are reported below
        converted = X.astype(network.dtype, copy=False)
    index = _not_finite(converted)
    if index is not None:
        value = X[index]
        reason = "examples must be finite numbers"
        if np.isfinite(value):
            reason = f"{network.dtype} holds numbers up to {float(np.finfo(network.dtype).max):.1e}"
        raise DataError(f"{where(*index)} is {value:g}; {reason}")
    return converted


def check_measured(spec: ExperimentSpec, data: Data) -> None:
    """Refuses a spec that watches a figure which cannot be measured with this data: val_loss without validation data.

    Raises:
        DataError: A watched figure is not measured. The message lists the measured figures.
    """
    splits = [split for split, (X, _) in data.splits().items() if len(X) and split != "test"]
    figures = measured_figures(metric_of(spec.network, spec.training), splits)
    lines = [
        f"{json_path(path)}: {name} watches {figure!r}, which is not measured with this data; "
        f"measured: {', '.join(figures)}"
        for path, name, figure in watching(spec)
        if figure not in figures
    ]
    if lines:
        raise DataError("\n".join(lines))


def _not_finite(X: Array) -> tuple[int, ...] | None:
    """The index of the first number that is NaN or infinite; None if there is none."""
    rows = max(1, 2**20 // max(1, X[:1].size))  # about a million numbers at a time, to need little memory
    for start in range(0, len(X), rows):
        finite = np.isfinite(X[start : start + rows])
        if not finite.all():
            row, *rest = np.argwhere(~finite)[0]
            return (start + int(row), *map(int, rest))
    return None
