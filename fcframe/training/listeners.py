"""Calls observers and hooks during a training, and switches off those that raise exceptions."""

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fcframe.components import Observer
from fcframe.errors import ContractError, in_a_line
from fcframe.events import LIFE_CYCLE, Training
from fcframe.plugins import Registry
from fcframe.plugins.hooks import MARK, PREFIX
from fcframe.wording import shown, suggestion


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
        """Adds an object with methods of the life cycle. A method gets the arguments that its parameters name.

        Raises:
            ContractError: The object has none of them, or a method has a parameter that the event does not pass.
        """
        methods = {event: getattr(watcher, event) for event in LIFE_CYCLE if callable(getattr(watcher, event, None))}
        if not methods:
            public = [found for found in dir(watcher) if not found.startswith("_")]
            hint = next(filter(None, (suggestion(found, LIFE_CYCLE) for found in public)), "")
            raise ContractError(f"{name} has none of the methods {', '.join(LIFE_CYCLE)}.{hint}")
        for event, method in methods.items():
            self._calls[event].append(Call(name, _by_names(name, event, method)))

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
    """Whether an object has methods of the life cycle."""
    return any(callable(getattr(listener, event, None)) for event in LIFE_CYCLE)


def has_hooks(listener: Any) -> bool:
    """Whether an object has functions that implement hooks, or that are named like hooks."""
    return any(
        name.startswith(PREFIX) or hasattr(inspect.getattr_static(listener, name, None), MARK) for name in dir(listener)
    )


def check_observers(observers: Any) -> None:
    """Refuses an argument `observers` of `train` that is not a list of objects.

    Raises:
        ContractError: It is no list, or an item is a class, a text or a mapping.

    >>> check_observers([Listeners])
    Traceback (most recent call last):
        ...
    fcframe.errors.ContractError: observers[0]: Listeners is a class; pass an instance: Listeners()
    """
    if isinstance(observers, str) or not isinstance(observers, Sequence):
        got = f"a value of type {type(observers).__name__}"
        raise ContractError(f"observers: expected a list of observers, got {got}; pass one observer as [observer]")
    for number, item in enumerate(observers):
        if isinstance(item, type):
            raise ContractError(f"observers[{number}]: {item.__name__} is a class; pass an instance: {item.__name__}()")
        if item is None or isinstance(item, (str, bytes, int, float, Mapping, Sequence)):
            raise ContractError(
                f"observers[{number}]: expected an object with methods of the life cycle, got {shown(item)}; "
                "an observer with a type belongs to the spec: training.observers"
            )


def log(warning: str) -> None:
    """Logs a warning under the name "fcframe"."""
    logging.getLogger("fcframe").warning("fcframe: %s", warning)


def _by_names(name: str, event: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """A function that takes all arguments of an event, and passes on those that the method's parameters name.

    Raises:
        ContractError: A parameter without a default has a name that is no argument of the event.
    """
    passed = LIFE_CYCLE[event]
    try:
        parameters = list(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):  # a function in C has no signature
        return method
    kinds = {parameter.kind for parameter in parameters}
    positional: list[str] = []
    keywords: dict[str, str] = {}  # the parameter's name → the argument's; _training is one that is not used
    for parameter in parameters:
        argument = parameter.name.lstrip("_")
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if argument in passed and parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(argument)
        elif argument in passed:
            keywords[parameter.name] = argument
        elif parameter.default is parameter.empty:
            expected = ", ".join(("self", *passed))
            raise ContractError(
                f"{name}: {event} has an argument {parameter.name!r}, which is not passed."
                f"{suggestion(parameter.name, passed)} Expected: def {event}({expected})"
            )
    if inspect.Parameter.VAR_POSITIONAL in kinds and not positional and not keywords:
        return method  # def step_end(self, *arguments)
    if inspect.Parameter.VAR_KEYWORD in kinds:
        named = {*positional, *keywords.values()}
        keywords |= {argument: argument for argument in passed if argument not in named}

    def call(*arguments: Any) -> Any:
        given = dict(zip(passed, arguments, strict=True))
        by_keyword = {parameter: given[argument] for parameter, argument in keywords.items()}
        return method(*(given[argument] for argument in positional), **by_keyword)

    return call


def _selecting(function: Callable[..., Any], accepted: Sequence[str], passed: Sequence[str]) -> Callable[..., Any]:
    """A function that takes all arguments of an event, and passes on those that `function` accepts."""
    positions = [passed.index(name) for name in accepted]
    if positions == list(range(len(passed))):
        return function
    return lambda *arguments: function(*(arguments[position] for position in positions))
