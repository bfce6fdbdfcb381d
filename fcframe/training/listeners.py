"""Calls observers and hooks during a training, and switches off those that raise."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from fcframe.components import Observer
from fcframe.errors import ContractError, in_a_line
from fcframe.events import LIFE_CYCLE, Training
from fcframe.plugins import Registry


class Call(NamedTuple):
    """A function that is called when something happens."""

    owner: str
    """Whose it is, for messages: "observer early_stopping"."""
    function: Callable[..., Any]
    """Takes the arguments of its event in the order of LIFE_CYCLE."""


class Listeners:
    """Everything that a training tells what happens.

    What raises an exception is named in a warning and not called again; the training goes on.

    Args:
        warn: Takes a warning, one line.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._calls: dict[str, list[Call]] = {event: [] for event in LIFE_CYCLE}
        self._warn = warn
        self.watchers: dict[str, Any] = {}
        """The objects that observers returned, by the name under which a checkpoint keeps their memory."""

    def wants(self, event: str) -> bool:
        """Whether anything is called at that event."""
        return bool(self._calls[event])

    def tell(self, event: str, *arguments: Any) -> None:
        """Calls everything that listens to an event."""
        for call in tuple(self._calls[event]):
            try:
                call.function(*arguments)
            except Exception as error:  # observers are not the training's own code
                self._switch_off(call.owner, event, error)

    def add_observers(self, observers: Iterable[tuple[str, Observer]], training: Training) -> None:
        """Adds observers, each with its name for messages.

        Raises:
            ContractError: An observer's `watch` returns an object without any method of the life cycle.
        """
        for name, observer in observers:
            try:
                watcher = observer.watch(training)
            except Exception as error:
                self._warn(f"{name}: watch raised {in_a_line(error)}; it is switched off, and the training goes on")
                continue
            self.add_methods(name, watcher)
            self.watchers[name] = watcher

    def add_methods(self, name: str, watcher: Any) -> None:
        """Adds an object with methods of the life cycle.

        Raises:
            ContractError: It has none of them.
        """
        found = {event: getattr(watcher, event) for event in LIFE_CYCLE if callable(getattr(watcher, event, None))}
        if not found:
            raise ContractError(f"{name} has none of the methods {', '.join(LIFE_CYCLE)}")
        for event, method in found.items():
            self._calls[event].append(Call(name, method))

    def add_hooks(self, registry: Registry, objects: Sequence[Any]) -> None:
        """Adds the hooks of all plugins, and of these objects.

        Raises:
            PluginError: An object implements no hook, or one that does not exist.
        """
        relay = registry.hooks(objects)
        for event, arguments in LIFE_CYCLE.items():
            for implementation in reversed(getattr(relay, f"fcframe_{event}").get_hookimpls()):
                owner = f"the hooks of {implementation.plugin_name}"
                function = _with_named(implementation.function, implementation.argnames, arguments)
                self._calls[event].append(Call(owner, function))

    def _switch_off(self, owner: str, event: str, error: Exception) -> None:
        for calls in self._calls.values():
            calls[:] = [call for call in calls if call.owner != owner]
        self._warn(f"{owner}: {event} raised {in_a_line(error)}; it is switched off, and the training goes on")


def is_watcher(listener: Any) -> bool:
    """Whether an object has methods of the life cycle, rather than hooks."""
    return any(callable(getattr(listener, event, None)) for event in LIFE_CYCLE)


def log(warning: str) -> None:
    """Logs a warning under the name "fcframe"."""
    logging.getLogger("fcframe").warning("fcframe: %s", warning)


def _with_named(function: Callable[..., Any], wanted: Sequence[str], given: Sequence[str]) -> Callable[..., Any]:
    """The function, called with those of the event's arguments that it names."""
    places = [given.index(name) for name in wanted]
    if places == list(range(len(given))):
        return function
    return lambda *arguments: function(*(arguments[place] for place in places))
