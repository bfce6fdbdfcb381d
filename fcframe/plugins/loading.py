"""Loads all installed plugins into a registry; plugins and components that fail are quarantined."""

import importlib
import os
from collections.abc import Callable, Iterable
from typing import Any

from fcframe.components import KINDS, Component
from fcframe.errors import PluginError
from fcframe.kernels import Kernels
from fcframe.plugins import classes, hooks, installed, references
from fcframe.plugins.faults import ALL, DISABLE, Quarantined
from fcframe.plugins.installed import Plugin, normalized
from fcframe.plugins.isolation import loading, place, reason
from fcframe.plugins.references import Reference
from fcframe.plugins.registered import Hooks, Registry
from fcframe.wording import shown


def load(paths: Iterable[str] | None = None) -> Registry:
    """Builds a registry of the plugins in these folders. Default: the folders of sys.path.

    A plugin that fails is quarantined. FCFRAME_DISABLE_PLUGINS disables plugins by the name of their entry point or
    distribution; `__all__` disables all that do not belong to fcframe. With FCFRAME_TRACE_PLUGINS=1, each plugin is
    named on standard error before it is imported, which helps to find one that hangs or ends the process.
    """
    plugins: list[Plugin] = []
    quarantined: list[Quarantined] = []
    left_out: list[Plugin] = []
    components: list[tuple[Plugin, type[Component] | Reference]] = []
    providers: list[tuple[Plugin, type[Kernels]]] = []
    listeners: list[tuple[Plugin, Hooks]] = []
    modules: dict[int, Plugin] = {}
    for plugin, problem, folder in installed.find(paths):
        if _is_disabled(plugin):
            left_out.append(plugin)
            continue
        if problem:
            quarantined.append(Quarantined(plugin, problem, folder))
            continue
        try:
            with loading(str(plugin)):
                module = _imported(plugin)
                if id(module) in modules:
                    raise PluginError(f"it names the same module as {modules[id(module)]}")
                functions = hooks.implemented(module)
                items = _returned(functions, "fcframe_register", "component classes and references")
                offered = _returned(functions, "fcframe_kernels", "classes that derive from fcframe.Kernels")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit: a plugin must not affect the others
            quarantined.append(Quarantined(plugin, reason(error), place(error, plugin.module)))
            continue
        modules[id(module)] = plugin
        plugins.append(plugin)
        listeners.append((plugin, functions))
        usable_components, broken_components = _checked(plugin, items, _component)
        usable_providers, broken_providers = _checked(plugin, offered, _provider)
        components += [(plugin, component) for component in usable_components]
        providers += [(plugin, provider) for provider in usable_providers]
        quarantined += broken_components + broken_providers
    return Registry(components, plugins, quarantined, listeners, providers, left_out)


def _is_disabled(plugin: Plugin) -> bool:
    names = [name.strip() for name in os.environ.get(DISABLE, "").split(",") if name.strip()]
    if ALL in names and normalized(plugin.distribution) != normalized(installed.GROUP):
        return True
    return plugin.name in names or normalized(plugin.distribution) in map(normalized, names)


def _imported(plugin: Plugin) -> Any:
    """Imports the module that the entry point names; returns it, or the object in it."""
    name, attributes = installed.target(plugin)
    target: Any = importlib.import_module(name)
    for attribute in attributes:
        target = getattr(target, attribute)
    return target


def _returned(functions: Hooks, hook: str, expected: str) -> list[Any]:
    """Calls the plugin's functions for a registering hook, and concatenates their results."""
    items: list[Any] = []
    for implementation in functions.get(hook, ()):
        result = implementation.function()
        if not isinstance(result, (list, tuple)):
            raise PluginError(f"{hook} must return a list of {expected}, got {_described(result)}")
        items += result
    return items


def _described(result: Any) -> str:
    """What a registering hook returned instead of a list, and the list that was probably meant."""
    if isinstance(result, type):
        return f"the class {result.__qualname__}; return a list: [{result.__qualname__}]"
    if isinstance(result, str):
        return f"{shown(result)}; return a list: [{shown(result)}]"
    return shown(result)


def _component(item: Any) -> type[Component] | Reference:
    if isinstance(item, str):
        return references.reference(item)
    classes.check(item)
    component: type[Component] = item
    return component


def _provider(item: Any) -> type[Kernels]:
    classes.check_provider(item)
    provider: type[Kernels] = item
    return provider


def _checked(plugin: Plugin, items: Iterable[Any], read: Callable[[Any], Any]) -> tuple[list[Any], list[Quarantined]]:
    """Splits registered items into those that can be used and those that cannot."""
    by_name: dict[tuple[str, str], list[Any]] = {}
    faults = []
    for item in items:
        try:
            value = read(item)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            faults.append(Quarantined(plugin, reason(error), "", _title(item)))
        else:
            kind, name = ("kernels", value.name) if read is _provider else (value.kind, value.type)
            by_name.setdefault((kind, name), []).append(value)
    for (kind, name), values in by_name.items():
        if len(values) > 1:
            problem = f"the plugin registers the {kind} {name!r} {len(values)} times"
            faults.append(Quarantined(plugin, problem, "", f"{kind} {name!r}"))
    return [values[0] for values in by_name.values() if len(values) == 1], faults


def _title(item: Any) -> str:
    """The name of a registered item for messages; the item may be any object."""
    if isinstance(item, type):
        kind = next((known.kind for known in KINDS if issubclass(item, known)), "class")
        return (
            f"{kind} {getattr(item, 'type', item.__qualname__)!r}"
            if kind != "class"
            else f"class {item.__qualname__!r}"
        )
    return shown(item) if isinstance(item, str) else f"an object of type {type(item).__name__}"
