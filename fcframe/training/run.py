"""The results of a training, and the files to which they are written."""

import csv
import io
import json
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, TextIO

import numpy as np

from fcframe.consistency import components_of
from fcframe.errors import OutputError, in_a_line
from fcframe.events import Evaluation, History
from fcframe.network import Network
from fcframe.plugins import Registry
from fcframe.spec.models import ExperimentSpec
from fcframe.training.folder import UNFINISHED, RunFolder, Writer
from fcframe.wording import plural


@dataclass(frozen=True, repr=False)
class Run:
    """The results of a training."""

    spec: ExperimentSpec
    network: Network
    """The network with the best parameters, or with the last ones if the spec says `keep_best: false`."""
    history: History
    """The losses of all steps, and all evaluations."""
    best: Evaluation
    """The evaluation with the best validation figure; the last evaluation if there are no validation examples."""
    test: Mapping[str, float] = field(default_factory=dict)
    """The figures on the test set."""
    path: Path | None = None
    """The folder of the run, or None."""
    threads: int = 1
    """Number of threads of the training."""
    fitted: Mapping[str, Any] = field(default_factory=dict)
    """`Data.fitted` of the training data: names of features and classes, means, scales."""
    notes: tuple[str, ...] = ()
    """Warnings, one line each: settings that are probably a mistake, and observers that were switched off."""
    stopped: str = ""
    """The reason why the training ended before its last epoch; empty if it did not."""

    def __repr__(self) -> str:
        best = {name: value for name, value in self.best.results.items() if name.startswith("val_")}
        figures = best | dict(self.test)
        measured = {name: value for name, value in figures.items() if not name.endswith("_loss")} or figures
        parts = [
            self.spec.name,
            plural(self.epochs, "epoch"),
            *(f"{name} {value:.4g}" for name, value in measured.items()),
        ]
        parts.append(None if self.path is None else str(self.path))
        return f"Run({', '.join(filter(None, parts))})"

    @property
    def epochs(self) -> int:
        """Number of completed epochs."""
        return max((evaluation.epoch for evaluation in self.history.evaluations), default=self.best.epoch)

    def facts(self) -> dict[str, Any]:
        """A summary of the run, as JSON."""
        return {
            "parameters": int(self.network.params.flat.size),
            "steps": len(self.history.losses),
            "kernels": self.network.kernels.name,
            "threads": self.threads,
            "stopped": self.stopped,
            "best": self.best.facts(),
            "test": dict(self.test),
        }


FILES: Mapping[str, Callable[["_Contents", IO[bytes]], None]] = {
    "spec.json": lambda contents, file: _json(
        contents.run.spec.model_dump(mode="json", context={"registry": contents.registry, "folder": contents.run.path}),
        file,
    ),
    "losses.csv": lambda contents, file: _losses(contents.run.history, file),
    "evaluations.csv": lambda contents, file: _evaluations(contents.run.history, file),
    "parameters.npz": lambda contents, file: _parameters(contents.run.network, file),
    "summary.json": lambda contents, file: _json(contents.summary(), file),
}
"""The files of a complete run: the spec with all defaults, the loss of each step, the evaluations, the parameters and
running state, and a summary with the results and the versions of the software. During a training, the folder contains
the file `unfinished`, and files that are being written have the suffix `.partial`."""
BY_IMPORTANCE = ("parameters.npz", "summary.json", "spec.json", "evaluations.csv", "losses.csv")
"""The order in which files are saved to another folder if the run's folder cannot be written."""


def is_complete(path: Path) -> bool:
    """Whether a folder contains all files of a run."""
    return all((path / name).is_file() for name in FILES) and not (path / UNFINISHED).exists()


def write(run: Run, folder: RunFolder, registry: Registry, kernel_versions: Mapping[str, str]) -> None:
    """Writes the FILES of a run. They contain no date or time, so that the same run gives identical files.

    Args:
        run: The run.
        folder: The run's folder.
        registry: The registry, for the versions of the components' distributions.
        kernel_versions: The versions of the distributions that the kernels use.

    Raises:
        OutputError: The folder cannot be written. The message says where the files were saved instead.
    """
    contents = _Contents(run, registry, kernel_versions)
    files = {name: partial(make, contents) for name, make in FILES.items()}
    try:
        try:
            folder.write(files)
        except BaseException:
            folder.remove_files()  # first, because the other folder may be on the same full disk
            raise
    except Exception as error:  # the result of a training must not be lost
        raise OutputError(
            f"{_reason(folder.path, error)}; {_save_elsewhere({name: files[name] for name in BY_IMPORTANCE})}"
        ) from error


@dataclass(frozen=True)
class _Contents:
    run: Run
    registry: Registry
    kernel_versions: Mapping[str, str]

    def summary(self) -> dict[str, Any]:
        return self.run.facts() | {"versions": _versions(self.run.spec, self.registry, self.kernel_versions)}


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, OutputError):
        return str(error)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else in_a_line(error)
    return f"{path}: the run could not be written: {reason}"


def _save_elsewhere(files: Mapping[str, Writer]) -> str:
    """Saves as many files as possible to a new folder, preferably with the parameters; returns a message about it."""
    saved: dict[Path, list[str]] = {}
    for parent in (tempfile.gettempdir, Path.cwd, Path.home):
        try:
            path = Path(tempfile.mkdtemp(prefix="fcframe-run-", dir=parent()))
        except (OSError, RuntimeError):  # the parent folder does not exist or cannot be written
            continue
        saved[path] = [name for name, make in files.items() if _saved(path / name, make)]
        if "parameters.npz" in saved[path]:
            break
        if not saved[path]:
            del saved[path]
            path.rmdir()
    if not saved:
        return "it could not be saved to another folder either"
    folders = " and ".join(f"{path} ({', '.join(names)})" for path, names in saved.items())
    return f"files that could be saved: {folders}"


def _saved(path: Path, make: Writer) -> bool:
    try:
        with path.open("xb") as file:
            make(file)
    except Exception:
        with suppress(OSError):
            path.unlink()
        return False
    return True


def _json(content: Any, file: IO[bytes]) -> None:
    file.write(f"{json.dumps(content, indent=2)}\n".encode())


def _losses(history: History, file: IO[bytes]) -> None:
    with _text(file) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["step", "loss"])
        writer.writerows(enumerate(history.losses, start=1))


def _evaluations(history: History, file: IO[bytes]) -> None:
    with _text(file) as text:
        rows = csv.DictWriter(text, list(history.evaluations[0].facts()), lineterminator="\n")
        rows.writeheader()
        rows.writerows(evaluation.facts() for evaluation in history.evaluations)


def _parameters(network: Network, file: IO[bytes]) -> None:
    arrays = {f"params/{name}": view for name, view in network.params.items()}
    arrays |= {f"state/{name}": view for name, view in network.state.items()}
    np.savez(file, **arrays)  # type: ignore[arg-type]


@contextmanager
def _text(file: IO[bytes]) -> Iterator[TextIO]:
    """A text stream in UTF-8 on a binary file, without conversion of line ends."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()  # flushes the buffer, and leaves the binary file open


def _versions(spec: ExperimentSpec, registry: Registry, kernel_versions: Mapping[str, str]) -> dict[str, str]:
    """The versions of Python, NumPy, and the distributions of the spec's components and of the kernels."""
    versions = dict(kernel_versions)
    for component in {type(component) for _, component in components_of(spec)}:
        try:
            plugin = registry.origin(component)
        except LookupError:  # not registered, but passed as an object
            versions[component.__module__] = "not registered"
        else:
            versions[plugin.distribution] = plugin.version
    return dict(sorted(versions.items())) | {"numpy": np.__version__, "python": platform.python_version()}
