"""Where data files are found, and how much memory what is in them may take."""

import os
from pathlib import Path


def find(path):
    """The file of that path as it stands, else in the folder that FCFRAME_DATA names.

    Raises:
        FileNotFoundError: Says where the file was looked for.
    """
    folder = data_folder()
    places = [Path(path)] if folder is None else [Path(path), Path(folder, path)]
    return first(places, "a relative path is looked for in the current folder, then in the one FCFRAME_DATA names")


def first(places, remedy):
    """The first of these places where there is a file.

    Raises:
        FileNotFoundError: Names the places, and says what to do about it.
    """
    for place in places:
        if place.is_file():
            return place
    others = "".join(f", nor {_shown(place)}" for place in dict.fromkeys(places) if place != places[0])
    raise FileNotFoundError(f"{_shown(places[0])}: there is no such file{others}; {remedy}")


def _shown(path):
    """A path for a message of one line, whatever characters are in it."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def data_folder():
    """What the environment variable FCFRAME_DATA says, or None."""
    return os.environ.get("FCFRAME_DATA") or None


def max_bytes():
    """What the environment variable FCFRAME_MAX_BYTES says, else 4 GiB."""
    text = os.environ.get("FCFRAME_MAX_BYTES", "")
    return int(text) if text.isdecimal() else 4 * 2**30
