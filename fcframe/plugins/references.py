"""References: `"kind type = module:Class"`, by which a plugin announces a component without importing it."""

import importlib
import re
import sys
from typing import Any, NamedTuple

from fcframe.components import KINDS, Component
from fcframe.errors import PluginError
from fcframe.plugins.classes import check
from fcframe.strict import shown, suggestion

FORM = '"kind type = module:Class", like "layer relu = my_package.layers:ReLU"'
"""How a reference is written."""
_REFERENCE = re.compile(r"\s*(?P<kind>\w+)\s+(?P<type>\w+)\s*=\s*(?P<module>[\w.]+)\s*:\s*(?P<name>[\w.]+)\s*")
_KINDS = {kind.kind: kind for kind in KINDS}


class Reference(NamedTuple):
    """Where a component is, so that it can be announced without being imported.

    >>> str(reference("layer relu = my_package.layers:ReLU"))
    'layer relu = my_package.layers:ReLU'
    """

    kind: str
    type: str
    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.type} = {self.module}:{self.name}"

    def known(self) -> Any:
        """What it names if its module is imported already, by another component for example; else None."""
        found: Any = sys.modules.get(self.module)
        for step in self.name.split("."):
            found = getattr(found, step, None)
        return found


def reference(text: str) -> Reference:
    """Reads a reference; imports nothing.

    Raises:
        PluginError: It is not written as a reference is, or names a kind that does not exist.
    """
    matched = _REFERENCE.fullmatch(text)
    if matched is None:
        raise PluginError(f"cannot read the reference {shown(text)}: expected {FORM}")
    found = Reference(**matched.groupdict())
    if found.kind not in _KINDS:
        raise PluginError(
            f"the reference {shown(text)} names no kind: {found.kind!r}.{suggestion(found.kind, _KINDS)} "
            f"Kinds: {', '.join(_KINDS)}. Expected {FORM}"
        )
    if not found.type.isidentifier():
        raise PluginError(f"the reference {shown(text)}: the type {found.type!r} is no identifier. Expected {FORM}")
    return found


def resolve(reference: Reference) -> type[Component]:
    """The class that a reference names; imports its module.

    Raises:
        PluginError: It is not there, cannot be used, or is not what was announced.
        BaseException: Whatever the module raises when it is imported.
    """
    where = f"the reference {shown(str(reference))}"
    try:
        found: Any = importlib.import_module(reference.module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{reference.module}.".startswith(f"{error.name}."):
            raise  # a module of its own that it imports
        raise PluginError(f"{where} leads nowhere: there is no module {error.name!r}") from error
    for step in reference.name.split("."):
        try:
            found = getattr(found, step)
        except AttributeError as error:
            names = [name for name in dir(found) if not name.startswith("_")]
            raise PluginError(
                f"{where} leads nowhere: {reference.module} has no {reference.name!r}.{suggestion(step, names)}"
            ) from error
    check(found)
    if found.kind != reference.kind:
        raise PluginError(f"{where} announces a {reference.kind}, but {found.__qualname__} is a {found.kind}")
    if found.type != reference.type:
        raise PluginError(f"{where} announces the type {reference.type!r}, but the class has type = {found.type!r}")
    return found  # type: ignore[no-any-return]
