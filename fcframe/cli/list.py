"""`fcframe list`: what is installed, and what of it does not work."""

import inspect
from typing import Any

import click

from fcframe.cli.common import json_option, print_json
from fcframe.cli.tables import console, table
from fcframe.components import KINDS, Component
from fcframe.registry import Registry, registry


@click.command("list")
@click.option("--kind", type=click.Choice([kind.kind for kind in KINDS]), help="Only components of this kind.")
@json_option
def command(kind: str | None, as_json: bool) -> None:
    """List the installed components with the plugins that bring them, and plugins that do not work."""
    found = registry()
    if as_json:
        print_json(facts(found, kind))
        return
    out = console()
    rows = table("kind", "type", "plugin", "distribution", "what it is")
    for component in _chosen(found, kind):
        plugin = found.origin(component)
        distribution = f"{plugin.distribution} {plugin.version}"
        rows.add_row(component.kind, component.type, plugin.name, distribution, summary(component))
    out.print(rows)
    for quarantined in found.quarantined:
        out.print(str(quarantined), style="bold")


def facts(found: Registry, kind: str | None) -> dict[str, Any]:
    """The list as JSON."""
    return {
        "components": [
            {
                "kind": component.kind,
                "type": component.type,
                "summary": summary(component),
                "plugin": found.origin(component).name,
                "distribution": found.origin(component).distribution,
                "version": found.origin(component).version,
            }
            for component in _chosen(found, kind)
        ],
        "plugins": [vars(plugin) for plugin in found.plugins],
        "not_usable": [
            vars(broken.plugin) | {"reason": broken.reason, "place": broken.place} for broken in found.quarantined
        ],
    }


def summary(component: type[Component]) -> str:
    """The first line of what the component says of itself."""
    return (inspect.getdoc(component) or "").partition("\n")[0] if component.__doc__ else ""


def _chosen(found: Registry, kind: str | None) -> list[type[Component]]:
    return [component for component in found if kind in (None, component.kind)]
