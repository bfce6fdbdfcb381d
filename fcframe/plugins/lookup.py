"""Mappings from names to components; a class is imported when it is looked up."""

from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from functools import cached_property
from typing import Any, TypeVar

from fcframe.components import Component
from fcframe.kernels import Kernels
from fcframe.plugins import classes
from fcframe.plugins.faults import Ambiguous, Quarantined, UnusableError
from fcframe.plugins.installed import Plugin, normalized
from fcframe.plugins.isolation import loading, place, reason
from fcframe.plugins.references import Reference, resolve

T = TypeVar("T")


class Announced:
    """A component that a plugin registered; its class is imported on first use."""

    def __init__(self, plugin: Plugin, source: type[Component] | Reference) -> None:
        self.plugin = plugin
        self.source = source
        self.kind = source.kind
        self.type = source.type

    @property
    def value(self) -> type[Component]:
        """The class, with its fields resolved; it is imported on first use.

        Raises:
            UnusableError: The component is quarantined; the message has the reason.
        """
        imported = self._imported
        if isinstance(imported, Quarantined):
            raise UnusableError(str(imported))
        return imported

    def is_of(self, component: type[Component]) -> bool:
        """Whether a class is this component's class; imports nothing."""
        if component in (self.source, vars(self).get("_imported")):
            return True
        return isinstance(self.source, Reference) and self.source.known() is component

    @cached_property
    def _imported(self) -> type[Component] | Quarantined:
        if not isinstance(self.source, Reference):
            source = self.source
            return self._tried(lambda: classes.complete(source)) or source
        resolved: list[type[Component]] = []

        def import_class() -> None:
            with loading(f"{self.kind} {self.type!r} of {self.plugin}"):
                resolved.append(resolve(self.source))  # type: ignore[arg-type]
            classes.complete(resolved[0])

        return self._tried(import_class) or resolved[0]

    @cached_property
    def fault(self) -> Quarantined | None:
        """Why the component cannot be used, or None. Also checks its JSON Schema, which listings and checks need."""
        imported = self._imported
        return imported if isinstance(imported, Quarantined) else self._tried(lambda: classes.check_schema(imported))

    def _tried(self, step: Callable[[], None]) -> Quarantined | None:
        try:
            step()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # also SystemExit: a plugin must not affect the others
            package = self.source.module if isinstance(self.source, Reference) else self.source.__module__
            where = place(error.__cause__ or error, package)
            return Quarantined(self.plugin, reason(error), where, f"{self.kind} {self.type!r}")
        return None


class Provider:
    """A provider of kernels that a plugin registered."""

    kind = "kernels"
    fault = None
    """Always None: the class itself reports in `lacks` why it cannot be used."""

    def __init__(self, plugin: Plugin, source: type[Kernels]) -> None:
        self.plugin = plugin
        self.type = source.name
        self.value = plugin, source


class _Values(ValuesView[T]):
    _mapping: "ByName[T]"

    def __iter__(self) -> Iterator[T]:
        return (value for _, value in self._mapping.usable())


class _Items(ItemsView[str, T]):
    _mapping: "ByName[T]"

    def __iter__(self) -> Iterator[tuple[str, T]]:
        return self._mapping.usable()


class ByName(Mapping[str, T]):
    """A mapping from names to registered components. A key is a type, or `distribution:type` if the type is ambiguous.

    Every component can be looked up as `distribution:type`. Iterating over the keys imports nothing. A quarantined
    component is not among the values and items, and looking it up raises a KeyError with the reason.
    """

    def __init__(self, entries: Iterable[Any]) -> None:
        by_type: dict[str, list[Any]] = {}  # values: `Announced` or `Provider`
        for entry in entries:
            by_type.setdefault(entry.type, []).append(entry)
        self._by_type: dict[str, list[Any]] = {name: by_type[name] for name in sorted(by_type)}

    @cached_property
    def _names(self) -> dict[str, Any]:
        names = {}
        for name, several in self._by_type.items():
            for entry in several:
                names[name if len(several) == 1 else f"{entry.plugin.distribution}:{name}"] = entry
        return names

    def entry(self, name: str) -> Any:
        """The entry with that name; imports nothing.

        Raises:
            UnusableError: The name is ambiguous.
            KeyError: The name is unknown.
        """
        distribution, _, bare = name.rpartition(":")
        entries = [
            entry
            for entry in self._by_type.get(bare, [])
            if not distribution or normalized(entry.plugin.distribution) == normalized(distribution)
        ]
        if len(entries) > 1:
            raise UnusableError(str(Ambiguous(entries[0].kind, bare, tuple(entry.plugin for entry in entries))))
        if not entries:
            raise KeyError(name)
        return entries[0]

    def usable_entry(self, name: str) -> Any:
        """The entry with that name; imports it, and checks its JSON Schema.

        Raises:
            UnusableError: The name is ambiguous, or the component is quarantined.
            KeyError: The name is unknown.
        """
        entry = self.entry(name)
        if entry.fault is not None:
            raise UnusableError(str(entry.fault))
        return entry

    def __getitem__(self, name: str) -> T:
        value: T = self.entry(name).value
        return value

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and self.entry(name) is not None
        except KeyError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def values(self) -> "_Values[T]":
        """All components that can be used; imports them."""
        return _Values(self)

    def items(self) -> "_Items[T]":
        """The names of all components that can be used, and the components; imports them."""
        return _Items(self)

    def usable(self) -> Iterator[tuple[str, T]]:
        """Iterates over the items."""
        for name, entry in self._names.items():
            if entry.fault is None:
                yield name, entry.value

    def entries(self) -> Iterator[Any]:
        """All entries, sorted by type; imports nothing."""
        return (entry for several in self._by_type.values() for entry in several)

    def of_type(self, name: str) -> Sequence[Any]:
        """All entries of a type; imports nothing."""
        return self._by_type.get(name, ())

    def ambiguous(self) -> Iterator[Ambiguous]:
        """The types that several plugins provide."""
        for name, several in self._by_type.items():
            if len(several) > 1:
                yield Ambiguous(several[0].kind, name, tuple(entry.plugin for entry in several))
