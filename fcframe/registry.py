"""Entry points → plugins → registry: what is installed, and what went wrong with what is not usable."""

import importlib.metadata
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

import pluggy

from fcframe import announced, hookspecs
from fcframe.components import KINDS, Component
from fcframe.errors import PluginError, in_a_line
from fcframe.kernels import Kernels
from fcframe.strict import none_called, suggestion

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith(f"{hookspecs.GROUP}_"))


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


class Quarantined(NamedTuple):
    """A plugin that could not be used, and why; the others work without it."""

    plugin: Plugin
    reason: str
    """The exception in a line."""
    place: str
    """The plugin's file and line where it came up, where that is known."""

    def __str__(self) -> str:
        return f"{self.plugin} is not usable: {self.reason}{f' ({self.place})' if self.place else ''}"


class Registry:
    """The immutable map (kind, type) → (class, plugin), made once from the installed plugins.

    `registry.layers`, `.losses`, `.optimizers`, `.schedules`, `.initializers`, `.regularizers`, `.metrics` and
    `.datasets` map type → class; `registry.kernels` maps the name of each provider of kernels → (plugin, class).

    >>> import fcframe
    >>> fcframe.registry().layers["affine"](units=5).units
    5
    """

    def __init__(
        self,
        components: Iterable[tuple[Plugin, type[Component]]],
        plugins: Iterable[Plugin] = (),
        quarantined: Iterable[Quarantined] = (),
        manager: pluggy.PluginManager | None = None,
        providers: Iterable[tuple[Plugin, type[Kernels]]] = (),
    ) -> None:
        self.plugins = tuple(plugins)
        self.quarantined = tuple(quarantined)
        self.manager = manager or _manager()
        self._origins: dict[tuple[str, str], Plugin] = {}
        classes: dict[str, dict[str, type[Component]]] = {kind.kind: {} for kind in KINDS}
        for plugin, component in components:
            key = component.kind, component.type
            if key in self._origins:
                raise PluginError(
                    f"two plugins provide the {component.kind} {component.type!r}: {self._origins[key]} "
                    f"and {plugin}. Uninstall one of the distributions"
                )
            self._origins[key] = plugin
            classes[component.kind][component.type] = component
        offered: dict[str, tuple[Plugin, type[Kernels]]] = {}
        for plugin, provider in providers:
            if provider.name in offered:
                raise PluginError(
                    f"two plugins provide the kernels {provider.name!r}: {offered[provider.name][0]} and {plugin}. "
                    "Uninstall one of the distributions"
                )
            offered[provider.name] = plugin, provider
        self.kernels = MappingProxyType(dict(sorted(offered.items())))
        self._classes = {kind: MappingProxyType(dict(sorted(found.items()))) for kind, found in classes.items()}

    def of(self, kind: str) -> Mapping[str, type[Any]]:
        """The components of one kind: type → class."""
        return self._classes[kind]

    def origin(self, component: type[Component]) -> Plugin:
        """The plugin that registered the component."""
        return self._origins[component.kind, component.type]

    def __getattr__(self, name: str) -> Mapping[str, type[Any]]:
        for kind in KINDS:
            if kind.plural == name:
                return self.of(kind.kind)
        raise AttributeError(f"a registry has no {name!r}")

    def __iter__(self) -> Iterator[type[Component]]:
        return (component for kind in KINDS for component in self.of(kind.kind).values())

    def hooks(self, observers: Iterable[Any] = ()) -> pluggy.HookRelay:
        """The hooks of all plugins, and of these observers beside them.

        Raises:
            PluginError: An observer implements no hook, or one that does not exist.
        """
        manager = _manager()
        for name, plugin in self.manager.list_name_plugin():
            if plugin is not None:
                manager.register(plugin, name)
        for observer in observers:
            _register(manager, observer)
        _refuse_unknown_hooks(manager, self.plugins)
        return manager.hook

    def find(self, kind: str, name: str) -> type[Component]:
        """The component of that kind and type.

        Raises:
            LookupError: There is none; says what is registered, what was perhaps meant, and which plugin is broken.
        """
        known = self.of(kind)
        if name in known:
            return known[name]
        raise LookupError(self._unknown(kind, name, list(known)))

    def named(self, name: str) -> list[type[Component]]:
        """The components of that type, of whatever kind; at least one.

        Raises:
            LookupError: As for `find`.
        """
        found = [component for component in self if component.type == name]
        if not found:
            raise LookupError(self._unknown("component", name, sorted({component.type for component in self})))
        return found

    def _unknown(self, kind: str, name: str, known: Sequence[str]) -> str:
        broken = "".join(f". It may belong to a broken plugin: {quarantined}" for quarantined in self.quarantined)
        return none_called(kind, name, known, "Registered") + broken


@cache
def registry() -> Registry:
    """The registry of everything that is installed; made on first use.

    Raises:
        PluginError: Two plugins contradict each other, or a plugin implements a hook that does not exist.
    """
    return load(importlib.metadata.entry_points(group=hookspecs.GROUP))


def load(entry_points: Iterable[importlib.metadata.EntryPoint]) -> Registry:
    """Makes a registry from entry points.

    Raises:
        PluginError: Two distributions use one entry-point name, two plugins provide one type, or a plugin
            implements a hook that does not exist.
    """
    manager = _manager()
    plugins: list[Plugin] = []
    quarantined: list[Quarantined] = []
    components: list[tuple[Plugin, type[Component]]] = []
    providers: list[tuple[Plugin, type[Kernels]]] = []
    for plugin, entry_point in _without_conflict(entry_points):
        try:
            module = entry_point.load()
            _register(manager, module, plugin.name)
            new = announced.components(_implementations(manager, module, "fcframe_register"))
            offered = announced.providers(_implementations(manager, module, "fcframe_kernels"))
            components += [(plugin, component) for component in new]
            providers += [(plugin, provider) for provider in offered]
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a plugin does, a call of sys.exit included, the others work
            if manager.has_plugin(plugin.name):
                manager.unregister(name=plugin.name)
            quarantined.append(Quarantined(plugin, in_a_line(error), _place(error, plugin)))
        else:
            plugins.append(plugin)
    _refuse_unknown_hooks(manager, plugins)
    return Registry(components, plugins, quarantined, manager, providers)


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    return manager


def _without_conflict(
    entry_points: Iterable[importlib.metadata.EntryPoint],
) -> list[tuple[Plugin, importlib.metadata.EntryPoint]]:
    """Sorted, so that the order of installation changes nothing; two owners of one name are refused."""
    found: dict[str, tuple[Plugin, importlib.metadata.EntryPoint]] = {}
    for plugin, entry_point in sorted(((_plugin(point), point) for point in entry_points), key=itemgetter(0)):
        if plugin.name in found and found[plugin.name][0] != plugin:
            raise PluginError(
                f"two plugins are called {plugin.name!r}: {found[plugin.name][0]} ({found[plugin.name][0].module}) "
                f"and {plugin} ({plugin.module}). Uninstall one of the distributions"
            )
        found[plugin.name] = plugin, entry_point
    return list(found.values())


def _plugin(entry_point: importlib.metadata.EntryPoint) -> Plugin:
    known = {"Name": "unknown", "Version": "0"} if entry_point.dist is None else entry_point.dist.metadata
    return Plugin(entry_point.name, entry_point.value, known["Name"], known["Version"])  # each look reads it anew


def _register(manager: pluggy.PluginManager, plugin: Any, name: str | None = None) -> None:
    """Lets the manager call what the plugin marks; what lacks the mark would be passed over in silence."""
    manager.register(plugin, name)
    unmarked = [
        hook
        for hook in HOOKS
        if callable(getattr(plugin, hook, None)) and not manager.parse_hookimpl_opts(plugin, hook)
    ]
    if unmarked:
        raise PluginError(f"{', '.join(unmarked)} is not called: write @fcframe.hookimpl above it")
    if not manager.get_hookcallers(plugin):
        raise PluginError(f"it implements no hook. Hooks: {', '.join(HOOKS)}")


def _place(error: BaseException, plugin: Plugin) -> str:
    """The file and line of the plugin where an exception came up; the lines of what it called tell its author less."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    import traceback  # only where something is wrong

    package = re.split("[.:]", plugin.module)[0]
    own = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").partition(".")[0] == package
    ]
    return own[-1] if own else ""


def _implementations(manager: pluggy.PluginManager, module: Any, hook: str) -> list[Callable[[], Any]]:
    """The functions of this plugin that implement the hook."""
    found = getattr(manager.hook, hook).get_hookimpls()
    return [implementation.function for implementation in found if implementation.plugin is module]


def _refuse_unknown_hooks(manager: pluggy.PluginManager, plugins: Iterable[Plugin]) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError:
        owners = {plugin.name: plugin for plugin in plugins}
        unknown = [
            f"{owners.get(found.plugin_name, found.plugin)} implements a hook {name!r}, which does not exist."
            f"{suggestion(name, HOOKS)} Hooks: {', '.join(HOOKS)}"
            for name, caller in vars(manager.hook).items()
            if not caller.has_spec()
            for found in caller.get_hookimpls()
            if not found.optionalhook
        ]
        raise PluginError("\n".join(unknown)) from None
