"""The registry: the components, kernels and hooks of all installed plugins."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pluggy

from fcframe.components import KINDS, Component
from fcframe.errors import PluginError
from fcframe.kernels import Kernels
from fcframe.plugins import hooks
from fcframe.plugins.faults import DISABLE, Ambiguous, Quarantined, UnknownNameError, UnusableError
from fcframe.plugins.installed import Plugin, normalized
from fcframe.plugins.lookup import Announced, ByName, Provider
from fcframe.plugins.references import Reference
from fcframe.wording import suggestion, unknown_name

Hooks = Mapping[str, list[hooks.Hook]]


class Registry:
    """The immutable registry of components, built once from the installed plugins.

    `registry.layers`, `.losses`, `.optimizers`, `.schedules`, `.initializers`, `.regularizers`, `.metrics`,
    `.observers` and `.datasets` map type → class; a class is imported when it is looked up. `registry.kernels` maps the
    name of each provider of kernels → (plugin, class). `distribution:type` works for every type, and is required if
    several distributions provide the type.

    >>> import fcframe
    >>> fcframe.registry().layers["affine"](units=5).units
    5
    >>> fcframe.registry().layers["fcframe:affine"] is fcframe.registry().layers["affine"]
    True
    """

    def __init__(
        self,
        components: Iterable[tuple[Plugin, type[Component] | Reference]],
        plugins: Iterable[Plugin] = (),
        quarantined: Iterable[Quarantined] = (),
        listeners: Iterable[tuple[Plugin, Hooks]] = (),
        providers: Iterable[tuple[Plugin, type[Kernels]]] = (),
        left_out: Iterable[Plugin] = (),
    ) -> None:
        self.plugins = tuple(plugins)
        self.left_out = tuple(left_out)
        self.kernels: ByName[tuple[Plugin, type[Kernels]]] = ByName(
            Provider(plugin, provider) for plugin, provider in providers
        )
        self._listeners = tuple(listeners)
        self._broken = tuple(quarantined)
        by_kind: dict[str, list[Announced]] = {kind.kind: [] for kind in KINDS}
        for plugin, source in components:
            by_kind[source.kind].append(Announced(plugin, source))
        self._components: dict[str, ByName[type[Any]]] = {kind: ByName(entries) for kind, entries in by_kind.items()}

    def of(self, kind: str) -> ByName[type[Any]]:
        """The components of one kind: type → class."""
        return self._components[kind]

    def __getattr__(self, name: str) -> ByName[type[Any]]:
        for kind in KINDS:
            if kind.plural == name:
                return self.of(kind.kind)
        raise AttributeError(f"a registry has no {name!r}")

    def __iter__(self) -> Iterator[type[Component]]:
        """All components that can be used; imports them."""
        return (component for entries in self._components.values() for component in entries.values())

    @property
    def ambiguous(self) -> tuple[Ambiguous, ...]:
        """The names that several plugins provide."""
        mappings: tuple[ByName[Any], ...] = (*self._components.values(), self.kernels)
        return tuple(ambiguous for mapping in mappings for ambiguous in mapping.ambiguous())

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """All plugins and single components that cannot be used; imports every component to find out."""
        faults = (entry.fault for entries in self._components.values() for entry in entries.entries())
        return (*self._broken, *(fault for fault in faults if fault is not None))

    def origin(self, component: type[Component]) -> Plugin:
        """The plugin that registered the component.

        Raises:
            LookupError: No plugin registered it.
        """
        return self._entry(component).plugin

    def name(self, component: type[Component]) -> str:
        """The component's name in a spec: its type, or `distribution:type` if the type is ambiguous."""
        try:
            entry = self._entry(component)
        except LookupError:  # not registered, but passed as an object
            return component.type
        try:
            self.of(entry.kind).entry(entry.type)
        except UnusableError:
            return f"{entry.plugin.distribution}:{entry.type}"
        return entry.type

    def _entry(self, component: type[Component]) -> Announced:
        entry: Announced
        for entry in self.of(component.kind).of_type(component.type):
            if entry.is_of(component):
                return entry
        raise LookupError(f"no plugin registered the {component.kind} {component.type!r} of {component.__module__}")

    def hooks(self, observers: Iterable[Any] = ()) -> pluggy.HookRelay:
        """The hooks of all plugins and of these observers.

        Raises:
            PluginError: An observer implements no hook, an unknown hook, or one with an argument that the hook does not
                pass.
        """
        listeners = [(str(plugin), functions) for plugin, functions in self._listeners]
        for observer in observers:
            name = getattr(observer, "__name__", type(observer).__name__)
            try:
                listeners.append((name, hooks.implemented(observer)))
            except PluginError as error:
                raise PluginError(f"observer {name}: {error}") from None
        return hooks.relay(listeners)

    def find(self, kind: str, name: str) -> type[Component]:
        """The component of that kind with that type or `distribution:type`.

        Raises:
            UnknownNameError: There is none. The message lists the registered types, a similar one, and broken plugins.
            LookupError: It is ambiguous or quarantined.
        """
        if kind not in self._components:
            raise UnknownNameError(unknown_name("kind", str(kind), list(self._components), "Kinds"))
        try:
            component: type[Component] = self.of(kind)[name]
        except UnusableError as error:
            raise LookupError(str(error)) from None
        except KeyError:
            if faults := self._faults([kind], name):
                raise LookupError("; ".join(faults)) from None
            raise UnknownNameError(self._unknown(kind, name, [kind])) from None
        return component

    def named(self, name: str) -> list[type[Component]]:
        """The components of all kinds with that type; at least one.

        Raises:
            UnknownNameError, LookupError: As for `find`.
        """
        components: list[type[Component]] = []
        problems: list[str] = []
        ambiguous = False
        for entries in self._components.values():
            try:
                components.append(entries.usable_entry(name).value)
            except UnusableError as error:
                problems.append(str(error))
                ambiguous = ambiguous or name not in entries
            except KeyError:
                pass
        if problems and (not components or ambiguous):
            raise LookupError("; ".join(problems))
        if not components:
            kinds = list(self._components)
            if faults := self._faults(kinds, name):
                raise LookupError("; ".join(faults))
            raise UnknownNameError(self._unknown("component", name, kinds))
        return components

    def providing(self, name: str) -> list[type[Component]]:
        """The components of all kinds and distributions with that name, which may be ambiguous; at least one.

        Raises:
            UnknownNameError, LookupError: As for `find`.
        """
        distribution, _, bare = name.rpartition(":")
        entries = [entry for mapping in self._components.values() for entry in mapping.of_type(bare)]
        found = [
            entry.value
            for entry in entries
            if (not distribution or normalized(entry.plugin.distribution) == normalized(distribution))
            and entry.fault is None
        ]
        return found or self.named(name)

    def _faults(self, kinds: Iterable[str], name: str) -> list[str]:
        """Why the classes of these kinds with that name could not be registered."""
        distribution, _, bare = name.rpartition(":")
        titles = [f"{kind} {bare!r}" for kind in kinds]
        return [
            str(fault)
            for fault in self._broken
            if fault.component in titles
            and (not distribution or normalized(fault.plugin.distribution) == normalized(distribution))
        ]

    def _unknown(self, what: str, name: str, kinds: Iterable[str]) -> str:
        """The message for an unknown name. Imports all components of these kinds, to compare their `also_called`."""
        known = sorted({key for kind in kinds for key in self.of(kind)})
        others = [entry for kind in kinds for entry in self.of(kind).of_type(name.rpartition(":")[2])]
        called = [
            self.name(component)
            for kind in kinds
            for component in self.of(kind).values()
            if _simple(name) in map(_simple, getattr(component, "also_called", ()))
        ]
        if others:
            names = " or ".join(repr(f"{entry.plugin.distribution}:{entry.type}") for entry in others)
            return f"no {what} called {name!r}: no distribution of that name has one. Write {names}"
        if called:
            names = " or ".join(map(repr, called))
            return f"no {what} called {name!r}. It is called {names} here. Registered: {', '.join(known)}"
        return unknown_name(what, name, known, "Registered") + self.possible_origins(name, known)

    def possible_origins(self, name: str, known: Iterable[str]) -> str:
        """A sentence for a message about a missing name: the broken and disabled plugins that may provide it.

        Empty if a known name is similar, because the missing name is probably a misspelling of it.
        """
        if suggestion(name, known):
            return ""
        broken = [fault for fault in self._broken if fault.component.partition(" ")[0] not in self._components]
        if len(broken) == 1 and not self.left_out:
            return f". It may belong to a broken plugin: {broken[0]}"
        reasons = [f" ({fault.reason})" for fault in broken] if len(broken) == 1 else [""] * len(broken)
        origins = [f"{fault.plugin}, which is not usable{why}" for fault, why in zip(broken, reasons, strict=True)]
        origins += [f"{plugin}, which {DISABLE} disables" for plugin in self.left_out]
        hint = ". `fcframe list` gives the reasons" if len(broken) > 1 else ""
        return f". It may belong to {', or to '.join(dict.fromkeys(origins))}{hint}" if origins else ""


def _simple(word: str) -> str:
    return word.lower().replace("-", "_")
