"""Which kernels run: those asked for by name, else the first provider that works on this machine, else NumPy's."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from reprlib import repr as short
from typing import Any

from fcframe import threads
from fcframe.errors import FcframeError, PluginError, SpecError, in_a_line
from fcframe.kernels import NUMPY, Kernels
from fcframe.plugins import Registry, UnusableError
from fcframe.plugins import registry as installed
from fcframe.strict import none_called

VARIABLE = "FCFRAME_KERNELS"
ARGUMENT = "kernels"
"""What a name is asked for by: the environment's variable, or an argument or option of this name."""
Wanted = str | Kernels | type[Kernels] | None
"""A provider's name, an instance or a class of it, or None for whatever runs here by default."""


@contextmanager
def running(wanted: Wanted, count: int, *, registry: Registry | None = None) -> Iterator[Kernels]:
    """The kernels that `choose` gives, held to so many threads in the block, whatever they were made for.

    Raises:
        SpecError, PluginError: As `choose` and `held` do.
        ThreadsError: This process cannot have so many.
    """
    with threads.limited(count):
        kernels = choose(wanted, registry=registry)
    with ExitStack() as stack:
        try:
            stack.enter_context(held(kernels, count))
        except PluginError as error:
            if wanted is not None or name_asked() is not None:
                raise
            _others_run(error)
            kernels = NUMPY
            stack.enter_context(held(kernels, count))
        yield kernels


@contextmanager
def held(kernels: Kernels, count: int) -> Iterator[None]:
    """Holds kernels that there are to so many threads in the block; what the block raises is never theirs to judge.

    Raises:
        PluginError: They cannot be held, or give nothing back at the end.
        ThreadsError: This process cannot have so many.
    """

    def called(step: Callable[[], Any], what: str) -> Any:
        try:
            return step()
        except (FcframeError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise PluginError(f"kernels {kernels.name!r}: {what} raised {in_a_line(error)}") from error

    limit = f"limited({count})"
    manager = called(lambda: kernels.limited(count), limit)
    if not isinstance(manager, AbstractContextManager):
        raise PluginError(f"kernels {kernels.name!r}: {limit} returned {short(manager)}, expected a context manager")
    called(manager.__enter__, limit)
    try:
        yield
    except BaseException:
        answer(lambda: manager.__exit__(None, None, None))
        raise
    called(lambda: manager.__exit__(None, None, None), f"the end of {limit}")


def choose(wanted: Wanted = None, *, registry: Registry | None = None) -> Kernels:
    """The kernels that this name stands for, made for as many threads as are in force.

    A provider that nobody named, and that should work here and does not, is told in a line of the log.

    Args:
        wanted: A provider's name; by default what FCFRAME_KERNELS says, and without it the first provider that
            lacks nothing here, in the order of the names, or NumPy's own. A class is made, an instance given back.
        registry: Where names are looked up; what is installed, by default.

    Raises:
        SpecError: There are no kernels of that name, and it says which there are; or it is no name and no provider.
        PluginError: They were named, and cannot be used.

    >>> choose("numpy").name
    'numpy'
    """
    if isinstance(wanted, Kernels):
        return wanted
    if isinstance(wanted, type) and issubclass(wanted, Kernels):
        return _made_for(wanted, ARGUMENT)
    if not isinstance(wanted, str | None):
        raise SpecError([f"kernels: expected a provider's name, class or instance, got {short(wanted)}"])
    asked = name_asked(wanted)
    registry = installed() if registry is None else registry
    if asked is not None:
        return _named(*asked, registry)
    for provider in (provider for _, provider in registry.kernels.values() if not obstacle(provider)):
        try:
            return made(provider, threads.count())
        except PluginError as error:
            _others_run(error)
    return NUMPY


def _others_run(error: PluginError) -> None:
    """Says why kernels that nobody asked for do not run."""
    import logging  # only where there is something to say

    logging.getLogger("fcframe").warning("fcframe: %s; others run instead", error)


def name_asked(wanted: str | None = None) -> tuple[str, str] | None:
    """The name that somebody asks for, and where; None where nobody does."""
    if wanted is not None:
        return wanted, ARGUMENT
    named = os.environ.get(VARIABLE, "").strip()
    return (named, VARIABLE) if named else None


def in_use(registry: Registry, wanted: str | None = None) -> str:
    """The name of the kernels that would run now, found without loading any.

    Raises:
        SpecError: There are none of the name that somebody asks for.
        PluginError: There are, and they cannot run here.
    """
    asked = name_asked(wanted)
    if asked is None:
        return next((name for name, (_, found) in registry.kernels.items() if not obstacle(found)), NUMPY.name)
    provider = _class_named(*asked, registry)
    if provider is not None and (reason := obstacle(provider)):
        raise PluginError(_asked_for(asked[1], _not_usable(provider, reason)))
    return asked[0]


def obstacle(provider: type[Kernels]) -> str:
    """Why a provider cannot run on this machine, as far as it can tell without loading anything; else nothing."""
    reason, raised = answer(provider.lacks)
    if raised:
        return f"its lacks() raised {raised}"
    return (
        " ".join(reason.split()) if isinstance(reason, str) else f"its lacks() returned {short(reason)}, expected text"
    )


def answer(ask: Callable[[], Any]) -> tuple[Any, str]:
    """What a plugin's function returned, and in a line what it raised: whatever it does, the others work.

    >>> answer(dict), answer(lambda: 1 / 0)
    (({}, ''), (None, 'ZeroDivisionError: division by zero'))
    """
    try:
        return ask(), ""
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return None, in_a_line(error)


def are_versions(said: Any) -> bool:
    """Whether it maps names of distributions to versions, both texts, as `Kernels.versions` does."""
    return isinstance(said, dict) and all(isinstance(text, str) for pair in said.items() for text in pair)


def made(provider: type[Kernels], count: int) -> Kernels:
    """An instance, and with it everything loaded that the kernels stand on.

    Raises:
        PluginError: It cannot be; with the reason.
    """
    reason = obstacle(provider)
    if not reason:
        try:
            return provider(count)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a library that cannot be loaded may raise anything
            reason = in_a_line(error)
    raise PluginError(_not_usable(provider, reason))


def versions(kernels: Kernels, *, registry: Registry | None = None) -> dict[str, str]:
    """What kernels stand on, and the distribution of their plugin: each distribution's version.

    Raises:
        PluginError: They do not say it.
    """
    registry = installed() if registry is None else registry
    plugin = next((found for found, provider in registry.kernels.values() if type(kernels) is provider), None)
    said, raised = answer(kernels.versions)
    if not raised and are_versions(said):
        found: dict[str, str] = said | ({plugin.distribution: plugin.version} if plugin else {})
        return found
    problem = f"raised {raised}" if raised else f"returned {short(said)}, expected a dict of texts"
    raise PluginError(f"kernels {kernels.name!r}{f', {plugin}' if plugin else ''}: versions() {problem}")


def _not_usable(provider: type[Kernels], reason: str) -> str:
    return f"kernels {provider.name!r} are not usable: {reason}"


def _named(name: str, source: str, registry: Registry) -> Kernels:
    provider = _class_named(name, source, registry)
    return NUMPY if provider is None else _made_for(provider, source)


def _made_for(provider: type[Kernels], source: str) -> Kernels:
    """An instance for the threads in force; what is wrong with it is said with who asked for it."""
    try:
        return made(provider, threads.count())
    except PluginError as error:
        raise PluginError(_asked_for(source, str(error))) from error


def _asked_for(source: str, problem: str) -> str:
    """What is wrong with kernels, and who asked for them, unless that says no more."""
    return problem if source == ARGUMENT else f"{source}: {problem}"


def _class_named(name: str, source: str, registry: Registry) -> type[Kernels] | None:
    """The provider of that name; None for NumPy."""
    if name == NUMPY.name:
        return None
    try:
        return registry.kernels[name][1]
    except UnusableError as error:
        raise SpecError([f"{source}: {error}"]) from None
    except KeyError:
        pass
    known = sorted([NUMPY.name, *registry.kernels])
    raise SpecError([f"{source}: {none_called('kernels', name, known, 'Known')}{registry.perhaps_of()}"])
