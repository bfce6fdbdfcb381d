"""A run: one training's results, and the folder that they are written to."""

import csv
import json
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from fcframe.components import Component
from fcframe.errors import OutputError
from fcframe.events import Evaluation, History
from fcframe.network import Network
from fcframe.registry import Registry
from fcframe.spec.models import ExperimentSpec


@dataclass(frozen=True)
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


TRIES = 10
"""How often the folder around a run's may vanish while the run's is made: another training that fails takes it back."""
UNFINISHED = "unfinished"
"""The file that is in a run's folder until the run is, so that no other run moves in."""


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """A new folder for a run; it stays only if the block ends well.

    Raises:
        OutputError: The folder cannot be made, or holds something already.
    """
    missing: list[Path] = []
    try:
        missing = [parent for parent in (path, *path.parents) if not parent.exists()]
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise OutputError(f"{path}: this folder is not empty; choose another one for the run")
        claim = path / UNFINISHED
        claim.touch(exist_ok=False)
    except OSError as error:
        _remove(missing)
        raise _not_there(path, error) from error
    try:
        yield path
        claim.unlink()
    except BaseException:
        for item in path.iterdir():
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()
        _remove(missing)
        raise


def _not_there(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: a run cannot be written there: {error.strerror}")


def _remove(made: list[Path]) -> None:
    """Takes back the folders that were made, deepest first, but for those that another run has moved into."""
    for path in made:
        with suppress(OSError):
            path.rmdir()


@contextmanager
def numbered(parent: Path, name: str) -> Iterator[Path]:
    """A new empty folder, the first of name-1, name-2, … that nobody has; one that fails and is empty does not stay.

    Raises:
        OutputError: None can be made.
    """
    missing = [around for around in (parent, *parent.parents) if not around.exists()]
    path = _claimed(parent, name)
    try:
        yield path
    except BaseException:
        _remove([path, *missing])
        raise


def _claimed(parent: Path, name: str) -> Path:
    number, tries = 1, 0
    while True:
        path = parent / f"{name}-{number}"
        try:
            path.mkdir(parents=True)  # whoever makes it has it: two that only look would both find the same one free
            return path
        except OSError as error:
            if isinstance(error, FileExistsError) and error.filename == str(path):
                number += 1
            elif isinstance(error, FileNotFoundError) and tries < TRIES:
                tries += 1
            else:
                raise _not_there(path, error) from error


def write(run: Run, path: Path, registry: Registry, stands_on: Mapping[str, str]) -> None:
    """Writes a run's files; the same run gives the same bytes, so nothing in them tells the time.

    `spec.json` is the whole spec with every default, `summary.json` the results and the versions that made them,
    `losses.csv` a line a step, `evaluations.csv` a line an evaluation, `parameters.npz` parameters and running state.

    Args:
        run: What the training gave.
        path: The run's folder.
        registry: Knows which distributions the components come from.
        stands_on: What the kernels stand on: each distribution's version.
    """
    try:
        _write_json(path / "spec.json", run.spec.model_dump(mode="json"))
        _write_json(path / "summary.json", run.facts() | {"versions": _versions(run.spec, registry, stands_on)})
        with (path / "losses.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["step", "loss"])
            writer.writerows(enumerate(run.history.losses, start=1))
        with (path / "evaluations.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, list(run.history.evaluations[0].facts()), lineterminator="\n")
            rows.writeheader()
            rows.writerows(evaluation.facts() for evaluation in run.history.evaluations)
        arrays = {f"params/{name}": view for name, view in run.network.params.items()}
        arrays |= {f"state/{name}": view for name, view in run.network.state.items()}
        np.savez(path / "parameters.npz", **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise OutputError(f"{path}: the run could not be written: {error.strerror}") from error


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _versions(spec: ExperimentSpec, registry: Registry, stands_on: Mapping[str, str]) -> dict[str, str]:
    """What made the run: Python, NumPy, the distributions of the spec's components, and what the kernels stand on."""
    versions = dict(stands_on)
    for component in set(_components(spec)):
        if registry.of(component.kind).get(component.type) is component:
            plugin = registry.origin(component)
            versions[plugin.distribution] = plugin.version
        else:  # handed in as an object
            versions[component.__module__] = "not registered"
    return dict(sorted(versions.items())) | {"numpy": np.__version__, "python": platform.python_version()}


def _components(value: Any) -> Iterator[type[Component]]:
    if isinstance(value, Component):
        yield type(value)
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _components(item)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _components(getattr(value, name))
