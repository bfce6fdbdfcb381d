"""The registry of components: finds installed plugins by their entry points, loads them, and reports broken ones."""

from functools import cache

from fcframe.plugins.faults import Ambiguous, Quarantined, UnusableError
from fcframe.plugins.installed import Plugin
from fcframe.plugins.loading import load
from fcframe.plugins.registered import Registry

__all__ = ["Ambiguous", "Plugin", "Quarantined", "Registry", "UnusableError", "load", "registry"]


@cache
def registry() -> Registry:
    """The registry of all installed plugins; built on first use."""
    return load()
