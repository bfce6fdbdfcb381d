"""Finds the functions with which a plugin or an observer implements hooks, and checks them."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pluggy

from fcframe import hookspecs
from fcframe.errors import PluginError
from fcframe.wording import suggestion

MARK = f"{hookspecs.GROUP}_impl"
"""The attribute in which pluggy's `hookimpl` stores its options."""
PREFIX = f"{hookspecs.GROUP}_"
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(hook).parameters) for name, hook in vars(hookspecs).items() if name.startswith(PREFIX)
}
"""The name of each hook, and the arguments that it passes."""


class Hook:
    """A function that implements a hook, with the options of `@fcframe.hookimpl`."""

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self.function = function
        self.options = options


def implemented(plugin: Any) -> dict[str, list[Hook]]:
    """The hooks that a module or an object implements.

    Raises:
        PluginError: It implements none, or a function is not decorated, implements an unknown hook, or has an argument
            that the hook does not pass.
    """
    result: dict[str, list[Hook]] = {}
    problems = []
    for name, static in _attributes(plugin):
        function = getattr(static, "__func__", static)
        options = getattr(function, MARK, None) if inspect.isfunction(function) else None
        if options is None:
            if name in ARGUMENTS and callable(static):
                problems.append(f"{name} is not called: decorate it with @fcframe.hookimpl")
            continue
        hook = options.get("specname") or name
        bound = getattr(plugin, name)
        if hook not in ARGUMENTS:
            if not options.get("optionalhook"):
                problems.append(
                    f"it implements a hook {hook!r}, which does not exist in this version."
                    f"{_similar(hook)} Hooks: {', '.join(ARGUMENTS)}"
                )
            continue
        problems += _misnamed(hook, bound)
        result.setdefault(hook, []).append(Hook(bound, options))
    if not result and not problems:
        problems.append(f"it implements no hook. Hooks: {', '.join(ARGUMENTS)}")
    if problems:
        raise PluginError("; ".join(problems))
    return result


def _attributes(plugin: Any) -> Iterable[tuple[str, Any]]:
    """The attributes of a module or an object, without evaluating properties."""
    if inspect.ismodule(plugin):
        return sorted(vars(plugin).items(), key=lambda item: item[0])
    return [(name, inspect.getattr_static(plugin, name, None)) for name in dir(plugin)]


def _similar(hook: str) -> str:
    """The question "Did you mean …?"; the prefix, which all hooks have, does not make two names similar."""
    question = suggestion(hook.removeprefix(PREFIX), [name.removeprefix(PREFIX) for name in ARGUMENTS])
    return question.replace("'", f"'{PREFIX}", 1)


def _misnamed(hook: str, function: Callable[..., Any]) -> Iterator[str]:
    parameters = inspect.signature(function).parameters.values()
    given = ARGUMENTS[hook]
    for parameter in parameters:
        optional = parameter.default is not parameter.empty or parameter.kind in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        )
        if parameter.name not in given and not optional:
            yield (
                f"{hook} has an argument {parameter.name!r}, which the hook does not pass."
                f"{suggestion(parameter.name, given)} Arguments: {', '.join(given) or 'none'}"
            )


def relay(listeners: Iterable[tuple[str, Mapping[str, list[Hook]]]]) -> pluggy.HookRelay:
    """A relay that calls the hooks of all listeners, each registered with pluggy under a unique name."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    for name, hooks in listeners:
        functions = {}
        for hook, several in hooks.items():
            for number, one in enumerate(several):
                options = {**one.options, "specname": hook}
                hookspecs.hookimpl(**options)(getattr(one.function, "__func__", one.function))
                functions[f"{hook}{number}"] = one.function
        manager.register(_Namespace(functions), _unique(name, manager))
    return manager.hook


def _unique(name: str, manager: pluggy.PluginManager) -> str:
    """The name, with a number if the manager has a plugin of that name already."""
    names = (name, *(f"{name} [{number}]" for number in range(2, 2 + len(manager.get_plugins()))))
    return next(candidate for candidate in names if not manager.has_plugin(candidate))


class _Namespace:
    """An object with the functions of one listener. Listeners may be equal, but pluggy refuses equal plugins."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        vars(self).update(functions)
