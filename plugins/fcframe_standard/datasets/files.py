"""Where data files are found."""

import contextlib
import os
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field, WrapValidator


class SpecPath(str):
    """A path as it stands in a spec, which remembers the folder of the spec's file; as a text it is the path alone."""

    folder = None


def _with_folder(value, handler, info):
    path = SpecPath(handler(value))
    path.folder = (info.context or {}).get("folder") or getattr(value, "folder", None)
    return path


DataPath: TypeAlias = Annotated[str, Field(min_length=1), WrapValidator(_with_folder)]
"""The field type of a path to data. A relative one is looked for beside the spec: `load_spec` names that folder in the
validation context, under "folder"."""


def find(path):
    """The file of that path: beside the spec, as it stands, or in the folder that FCFRAME_DATA names.

    Raises:
        FileNotFoundError: Says where the file was looked for.
    """
    return first(
        places(path),
        "a relative path is looked for in the folder of the spec, then in the current folder, "
        "then in the folder that FCFRAME_DATA names",
    )


def places(path):
    """Where a path may lead, in the order in which it is looked for."""
    folders = [getattr(path, "folder", None), ".", data_folder()]
    return list(dict.fromkeys(Path(folder, expanded(path)) for folder in folders if folder is not None))


def first(places, remedy):
    """The first of these places where there is a file.

    Raises:
        FileNotFoundError: Names the places, and says what to do about it.
    """
    for place in places:
        if place.is_file():
            return place
    others = "".join(f", nor {shown(place)}" for place in dict.fromkeys(places) if place != places[0])
    raise FileNotFoundError(f"{shown(places[0])}: there is no such file{others}; {remedy}")


def expanded(path):
    """The path with the home folder for a "~" at its start."""
    with contextlib.suppress(RuntimeError):  # "~name" of no user stays as it is
        return Path(path).expanduser()
    return Path(path)


def shown(path):
    """A path for a message of one line, whatever characters are in it."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def data_folder():
    """The folder that the environment variable FCFRAME_DATA names, or None."""
    folder = os.environ.get("FCFRAME_DATA")
    return expanded(folder) if folder else None
