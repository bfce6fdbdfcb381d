"""What is installed: the folders of sys.path → the plugins that distributions announce by entry points.

It reads what `importlib.metadata` reads, and imports nothing for it: that module alone takes a tenth of a start.
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
    """A module named by an entry point."""

    name: str
    """The entry point's name."""
    module: str
    """What the entry point names."""
    distribution: str
    """What was installed to bring it."""
    version: str
    """The distribution's version."""

    def __str__(self) -> str:
        return f"plugin {self.name!r} of {self.distribution} {self.version}"

    @property
    def key(self) -> tuple[str, str]:
        """What tells plugins apart: distributions may use one entry-point name."""
        return normalized(self.distribution), self.name


class Found(NamedTuple):
    """A plugin, and what is wrong with its entry point, or nothing."""

    plugin: Plugin
    problem: str = ""
    place: str = ""
    """The distribution's folder, where something is wrong."""


class _Distribution(NamedTuple):
    folder: str
    read: Callable[[str], bytes]
    """The content of one of the folder's files; empty where there is none."""


def normalized(distribution: str) -> str:
    """A distribution's name as packaging compares it (PEP 503).

    >>> normalized("Some_Layers")
    'some-layers'
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()


def printable(text: str) -> str:
    r"""A text of somebody else's, with characters that a terminal would obey written out.

    >>> printable("red\x1b[31m")
    'red\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def find(paths: Iterable[str] | None = None) -> list[Found]:
    """The plugins of all distributions in these folders (by default those of sys.path), in a fixed order.

    Of several distributions with one name the first on the path counts, as it does for an import. A distribution
    whose metadata cannot be read is passed over unless it announces a plugin.
    """
    found: dict[tuple[str, str], Found] = {}
    seen = set()
    for distribution in _distributions(sys.path if paths is None else paths):
        folder = distribution.folder.removesuffix(_IN_AN_EGG)
        name, _, rest = os.path.basename(folder).rpartition(".")[0].partition("-")  # noqa: PTH119
        if (same := normalized(name)) in seen:
            continue
        seen.add(same)
        announced = distribution.read("entry_points.txt")
        if f"[{GROUP}]".encode() in announced:
            headers = _headers(distribution)
            name, version = headers.get("name", name), headers.get("version", rest.partition("-")[0] or "0")
            for one in _entry_points(announced, printable(name), printable(version), distribution.folder):
                found.setdefault(one.plugin.key, one)
    return sorted(found.values(), key=lambda one: (one.plugin.name, one.plugin))


def _distributions(paths: Iterable[str]) -> Iterator[_Distribution]:
    for path in paths:
        try:
            names = sorted(os.listdir(path or "."))  # noqa: PTH208 - faster than pathlib, and not imported yet
        except OSError:
            if os.path.isfile(path):  # noqa: PTH113 - an archive
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
    import importlib.metadata  # only where modules are imported from archives

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
    """Those of the group; other sections are nobody's business here."""
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
    """The module that an entry point names, and the attributes that lead to the plugin in it.

    >>> target(Plugin("some", "some.inside:plugin", "some", "1.0"))
    ('some.inside', ('plugin',))
    """
    matched = _VALUE.fullmatch(plugin.module)
    assert matched is not None
    return matched["module"], tuple((matched["attribute"] or "").split(".")) if matched["attribute"] else ()
