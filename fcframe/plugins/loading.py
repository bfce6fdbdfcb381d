"""Entry points → plugins → registry: each is imported and asked what it announces; what fails harms only itself."""

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
from fcframe.strict import shown


def load(paths: Iterable[str] | None = None) -> Registry:
    """Makes a registry of what is installed in these folders, by default in those of sys.path.

    A plugin that does not work is quarantined. FCFRAME_DISABLE_PLUGINS leaves plugins out, by entry point or
    distribution; `__all__` leaves out all that do not come with fcframe itself. FCFRAME_TRACE_PLUGINS=1 names each
    plugin on standard error before it is imported, to find one that hangs or ends the process.
    """
    plugins: list[Plugin] = []
    quarantined: list[Quarantined] = []
    left_out: list[Plugin] = []
    components: list[tuple[Plugin, type[Component] | Reference]] = []
    providers: list[tuple[Plugin, type[Kernels]]] = []
    listeners: list[tuple[Plugin, Hooks]] = []
    modules: dict[int, Plugin] = {}
    for plugin, problem, folder in installed.find(paths):
        if _is_left_out(plugin):
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
        except BaseException as error:  # whatever a plugin does, a call of sys.exit included, the others work
            quarantined.append(Quarantined(plugin, reason(error), place(error, plugin.module)))
            continue
        modules[id(module)] = plugin
        plugins.append(plugin)
        listeners.append((plugin, functions))
        for wanted, found in ((items, components), (offered, providers)):
            usable, faults = _looked_through(plugin, wanted, _component if found is components else _provider)
            found += [(plugin, one) for one in usable]
            quarantined += faults
    return Registry(components, plugins, quarantined, listeners, providers, left_out)


def _is_left_out(plugin: Plugin) -> bool:
    names = [name.strip() for name in os.environ.get(DISABLE, "").split(",") if name.strip()]
    if ALL in names and normalized(plugin.distribution) != normalized(installed.GROUP):
        return True
    return plugin.name in names or normalized(plugin.distribution) in map(normalized, names)


def _imported(plugin: Plugin) -> Any:
    """The module that the entry point names, or the object in it."""
    name, attributes = installed.target(plugin)
    found: Any = importlib.import_module(name)
    for attribute in attributes:
        found = getattr(found, attribute)
    return found


def _returned(functions: Hooks, hook: str, wanted: str) -> list[Any]:
    """What the plugin's functions for an announcing hook return, together."""
    found: list[Any] = []
    for one in functions.get(hook, ()):
        answer = one.function()
        if not isinstance(answer, (list, tuple)):
            raise PluginError(f"{hook} returns a list of {wanted}, got {shown(answer)}")
        found += answer
    return found


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


def _looked_through(
    plugin: Plugin, items: Iterable[Any], read: Callable[[Any], Any]
) -> tuple[list[Any], list[Quarantined]]:
    """What of the items can be used, and what cannot; each harms only itself."""
    found: dict[tuple[str, str], list[Any]] = {}
    faults = []
    for item in items:
        try:
            one = read(item)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            faults.append(Quarantined(plugin, reason(error), "", _title(item)))
        else:
            kind, name = ("kernels", one.name) if read is _provider else (one.kind, one.type)
            found.setdefault((kind, name), []).append(one)
    for (kind, name), several in found.items():
        if len(several) > 1:
            told = f"the plugin announces the {kind} {name!r} {len(several)} times"
            faults.append(Quarantined(plugin, told, "", f"{kind} {name!r}"))
    return [one for several in found.values() if len(several) == 1 for one in several], faults


def _title(item: Any) -> str:
    """What a message calls an announced item that may be anything."""
    if isinstance(item, type):
        kind = next((known.kind for known in KINDS if issubclass(item, known)), "class")
        return (
            f"{kind} {getattr(item, 'type', item.__qualname__)!r}"
            if kind != "class"
            else f"class {item.__qualname__!r}"
        )
    return shown(item) if isinstance(item, str) else f"an object of type {type(item).__name__}"
