"""What a plugin's hooks return, looked through before anybody uses it."""

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fcframe.components import KINDS, Component
from fcframe.errors import PluginError
from fcframe.kernels import NUMPY, Kernels

Implementations = Iterable[Callable[[], Any]]


def components(implementations: Implementations) -> list[type[Component]]:
    """The component classes that `fcframe_register` returns.

    Raises:
        PluginError: Something else is among them, or one that cannot be used.
    """
    found = list(_returned(implementations, "fcframe_register", "component classes"))
    for component in found:
        _check_component(component)
    for (kind, name), count in Counter((component.kind, component.type) for component in found).items():
        if count > 1:
            raise PluginError(f"fcframe_register returns the {kind} {name!r} {count} times")
    return found


def providers(implementations: Implementations) -> list[type[Kernels]]:
    """The providers of kernels that `fcframe_kernels` returns.

    Raises:
        PluginError: Something else is among them, or one without a name of its own.
    """
    found = list(_returned(implementations, "fcframe_kernels", "classes that derive from fcframe.Kernels"))
    for provider in found:
        if not (inspect.isclass(provider) and issubclass(provider, Kernels)):
            raise PluginError(f"{provider!r} provides no kernels: it must be a class that derives from fcframe.Kernels")
        if not isinstance(provider.name, str) or not provider.name.isidentifier() or provider.name == NUMPY.name:
            raise PluginError(f'{provider.__qualname__} needs a name of its own, name = "…", got {provider.name!r}')
    for name, count in Counter(provider.name for provider in found).items():
        if count > 1:
            raise PluginError(f"fcframe_kernels returns the kernels {name!r} {count} times")
    return found


def _returned(implementations: Implementations, hook: str, wanted: str) -> Iterator[Any]:
    for implementation in implementations:
        answer = implementation()
        if not isinstance(answer, (list, tuple)):
            raise PluginError(f"{hook} returns a list of {wanted}, got {answer!r}")
        yield from answer


def check_type(component: type[Component]) -> None:
    """Refuses a class that does not say its name in JSON.

    Raises:
        PluginError: It does not.
    """
    if not isinstance(getattr(component, "type", None), str) or not component.type:
        raise PluginError(f'{component.__qualname__} has no type: say what it is called in JSON, type = "…"')


def _check_component(component: Any) -> None:
    if not (inspect.isclass(component) and issubclass(component, KINDS)):
        kinds = ", ".join(kind.__name__ for kind in KINDS)
        raise PluginError(f"{component!r} is no component: it must be a class that derives from one of {kinds}")
    check_type(component)
    if not component.type.isidentifier():
        raise PluginError(
            f"{component.__qualname__}: type {component.type!r} is no identifier: what a layer learns is named after it"
        )
    facts = {name for name in component.__class_vars__ if not hasattr(component, name)}
    missing = sorted(facts.union(getattr(component, "__abstractmethods__", ())))
    if missing:
        raise PluginError(f"{component.__qualname__} ({component.kind} {component.type!r}) lacks {', '.join(missing)}")
    if getattr(component, "label", None) == "loss":
        raise PluginError(
            f"{component.__qualname__} ({component.kind} {component.type!r}) has the label 'loss', which is the loss's"
        )
