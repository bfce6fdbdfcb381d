"""Entry points → plugins → registry: what is installed, and what went wrong with what is not usable."""

import importlib.metadata
import inspect
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import pluggy

from fcframe import fields, hookspecs
from fcframe.components import KINDS, Component
from fcframe.errors import FcframeError, PluginError
from fcframe.strict import suggestion


@dataclass(frozen=True)
class Plugin:
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


@dataclass(frozen=True)
class Quarantined:
    """A plugin that could not be used, and why; the others work without it."""

    plugin: Plugin
    reason: str
    """The exception in a line."""
    place: str
    """File and line where it was raised, where that is known."""

    def __str__(self) -> str:
        return f"{self.plugin} is not usable: {self.reason}{f' ({self.place})' if self.place else ''}"


class Registry:
    """The immutable map (kind, type) → (class, plugin), made once from the installed plugins.

    `registry.layers`, `.losses`, `.optimizers`, `.schedules`, `.initializers`, `.regularizers`, `.metrics` and
    `.datasets` map type → class.

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
                    f"two plugins provide a {component.kind} called {component.type!r}: {self._origins[key]} "
                    f"and {plugin}. Uninstall one of the distributions"
                )
            self._origins[key] = plugin
            classes[component.kind][component.type] = component
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
        """The hooks of all plugins, and of these observers beside them."""
        manager = _manager()
        for name, plugin in self.manager.list_name_plugin():
            if plugin is not None:
                manager.register(plugin, name)
        for observer in observers:
            manager.register(observer)
        return manager.hook

    def find(self, kind: str, name: str) -> type[Component]:
        """The component of that kind and type.

        Raises:
            LookupError: There is none; says what is registered, what was perhaps meant, and which plugin is broken.
        """
        known = self.of(kind)
        if name in known:
            return known[name]
        broken = "".join(f". It may belong to a broken plugin: {quarantined}" for quarantined in self.quarantined)
        registered = ", ".join(known) or "none"
        raise LookupError(f"no {kind} called {name!r}.{suggestion(name, known)} Registered: {registered}{broken}")


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
    for plugin, entry_point in _without_conflict(entry_points):
        try:
            module = entry_point.load()
            manager.register(module, plugin.name)
            components += [(plugin, component) for component in _announced(manager, module)]
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a plugin does, a call of sys.exit included, the others work
            if manager.has_plugin(plugin.name):
                manager.unregister(name=plugin.name)
            quarantined.append(Quarantined(plugin, *_account(error)))
        else:
            plugins.append(plugin)
    _refuse_unknown_hooks(manager, plugins)
    return Registry(components, plugins, quarantined, manager)


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    return manager


def _without_conflict(
    entry_points: Iterable[importlib.metadata.EntryPoint],
) -> list[tuple[Plugin, importlib.metadata.EntryPoint]]:
    """Sorted, so that the order of installation changes nothing; two owners of one name are refused."""
    found: dict[str, tuple[Plugin, importlib.metadata.EntryPoint]] = {}
    for entry_point in sorted(entry_points, key=lambda point: (point.name, point.value)):
        name, version = (
            ("unknown", "0") if entry_point.dist is None else (entry_point.dist.name, entry_point.dist.version)
        )
        plugin = Plugin(entry_point.name, entry_point.value, name, version)
        if plugin.name in found and found[plugin.name][0] != plugin:
            raise PluginError(
                f"two plugins are called {plugin.name!r}: {found[plugin.name][0]} ({found[plugin.name][0].module}) "
                f"and {plugin} ({plugin.module}). Uninstall one of the distributions"
            )
        found[plugin.name] = plugin, entry_point
    return list(found.values())


def _announced(manager: pluggy.PluginManager, module: Any) -> list[type[Component]]:
    """What a plugin's registering hook returns, looked through."""
    implementations = [hook for hook in manager.hook.fcframe_register.get_hookimpls() if hook.plugin is module]
    found: list[type[Component]] = []
    for implementation in implementations:
        announced = implementation.function()
        if not isinstance(announced, (list, tuple)):
            raise PluginError(f"fcframe_register returns a list of component classes, got {announced!r}")
        for component in announced:
            _check_component(component)
        found += announced
    return found


def _check_component(component: Any) -> None:
    if not (inspect.isclass(component) and issubclass(component, KINDS)):
        kinds = ", ".join(kind.__name__ for kind in KINDS)
        raise PluginError(f"{component!r} is no component: it must be a class that derives from one of {kinds}")
    if not isinstance(getattr(component, "type", None), str) or not component.type:
        raise PluginError(f'{component.__qualname__} has no type: say what it is called in JSON, type = "…"')
    missing = sorted(getattr(component, "__abstractmethods__", ()))
    if missing:
        raise PluginError(f"{component.__qualname__} ({component.kind} {component.type!r}) lacks {', '.join(missing)}")


def _account(error: BaseException) -> tuple[str, str]:
    """An exception in a line, and the file and line where it was raised."""
    lines = str(error).strip().splitlines() or [""]
    reason = lines[0] if isinstance(error, FcframeError) else f"{type(error).__name__}: {lines[0]}".removesuffix(": ")
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        return reason, f"{error.filename}:{error.lineno}"
    if isinstance(error, FcframeError) or not frames:
        return reason, ""
    return reason, f"{frames[-1].filename}:{frames[-1].lineno}"


def _refuse_unknown_hooks(manager: pluggy.PluginManager, plugins: Iterable[Plugin]) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError:
        hooks = [name for name in vars(hookspecs) if name.startswith(f"{hookspecs.GROUP}_")]
        unknown = [
            f"{plugin} implements a hook {name!r}, which does not exist.{suggestion(name, hooks)} "
            f"Hooks: {', '.join(hooks)}"
            for plugin in plugins
            for name in dir(manager.get_plugin(plugin.name))
            if name.startswith(f"{hookspecs.GROUP}_")
            and name not in hooks
            and manager.parse_hookimpl_opts(manager.get_plugin(plugin.name), name) is not None
        ]
        raise PluginError("\n".join(unknown)) from None


fields.use(registry)  # from now on a field can be read that holds another component
