"""A run: one training's results, and the folder that they are written to."""

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


@dataclass(frozen=True, repr=False)
class Run:
    """What a training gave."""

    spec: ExperimentSpec
    network: Network
    """With the best parameters, or the last ones where the spec keeps no best."""
    history: History
    """The loss of every step, and every evaluation."""
    best: Evaluation
    """The evaluation with the best validation figure; the last one where there are no validation examples."""
    test: Mapping[str, float] = field(default_factory=dict)
    """The figures on the test examples."""
    path: Path | None = None
    """The run's folder, if it has one."""
    threads: int = 1
    """How many it had; another number may give other bytes."""
    fitted: Mapping[str, Any] = field(default_factory=dict)
    """What the dataset fitted on the training examples: names of features and classes, scales and the like."""
    notes: tuple[str, ...] = ()
    """Warnings, a line each: settings that are probably a mistake, observers that were switched off."""
    stopped: str = ""
    """Why the training ended before its last epoch; empty if it did not."""

    def __repr__(self) -> str:
        best = {name: value for name, value in self.best.results.items() if name.startswith("val_")}
        figures = best | dict(self.test)
        measured = {name: value for name, value in figures.items() if not name.endswith("_loss")} or figures
        told = [self.spec.name, f"{self.epochs} epochs", *(f"{name} {value:.4g}" for name, value in measured.items())]
        told.append(None if self.path is None else str(self.path))
        return f"Run({', '.join(filter(None, told))})"

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return max((evaluation.epoch for evaluation in self.history.evaluations), default=self.best.epoch)

    def facts(self) -> dict[str, Any]:
        """The run in a few numbers, as JSON."""
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
        contents.run.spec.model_dump(mode="json", context={"registry": contents.registry}), file
    ),
    "losses.csv": lambda contents, file: _losses(contents.run.history, file),
    "evaluations.csv": lambda contents, file: _evaluations(contents.run.history, file),
    "parameters.npz": lambda contents, file: _parameters(contents.run.network, file),
    "summary.json": lambda contents, file: _json(contents.summary(), file),
}
"""All files of a complete run: the whole spec with every default, a line a step, a line an evaluation, the parameters
and the running state, the results and the versions that made them. While a training works on a folder, the file
`unfinished` is in it, and files that are being written end in `.partial`. fcframe writes nothing else there."""
MOST_NEEDED = ("parameters.npz", "summary.json", "spec.json", "evaluations.csv", "losses.csv")
"""The order in which files are kept elsewhere when the folder cannot be written."""


def is_complete(path: Path) -> bool:
    """Whether a folder holds all files of a run."""
    return all((path / name).is_file() for name in FILES) and not (path / UNFINISHED).exists()


def write(run: Run, place: RunFolder, registry: Registry, stands_on: Mapping[str, str]) -> None:
    """Writes a run's FILES; the same run gives the same bytes, so nothing in them tells the time.

    Args:
        run: What the training gave.
        place: The run's folder.
        registry: Knows which distributions the components come from.
        stands_on: What the kernels stand on: each distribution's version.

    Raises:
        OutputError: The folder cannot be written; says where what could be saved of the run is.
    """
    contents = _Contents(run, registry, stands_on)
    files = {name: partial(make, contents) for name, make in FILES.items()}
    try:
        try:
            place.write(files)
        except BaseException:
            place.take_back()  # first, because what is kept elsewhere may need the room
            raise
    except Exception as error:  # a training's result is not lost, whatever is wrong with the place or with a plugin
        raise OutputError(
            f"{_reason(place.path, error)}; {_kept({name: files[name] for name in MOST_NEEDED})}"
        ) from error


@dataclass(frozen=True)
class _Contents:
    run: Run
    registry: Registry
    stands_on: Mapping[str, str]

    def summary(self) -> dict[str, Any]:
        return self.run.facts() | {"versions": _versions(self.run.spec, self.registry, self.stands_on)}


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, OutputError):
        return str(error)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else in_a_line(error)
    return f"{path}: the run could not be written: {reason}"


def _kept(files: Mapping[str, Writer]) -> str:
    """Saves what fits of a run in a new folder, where there is room for its parameters, and says where."""
    kept: dict[Path, list[str]] = {}
    for parent in (tempfile.gettempdir, Path.cwd, Path.home):
        try:
            place = Path(tempfile.mkdtemp(prefix="fcframe-run-", dir=parent()))
        except (OSError, RuntimeError):  # there is no such folder, or it takes nothing
            continue
        kept[place] = [name for name, make in files.items() if _saved(place / name, make)]
        if "parameters.npz" in kept[place]:
            break
        if not kept[place]:
            del kept[place]
            place.rmdir()
    if not kept:
        return "nothing of it could be kept elsewhere either"
    told = " and ".join(f"{place} ({', '.join(names)})" for place, names in kept.items())
    return f"what could be saved of it is in {told}"


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
    """A file of bytes to write text to, in UTF-8 and with no other line ends than those that are written."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()  # writes what is buffered, and leaves the file open


def _versions(spec: ExperimentSpec, registry: Registry, stands_on: Mapping[str, str]) -> dict[str, str]:
    """What made the run: Python, NumPy, the distributions of the spec's components, and what the kernels stand on."""
    versions = dict(stands_on)
    for component in {type(component) for _, component in components_of(spec)}:
        try:
            plugin = registry.origin(component)
        except LookupError:  # handed in as an object
            versions[component.__module__] = "not registered"
        else:
            versions[plugin.distribution] = plugin.version
    return dict(sorted(versions.items())) | {"numpy": np.__version__, "python": platform.python_version()}
