"""Entry points → plugins → registry: what is installed, what is ambiguous, and what is not usable."""

from functools import cache

from fcframe.plugins.faults import Ambiguous, Quarantined, UnusableError
from fcframe.plugins.installed import Plugin
from fcframe.plugins.loading import load
from fcframe.plugins.registered import Registry

__all__ = ["Ambiguous", "Plugin", "Quarantined", "Registry", "UnusableError", "load", "registry"]


@cache
def registry() -> Registry:
    """The registry of everything that is installed; made on first use."""
    return load()
