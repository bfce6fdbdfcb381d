"""Calls observers and hooks during a training, and switches off those that raise exceptions."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from fcframe.components import Observer
from fcframe.errors import ContractError, in_a_line
from fcframe.events import LIFE_CYCLE, Training
from fcframe.plugins import Registry


class Call(NamedTuple):
    """A function that is called for an event."""

    owner: str
    """The observer or plugin, for messages: "observer early_stopping"."""
    function: Callable[..., Any]
    """The function; it takes the arguments of the event in the order of LIFE_CYCLE."""


class Listeners:
    """The observers and hooks of a training.

    A listener that raises an exception is switched off, with a warning; the training continues.

    Args:
        warn: Called with each warning, one line of text.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._calls: dict[str, list[Call]] = {event: [] for event in LIFE_CYCLE}
        self._warn = warn
        self.watchers: dict[str, Any] = {}
        """The objects that the observers' `watch` returned, by the observer's name."""

    def wants(self, event: str) -> bool:
        """Whether any listener handles the event."""
        return bool(self._calls[event])

    def tell(self, event: str, *arguments: Any) -> None:
        """Calls all listeners of an event."""
        for call in tuple(self._calls[event]):
            try:
                call.function(*arguments)
            except Exception as error:  # an observer or a plugin must not end the training
                self._switch_off(call.owner, event, error)

    def add_observers(self, observers: Iterable[tuple[str, Observer]], training: Training) -> None:
        """Adds observers, given as pairs of a name for messages and the observer.

        Raises:
            ContractError: The object that an observer's `watch` returns has no method of the life cycle.
        """
        for name, observer in observers:
            try:
                watcher = observer.watch(training)
            except Exception as error:
                self._warn(f"{name}: watch raised {in_a_line(error)}; it is switched off, and the training continues")
                continue
            self.add_methods(name, watcher)
            self.watchers[name] = watcher

    def add_methods(self, name: str, watcher: Any) -> None:
        """Adds an object with methods of the life cycle.

        Raises:
            ContractError: The object has none of them.
        """
        methods = {event: getattr(watcher, event) for event in LIFE_CYCLE if callable(getattr(watcher, event, None))}
        if not methods:
            raise ContractError(f"{name} has none of the methods {', '.join(LIFE_CYCLE)}")
        for event, method in methods.items():
            self._calls[event].append(Call(name, method))

    def add_hooks(self, registry: Registry, objects: Sequence[Any]) -> None:
        """Adds the hooks of all plugins and of these objects.

        Raises:
            PluginError: An object implements no hook, or an unknown one.
        """
        relay = registry.hooks(objects)
        for event, arguments in LIFE_CYCLE.items():
            for implementation in reversed(getattr(relay, f"fcframe_{event}").get_hookimpls()):
                owner = f"the hooks of {implementation.plugin_name}"
                function = _selecting(implementation.function, implementation.argnames, arguments)
                self._calls[event].append(Call(owner, function))

    def _switch_off(self, owner: str, event: str, error: Exception) -> None:
        for calls in self._calls.values():
            calls[:] = [call for call in calls if call.owner != owner]
        self._warn(f"{owner}: {event} raised {in_a_line(error)}; it is switched off, and the training continues")


def is_watcher(listener: Any) -> bool:
    """Whether an object has methods of the life cycle, rather than hooks."""
    return any(callable(getattr(listener, event, None)) for event in LIFE_CYCLE)


def log(warning: str) -> None:
    """Logs a warning under the name "fcframe"."""
    logging.getLogger("fcframe").warning("fcframe: %s", warning)


def _selecting(function: Callable[..., Any], accepted: Sequence[str], passed: Sequence[str]) -> Callable[..., Any]:
    """A function that takes all arguments of an event, and passes on those that `function` accepts."""
    positions = [passed.index(name) for name in accepted]
    if positions == list(range(len(passed))):
        return function
    return lambda *arguments: function(*(arguments[position] for position in positions))
