"""Which functions of a plugin or an observer are called for a hook, and what is wrong with those that cannot be."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pluggy

from fcframe import hookspecs
from fcframe.errors import PluginError
from fcframe.strict import suggestion

MARK = f"{hookspecs.GROUP}_impl"
"""The attribute in which pluggy's `hookimpl` keeps its options."""
PREFIX = f"{hookspecs.GROUP}_"
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(hook).parameters) for name, hook in vars(hookspecs).items() if name.startswith(PREFIX)
}
"""Each hook's name, and the arguments that a function for it may take."""


class Hook:
    """A function that is called for a hook, with the options of `@fcframe.hookimpl`."""

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self.function = function
        self.options = options


def implemented(plugin: Any) -> dict[str, list[Hook]]:
    """The hooks that a module or an object implements.

    Raises:
        PluginError: There is none; or one is not marked, does not exist, or has an argument that it is not given.
    """
    found: dict[str, list[Hook]] = {}
    problems = []
    for name, static in _attributes(plugin):
        function = getattr(static, "__func__", static)
        options = getattr(function, MARK, None) if inspect.isfunction(function) else None
        if options is None:
            if name in ARGUMENTS and callable(static):
                problems.append(f"{name} is not called: write @fcframe.hookimpl above it")
            continue
        hook = options.get("specname") or name
        bound = getattr(plugin, name)
        if hook not in ARGUMENTS:
            if not options.get("optionalhook"):
                problems.append(
                    f"it implements a hook {hook!r}, which does not exist in this version."
                    f"{suggestion(hook, ARGUMENTS)} Hooks: {', '.join(ARGUMENTS)}"
                )
            continue
        problems += _misnamed(hook, bound)
        found.setdefault(hook, []).append(Hook(bound, options))
    if not found and not problems:
        problems.append(f"it implements no hook. Hooks: {', '.join(ARGUMENTS)}")
    if problems:
        raise PluginError("; ".join(problems))
    return found


def _attributes(plugin: Any) -> Iterable[tuple[str, Any]]:
    """The attributes of a module or an object as they are written; a property is not asked for its value."""
    if inspect.ismodule(plugin):
        return sorted(vars(plugin).items(), key=lambda item: item[0])
    return [(name, inspect.getattr_static(plugin, name, None)) for name in dir(plugin)]


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
                f"{hook} has an argument {parameter.name!r}, which it is not given."
                f"{suggestion(parameter.name, given)} Arguments: {', '.join(given) or 'none'}"
            )


def relay(listeners: Iterable[tuple[str, Mapping[str, list[Hook]]]]) -> pluggy.HookRelay:
    """Calls the hooks of all these listeners, each by a name of its own, whether or not some compare equal."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    for name, hooks in listeners:
        functions = {}
        for hook, several in hooks.items():
            for number, one in enumerate(several):
                options = {**one.options, "specname": hook}
                hookspecs.hookimpl(**options)(getattr(one.function, "__func__", one.function))
                functions[f"{hook}{number}"] = one.function
        manager.register(_Namespace(functions), _unused(name, manager))
    return manager.hook


def _unused(name: str, manager: pluggy.PluginManager) -> str:
    """The name, with a number where there is one of that name."""
    names = (name, *(f"{name} [{number}]" for number in range(2, 2 + len(manager.get_plugins()))))
    return next(found for found in names if not manager.has_plugin(found))


class _Namespace:
    """An object of its own for each listener; pluggy refuses one that equals another."""

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        vars(self).update(functions)
