"""`fcframe list`: what is installed, and what of it does not work."""

import inspect
from typing import Any

import click
from rich.console import Console

from fcframe.cli.common import json_option, print_json
from fcframe.cli.tables import console, table
from fcframe.components import KINDS, Component
from fcframe.errors import FcframeError
from fcframe.kernels import NUMPY, Kernels
from fcframe.plugins import Registry, registry
from fcframe.providers import in_use, obstacle


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
    if kind is None:
        _print_kernels(found, out)
    for quarantined in found.quarantined:
        out.print(str(quarantined), style="bold")


def _print_kernels(found: Registry, out: Console) -> None:
    rows = table("kernels", "plugin", "distribution", "what they are")
    rows.add_row(NUMPY.name, "", "", summary(Kernels))
    for name, (plugin, provider) in found.kernels.items():
        rows.add_row(name, plugin.name, f"{plugin.distribution} {plugin.version}", summary(provider))
    out.print()
    out.print(rows)
    for name, (_, provider) in found.kernels.items():
        if obstacle(provider):
            out.print(f"kernels {name!r} are not usable: {obstacle(provider)}")
    used, problem = _used(found)
    out.print(problem or f"kernels in use: {used}")


def _used(found: Registry) -> tuple[str | None, str]:
    """The name of the kernels that run, or why those that are asked for do not."""
    try:
        return in_use(found), ""
    except FcframeError as error:
        return None, str(error)


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
        "kernels": _kernel_facts(found),
        "plugins": [plugin._asdict() for plugin in found.plugins],
        "not_usable": [
            broken.plugin._asdict() | {"reason": broken.reason, "place": broken.place} for broken in found.quarantined
        ],
    }


def _kernel_facts(found: Registry) -> dict[str, Any]:
    used, problem = _used(found)
    bundled = {"name": NUMPY.name, "summary": summary(Kernels), "plugin": None, "not_usable": ""}
    providers = [
        {"name": name, "summary": summary(provider), "plugin": plugin.name, "not_usable": obstacle(provider)}
        for name, (plugin, provider) in found.kernels.items()
    ]
    return {"in_use": used, "problem": problem, "providers": [bundled, *providers]}


def summary(component: type[Any]) -> str:
    """The first line of what a class says of itself."""
    return (inspect.getdoc(component) or "").partition("\n")[0] if component.__doc__ else ""


def _chosen(found: Registry, kind: str | None) -> list[type[Component]]:
    return [component for component in found if kind in (None, component.kind)]
