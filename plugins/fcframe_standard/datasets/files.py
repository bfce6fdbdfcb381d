"""Finds data files."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import (
    Field,
    PlainSerializer,
    SerializationInfo,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)


class SpecPath(str):
    """A path as written in a spec, together with the folder of the spec's file; as a string it is the path alone."""

    folder: str | os.PathLike[str] | None = None


def _with_folder(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> SpecPath:
    path = SpecPath(handler(value))
    path.folder = (info.context or {}).get("folder") or getattr(value, "folder", None)
    return path


def _from_folder(path: str, info: SerializationInfo) -> str:
    """The path as it is found from the folder that the spec is written to, which the context names; or as it is."""
    source, folder = getattr(path, "folder", None), (info.context or {}).get("folder")
    if source is None or folder is None or expanded(path).is_absolute() or not (found := Path(source, path)).exists():
        return path
    start, parent = Path(folder).resolve(), found.parent.resolve()
    with contextlib.suppress(ValueError):  # the folders are on different drives of Windows
        if os.path.commonpath([start, parent]) != start.anchor:  # otherwise it would be a path from the root
            return Path(os.path.relpath(parent / found.name, start)).as_posix()
    return path


DataPath: TypeAlias = Annotated[str, Field(min_length=1), WrapValidator(_with_folder), PlainSerializer(_from_folder)]
"""The field type of a path to data. A relative path is looked for in the folder of the spec first, which `load_spec`
passes in the validation context, as "folder". When a run is written, the context has the run's folder as "folder"; a
path that was found in the folder of the spec is then written relative to it, so that the run can be trained again."""


def find(path: str | Path) -> Path:
    """The file of that path; a relative one is looked for in all `places`.

    Raises:
        FileNotFoundError: There is no such file; the message says where it was looked for.
    """
    return first(
        places(path),
        "a relative path is looked for in the folder of the spec, then in the current folder, "
        "then in the folder that FCFRAME_DATA names",
    )


def places(path: str | Path) -> list[Path]:
    """The places of a path, in the order in which they are tried."""
    folders = [getattr(path, "folder", None), ".", data_folder()]
    return list(dict.fromkeys(Path(folder, expanded(path)) for folder in folders if folder is not None))


def first(places: Sequence[Path], remedy: str) -> Path:
    """The first of these paths that is a file.

    Raises:
        FileNotFoundError: None is; the message names them, and the remedy.
    """
    for place in places:
        if place.is_file():
            return place
    others = "".join(f", nor {shown(place)}" for place in dict.fromkeys(places) if place != places[0])
    raise FileNotFoundError(f"{shown(places[0])}: there is no such file{others}; {remedy}")


def expanded(path: str | Path) -> Path:
    """The path with a "~" at its start replaced by the home folder."""
    with contextlib.suppress(RuntimeError):  # "~name" is left as it is if there is no such user
        return Path(path).expanduser()
    return Path(path)


def shown(path: Path) -> str:
    """A path for a message of one line, with unprintable characters escaped."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def data_folder() -> Path | None:
    """The folder that the environment variable FCFRAME_DATA names, or None."""
    folder = os.environ.get("FCFRAME_DATA")
    return expanded(folder) if folder else None
