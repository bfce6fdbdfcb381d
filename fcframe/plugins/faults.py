"""Records of plugins and components that cannot be used, or whose names are ambiguous, with their remedies."""

from typing import NamedTuple

from fcframe.errors import FcframeError
from fcframe.plugins.installed import Plugin

DISABLE = "FCFRAME_DISABLE_PLUGINS"
"""Environment variable with the plugins to disable, as names of entry points or distributions separated by commas."""
ALL = "__all__"
"""Value of this variable that disables all plugins except those of the distribution fcframe."""


class Quarantined(NamedTuple):
    """A plugin or a single component that cannot be used, with the reason."""

    plugin: Plugin
    reason: str
    """The exception, on one line."""
    place: str = ""
    """File and line in the plugin where the exception was raised; empty if unknown."""
    component: str = ""
    """The component, such as "layer 'swish'"; empty if the whole plugin cannot be used."""

    @property
    def remedy(self) -> str:
        """What the user can do."""
        if self.component:
            return f"Correct it, or install another version of {self.plugin.distribution}"
        disable = f"disable it: {DISABLE}={self.plugin.name}"
        return f"Correct it, install another version of {self.plugin.distribution}, or {disable}"

    def __str__(self) -> str:
        what = f"{self.component} of {self.plugin}" if self.component else str(self.plugin)
        text = f"{what} is not usable: {self.reason}{f' ({self.place})' if self.place else ''}"
        return f"{text}{'' if text.endswith(('.', '?', '!')) else '.'} {self.remedy}"


class Ambiguous(NamedTuple):
    """A type that several plugins provide. The bare type is refused; `distribution:type` works."""

    kind: str
    type: str
    plugins: tuple[Plugin, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The unambiguous names: `distribution:type`."""
        return tuple(dict.fromkeys(f"{plugin.distribution}:{self.type}" for plugin in self.plugins))

    def __str__(self) -> str:
        several = " and ".join(map(str, self.plugins))
        if len(self.names) < len(self.plugins):
            return f"the {self.kind} {self.type!r} is provided by {several}. Disable one: {DISABLE}=NAME"
        return f"the {self.kind} {self.type!r} is provided by {several}. Write {' or '.join(map(repr, self.names))}"


class UnknownNameError(FcframeError, LookupError):
    """No component has the name."""


class UnusableError(KeyError):
    """A name in the registry cannot be used, because it is ambiguous or quarantined."""

    def __str__(self) -> str:
        return str(self.args[0])
