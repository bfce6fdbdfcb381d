"""Finds installed plugins: the entry points of the group `fcframe` of all distributions on sys.path.

It reads the same files as `importlib.metadata`, whose import alone would take a tenth of a command's start-up time.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

GROUP = "fcframe"
"""The entry-point group."""
_METADATA = (".dist-info", ".egg-info")
_IN_AN_EGG = f"{os.sep}EGG-INFO"
_HEADER = re.compile(r"^(Name|Version):[ \t]*(\S.*?)[ \t\r]*$", re.MULTILINE | re.IGNORECASE)
_VALUE = re.compile(r"(?P<module>[\w.]+)\s*(:\s*(?P<attribute>[\w.]+))?\s*(\[.*\])?")


class Plugin(NamedTuple):
    """A plugin: a module, or an object in a module, that an entry point names."""

    name: str
    """Name of the entry point."""
    module: str
    """Value of the entry point: "module" or "module:attribute"."""
    distribution: str
    """Name of the installed distribution."""
    version: str
    """Version of the distribution."""

    def __str__(self) -> str:
        return f"plugin {self.name!r} of {self.distribution} {self.version}"

    @property
    def key(self) -> tuple[str, str]:
        """Identifies the plugin. Different distributions may use the same entry-point name."""
        return normalized(self.distribution), self.name


class Found(NamedTuple):
    """An installed plugin, and the problem with its entry point."""

    plugin: Plugin
    problem: str = ""
    """The problem; empty if there is none."""
    place: str = ""
    """The distribution's folder, if there is a problem."""


class _Distribution(NamedTuple):
    folder: str
    read: Callable[[str], bytes]
    """Returns the content of a file in the folder; empty if it does not exist."""


def normalized(distribution: str) -> str:
    """The normalized name of a distribution (PEP 503).

    >>> normalized("Some_Layers")
    'some-layers'
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()


def printable(text: str) -> str:
    r"""Escapes characters in a plugin's text that a terminal would interpret.

    >>> printable("red\x1b[31m")
    'red\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def find(paths: Iterable[str] | None = None) -> list[Found]:
    """The plugins of all distributions in these folders, sorted by name. Default: the folders of sys.path.

    If a distribution is in several folders, the first is used, as for an import. A distribution whose metadata cannot
    be read is ignored, unless it has an entry point for a plugin.
    """
    plugins: dict[tuple[str, str], Found] = {}
    seen = set()
    for distribution in _distributions(sys.path if paths is None else paths):
        folder = distribution.folder.removesuffix(_IN_AN_EGG)
        name, _, rest = os.path.basename(folder).rpartition(".")[0].partition("-")  # noqa: PTH119
        if (key := normalized(name)) in seen:
            continue
        seen.add(key)
        content = distribution.read("entry_points.txt")
        if f"[{GROUP}]".encode() in content:
            headers = _headers(distribution)
            name, version = headers.get("name", name), headers.get("version", rest.partition("-")[0] or "0")
            for entry in _entry_points(content, printable(name), printable(version), distribution.folder):
                plugins.setdefault(entry.plugin.key, entry)
    return sorted(plugins.values(), key=lambda entry: (entry.plugin.name, entry.plugin))


def _distributions(paths: Iterable[str]) -> Iterator[_Distribution]:
    for path in paths:
        try:
            names = sorted(os.listdir(path or "."))  # noqa: PTH208 - faster than pathlib, which may not be imported yet
        except OSError:
            if os.path.isfile(path):  # noqa: PTH113 - a zip archive
                yield from _of_archive(path)
            continue
        for name in names:
            if name.endswith(_METADATA) or name == "EGG-INFO":
                folder = os.path.join(path, name)  # noqa: PTH118
                yield _Distribution(folder, lambda file, folder=folder: _content(folder, file))  # type: ignore[misc]


def _content(folder: str, file: str) -> bytes:
    try:
        with open(os.path.join(folder, file), "rb") as opened:  # noqa: PTH118, PTH123
            return opened.read()
    except OSError:
        return b""


def _of_archive(path: str) -> Iterator[_Distribution]:
    import importlib.metadata  # slow to import, and only needed for archives

    for distribution in importlib.metadata.distributions(path=[path]):

        def read(file: str, distribution: importlib.metadata.Distribution = distribution) -> bytes:
            try:
                return (distribution.read_text(file) or "").encode()
            except UnicodeDecodeError as error:
                return bytes(error.object)

        yield _Distribution(str(getattr(distribution, "_path", path)).rstrip("/"), read)


def _headers(distribution: _Distribution) -> dict[str, str]:
    text = distribution.read("METADATA") or distribution.read("PKG-INFO")
    head = re.split(rb"\r?\n\r?\n", text, maxsplit=1)[0].decode(errors="replace")
    return {key.lower(): value for key, value in reversed(_HEADER.findall(head))}


def _entry_points(content: bytes, distribution: str, version: str, folder: str) -> Iterator[Found]:
    """The entry points of the group `fcframe`. Other sections are not checked."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"entry_points.txt is not text in UTF-8 (byte {error.start})"
        yield Found(Plugin("?", "?", distribution, version), reason, folder)
        return
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == GROUP and line and not line.startswith(("#", ";")):
            name, _, value = (part.strip() for part in line.partition("="))
            plugin = Plugin(printable(name), printable(value) or "?", distribution, version)
            if name and _VALUE.fullmatch(value):
                yield Found(plugin)
            else:
                reason = f"entry_points.txt: expected a line like name = module, got {line[:80]!r}"
                yield Found(plugin, reason, folder)


def target(plugin: Plugin) -> tuple[str, tuple[str, ...]]:
    """The module that an entry point names, and the attribute path of the plugin in it.

    >>> target(Plugin("some", "some.inside:plugin", "some", "1.0"))
    ('some.inside', ('plugin',))
    """
    matched = _VALUE.fullmatch(plugin.module)
    assert matched is not None
    return matched["module"], tuple((matched["attribute"] or "").split(".")) if matched["attribute"] else ()
