"""Chooses the kernels: those requested by name, else the first provider that works on this machine, else NumPy's."""

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
from fcframe.wording import unknown_name

VARIABLE = "FCFRAME_KERNELS"
ARGUMENT = "kernels"
"""Where a name can come from, for messages: the environment variable, or the argument or option."""
KernelsChoice = str | Kernels | type[Kernels] | None
"""A provider's name, its class or an instance; None for the default."""


@contextmanager
def running(requested: KernelsChoice, count: int, *, registry: Registry | None = None) -> Iterator[Kernels]:
    """Chooses kernels as `choose` does, and limits them to `count` threads in the block.

    Default kernels that cannot be limited are replaced by NumPy's, with a warning.

    Raises:
        SpecError: No kernels have the requested name.
        PluginError: The requested kernels cannot be used.
        ThreadsError: The process cannot use this number of threads.
    """
    with threads.limited(count):
        kernels = choose(requested, registry=registry)
    with ExitStack() as stack:
        try:
            stack.enter_context(limit_threads(kernels, count))
        except PluginError as error:
            if requested is not None or requested_name() is not None:
                raise
            _warn_of_fallback(error)
            kernels = NUMPY
            stack.enter_context(limit_threads(kernels, count))
        yield kernels


@contextmanager
def limit_threads(kernels: Kernels, count: int) -> Iterator[None]:
    """Limits kernels to `count` threads in the block. Exceptions of the block are not passed to the kernels.

    Raises:
        PluginError: The kernels raise when the limit is set or removed.
        ThreadsError: The process cannot use this number of threads.
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
        call_safely(lambda: manager.__exit__(None, None, None))
        raise
    called(lambda: manager.__exit__(None, None, None), f"the end of {limit}")


def choose(requested: KernelsChoice = None, *, registry: Registry | None = None) -> Kernels:
    """Chooses kernels, and creates them for the current number of threads.

    The default is the environment variable FCFRAME_KERNELS, otherwise the first provider, in the order of names, that
    works on this machine, otherwise NumPy. A default provider that fails is reported in a warning.

    Args:
        requested: A provider's name, its class, which is instantiated, or an instance, which is returned.
        registry: Where names are looked up. Default: all installed plugins.

    Raises:
        SpecError: No kernels have that name; the message lists the names. Or the argument has a wrong type.
        PluginError: The requested kernels cannot be used.

    >>> choose("numpy").name
    'numpy'
    """
    if isinstance(requested, Kernels):
        return requested
    if isinstance(requested, type) and issubclass(requested, Kernels):
        return _instantiate_requested(requested, ARGUMENT)
    if not isinstance(requested, str | None):
        raise SpecError([f"kernels: expected a provider's name, class or instance, got {short(requested)}"])
    name = requested_name(requested)
    registry = installed() if registry is None else registry
    if name is not None:
        return _named(*name, registry)
    for provider in (provider for _, provider in registry.kernels.values() if not why_unusable(provider)):
        try:
            return instantiate(provider, threads.count())
        except PluginError as error:
            _warn_of_fallback(error)
    return NUMPY


def _warn_of_fallback(error: PluginError) -> None:
    """Warns that default kernels cannot be used, and why."""
    import logging  # slow to import, and rarely needed

    logging.getLogger("fcframe").warning("fcframe: %s; other kernels are used", error)


def requested_name(requested: str | None = None) -> tuple[str, str] | None:
    """The requested name and its source, the argument or FCFRAME_KERNELS; None if no name is requested."""
    if requested is not None:
        return requested, ARGUMENT
    name = os.environ.get(VARIABLE, "").strip()
    return (name, VARIABLE) if name else None


def name_in_use(registry: Registry, requested: str | None = None) -> str:
    """The name of the kernels that `choose` would choose, found without loading any kernels.

    Raises:
        SpecError: No kernels have the requested name.
        PluginError: The requested kernels cannot be used on this machine.
    """
    name = requested_name(requested)
    if name is None:
        usable = (key for key, (_, provider) in registry.kernels.items() if not why_unusable(provider))
        return next(usable, NUMPY.name)
    provider = _class_named(*name, registry)
    if provider is not None and (reason := why_unusable(provider)):
        raise PluginError(_with_source(name[1], _not_usable(provider, reason)))
    return name[0]


def why_unusable(provider: type[Kernels]) -> str:
    """The reason why a provider cannot run on this machine, as its `lacks` method gives it; empty if it can run."""
    reason, raised = call_safely(provider.lacks)
    if raised:
        return f"its lacks() raised {raised}"
    return (
        " ".join(reason.split()) if isinstance(reason, str) else f"its lacks() returned {short(reason)}, expected text"
    )


def call_safely(function: Callable[[], Any]) -> tuple[Any, str]:
    """Calls a plugin's function; returns its result, and its exception as one line of text, or "".

    >>> call_safely(dict), call_safely(lambda: 1 / 0)
    (({}, ''), (None, 'ZeroDivisionError: division by zero'))
    """
    try:
        return function(), ""
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return None, in_a_line(error)


def are_versions(value: Any) -> bool:
    """Whether a value maps names of distributions to versions, as `Kernels.versions` must."""
    return isinstance(value, dict) and all(isinstance(text, str) for pair in value.items() for text in pair)


def instantiate(provider: type[Kernels], count: int) -> Kernels:
    """Creates kernels for `count` threads, which imports the libraries that they need.

    Raises:
        PluginError: The kernels cannot be used; the message has the reason.
    """
    reason = why_unusable(provider)
    if not reason:
        try:
            return provider(count)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a library that cannot be loaded may raise anything
            reason = in_a_line(error)
    raise PluginError(_not_usable(provider, reason))


def versions(kernels: Kernels, *, registry: Registry | None = None) -> dict[str, str]:
    """The versions of the distributions that kernels use, including the distribution of their plugin.

    Raises:
        PluginError: The method `versions` of the kernels raises or returns something else.
    """
    registry = installed() if registry is None else registry
    plugin = next((origin for origin, provider in registry.kernels.values() if type(kernels) is provider), None)
    returned, raised = call_safely(kernels.versions)
    if not raised and are_versions(returned):
        result: dict[str, str] = returned | ({plugin.distribution: plugin.version} if plugin else {})
        return result
    problem = f"raised {raised}" if raised else f"returned {short(returned)}, expected a dict of texts"
    raise PluginError(f"kernels {kernels.name!r}{f', {plugin}' if plugin else ''}: versions() {problem}")


def _not_usable(provider: type[Kernels], reason: str) -> str:
    return f"kernels {provider.name!r} are not usable: {reason}"


def _named(name: str, source: str, registry: Registry) -> Kernels:
    provider = _class_named(name, source, registry)
    return NUMPY if provider is None else _instantiate_requested(provider, source)


def _instantiate_requested(provider: type[Kernels], source: str) -> Kernels:
    """Creates requested kernels for the current number of threads; an error names the source of the request."""
    try:
        return instantiate(provider, threads.count())
    except PluginError as error:
        raise PluginError(_with_source(source, str(error))) from error


def _with_source(source: str, problem: str) -> str:
    """A problem with requested kernels, after FCFRAME_KERNELS if the request came from there."""
    return problem if source == ARGUMENT else f"{source}: {problem}"


def _class_named(name: str, source: str, registry: Registry) -> type[Kernels] | None:
    """The provider with that name; None for NumPy."""
    if name == NUMPY.name:
        return None
    try:
        return registry.kernels[name][1]
    except UnusableError as error:
        raise SpecError([f"{source}: {error}"]) from None
    except KeyError:
        pass
    known = sorted([NUMPY.name, *registry.kernels])
    raise SpecError(
        [f"{source}: {unknown_name('kernels', name, known, 'Known')}{registry.possible_origins(name, known)}"]
    )
