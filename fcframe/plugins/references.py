"""References `"kind type = module:Class"`, with which a plugin registers a component without importing it."""

import importlib
import re
import sys
from typing import Any, NamedTuple

from fcframe.components import KINDS, Component
from fcframe.errors import PluginError
from fcframe.plugins.classes import check
from fcframe.wording import shown, suggestion

FORM = '"kind type = module:Class", like "layer relu = my_package.layers:ReLU"'
"""The form of a reference, for messages."""
_REFERENCE = re.compile(r"\s*(?P<kind>\w+)\s+(?P<type>\w+)\s*=\s*(?P<module>[\w.]+)\s*:\s*(?P<name>[\w.]+)\s*")
_KINDS = {kind.kind: kind for kind in KINDS}


class Reference(NamedTuple):
    """The kind and type of a component, and the module and name of its class.

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
        """The object that the reference names, or None if its module has not been imported yet."""
        target: Any = sys.modules.get(self.module)
        for attribute in self.name.split("."):
            target = getattr(target, attribute, None)
        return target


def reference(text: str) -> Reference:
    """Parses a reference; imports nothing.

    Raises:
        PluginError: The text does not have the form of a reference, or its kind does not exist.
    """
    matched = _REFERENCE.fullmatch(text)
    if matched is None:
        raise PluginError(f"cannot read the reference {shown(text)}: expected {FORM}")
    result = Reference(**matched.groupdict())
    if result.kind not in _KINDS:
        raise PluginError(
            f"the reference {shown(text)} has an unknown kind {result.kind!r}.{suggestion(result.kind, _KINDS)} "
            f"Kinds: {', '.join(_KINDS)}. Expected {FORM}"
        )
    if not result.type.isidentifier():
        raise PluginError(
            f"the reference {shown(text)}: the type {result.type!r} is not an identifier. Expected {FORM}"
        )
    return result


def resolve(reference: Reference) -> type[Component]:
    """The class that a reference names; imports its module.

    Raises:
        PluginError: The class does not exist, cannot be used, or has another kind or type than the reference says.
        BaseException: The exceptions that the module raises when it is imported.
    """
    where = f"the reference {shown(str(reference))}"
    try:
        target: Any = importlib.import_module(reference.module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{reference.module}.".startswith(f"{error.name}."):
            raise  # another module, which the plugin imports, is missing
        raise PluginError(f"{where} cannot be resolved: there is no module {error.name!r}") from error
    for attribute in reference.name.split("."):
        try:
            target = getattr(target, attribute)
        except AttributeError as error:
            similar = suggestion(attribute, [name for name in dir(target) if not name.startswith("_")])
            raise PluginError(
                f"{where} cannot be resolved: {reference.module} has no {reference.name!r}{similar and f'.{similar}'}"
            ) from error
    check(target)
    if target.kind != reference.kind:
        raise PluginError(f"{where} registers a {reference.kind}, but {target.__qualname__} is a {target.kind}")
    if target.type != reference.type:
        raise PluginError(f"{where} registers the type {reference.type!r}, but the class has type = {target.type!r}")
    return target  # type: ignore[no-any-return]
