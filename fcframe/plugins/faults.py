"""What of the installed plugins cannot be used, or only by a longer name, and what to do about it."""

from typing import NamedTuple

from fcframe.plugins.installed import Plugin

DISABLE = "FCFRAME_DISABLE_PLUGINS"
"""The variable that names plugins to leave out, by entry point or distribution, with commas between the names."""
ALL = "__all__"
"""In that variable: every plugin but those of the distribution fcframe itself."""


class Quarantined(NamedTuple):
    """A plugin, or one component of it, that cannot be used, and why; the others work without it."""

    plugin: Plugin
    reason: str
    """The exception in a line."""
    place: str = ""
    """The plugin's file and line where it came up, where that is known."""
    component: str = ""
    """The component, like "layer 'swish'"; empty where the whole plugin is meant."""

    @property
    def remedy(self) -> str:
        """What to do about it."""
        if self.component:
            return f"Mend it, or install another version of {self.plugin.distribution}"
        leave_out = f"leave it out: {DISABLE}={self.plugin.name}"
        return f"Mend it, install another version of {self.plugin.distribution}, or {leave_out}"

    def __str__(self) -> str:
        what = f"{self.component} of {self.plugin}" if self.component else str(self.plugin)
        return f"{what} is not usable: {self.reason}{f' ({self.place})' if self.place else ''}. {self.remedy}"


class Ambiguous(NamedTuple):
    """A name that several plugins provide: it is refused where it is used, and each has a longer one."""

    kind: str
    type: str
    plugins: tuple[Plugin, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names to write instead: `distribution:type`."""
        return tuple(dict.fromkeys(f"{plugin.distribution}:{self.type}" for plugin in self.plugins))

    def __str__(self) -> str:
        several = " and ".join(map(str, self.plugins))
        if len(self.names) < len(self.plugins):
            return f"the {self.kind} {self.type!r} is provided by {several}. Leave one out: {DISABLE}=NAME"
        return f"the {self.kind} {self.type!r} is provided by {several}. Write {' or '.join(map(repr, self.names))}"


class UnusableError(KeyError):
    """A name that a mapping of the registry has, and that cannot be used."""

    def __str__(self) -> str:
        return str(self.args[0])
