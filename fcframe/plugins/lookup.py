"""Name → component: mappings that import a class when it is asked for."""

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
    """A component that a plugin announced; its class is imported when it is asked for."""

    def __init__(self, plugin: Plugin, source: type[Component] | Reference) -> None:
        self.plugin = plugin
        self.source = source
        self.kind = source.kind
        self.type = source.type

    def get(self) -> type[Component]:
        """The class, whose fields have been read.

        Raises:
            UnusableError: It is quarantined; says why.
        """
        found = self._imported
        if isinstance(found, Quarantined):
            raise UnusableError(str(found))
        return found

    def is_of(self, component: type[Component]) -> bool:
        """Whether this is where a class comes from; imports nothing."""
        if component in (self.source, vars(self).get("_imported")):
            return True
        return isinstance(self.source, Reference) and self.source.known() is component

    @property
    def value(self) -> type[Component]:
        """What the registry's mappings give."""
        return self.get()

    @cached_property
    def _imported(self) -> type[Component] | Quarantined:
        if not isinstance(self.source, Reference):
            source = self.source
            return self._tried(lambda: classes.complete(source)) or source
        found: list[type[Component]] = []

        def imported() -> None:
            with loading(f"{self.kind} {self.type!r} of {self.plugin}"):
                found.append(resolve(self.source))  # type: ignore[arg-type]
            classes.complete(found[0])

        return self._tried(imported) or found[0]

    @cached_property
    def fault(self) -> Quarantined | None:
        """What is wrong with it, its JSON Schema included, which a listing and a check need beside its fields."""
        found = self._imported
        return found if isinstance(found, Quarantined) else self._tried(lambda: classes.describe(found))

    def _tried(self, step: Callable[[], None]) -> Quarantined | None:
        try:
            step()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a plugin does, a call of sys.exit included, the others work
            package = self.source.module if isinstance(self.source, Reference) else self.source.__module__
            where = place(error.__cause__ or error, package)
            return Quarantined(self.plugin, reason(error), where, f"{self.kind} {self.type!r}")
        return None


class Provider:
    """A provider of kernels that a plugin announced."""

    kind = "kernels"
    fault = None
    """A class that was announced can be used, or says itself why not."""

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
    """Name → what is registered under it. Its keys are the types, or `distribution:type` where a type is ambiguous.

    `distribution:type` is understood for every component. Looking at the keys imports nothing. A component that turns
    out to be quarantined is no item, and asking for it raises KeyError with the reason.
    """

    def __init__(self, entries: Iterable[Any]) -> None:
        by_type: dict[str, list[Any]] = {}  # of `Announced`, or of `Provider`
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
        """What the name stands for; imports nothing.

        Raises:
            UnusableError: It stands for several.
            KeyError: It stands for nothing.
        """
        distribution, _, bare = name.rpartition(":")
        found = [
            entry
            for entry in self._by_type.get(bare, [])
            if not distribution or normalized(entry.plugin.distribution) == normalized(distribution)
        ]
        if len(found) > 1:
            raise UnusableError(str(Ambiguous(found[0].kind, bare, tuple(entry.plugin for entry in found))))
        if not found:
            raise KeyError(name)
        return found[0]

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
        """What can be used; imports it."""
        return _Values(self)

    def items(self) -> "_Items[T]":
        """The names of what can be used, and what they stand for; imports it."""
        return _Items(self)

    def usable(self) -> Iterator[tuple[str, T]]:
        """As `items`."""
        for name, entry in self._names.items():
            if entry.fault is None:
                yield name, entry.value

    def entries(self) -> Iterator[Any]:
        """All of them, in the order of their types; imports nothing."""
        return (entry for several in self._by_type.values() for entry in several)

    def of_type(self, name: str) -> Sequence[Any]:
        """Those of a type; imports nothing."""
        return self._by_type.get(name, ())

    def ambiguous(self) -> Iterator[Ambiguous]:
        """The types that several plugins provide."""
        for name, several in self._by_type.items():
            if len(several) > 1:
                yield Ambiguous(several[0].kind, name, tuple(entry.plugin for entry in several))
