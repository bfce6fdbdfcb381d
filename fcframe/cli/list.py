"""`fcframe list`: what is installed, and what of it does not work."""

import inspect
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console

from fcframe.cli.common import json_option, print_json
from fcframe.cli.streams import Command
from fcframe.cli.tables import console, print_table, print_text
from fcframe.components import KINDS, Component
from fcframe.errors import FcframeError, SpecError
from fcframe.kernels import NUMPY, Kernels
from fcframe.plugins import Registry, registry
from fcframe.providers import name_in_use, why_unusable


@click.command("list", cls=Command)
@click.argument("names", nargs=-1, metavar="[TYPE]…")
@click.option("--kind", type=click.Choice([kind.kind for kind in KINDS]), help="List only components of this kind.")
@json_option
def command(names: tuple[str, ...], kind: str | None, as_json: bool) -> None:
    """List the installed components, the plugins that provide them, and what does not work and why.

    With TYPEs, list only components of these types; write distribution:type for that of one distribution.
    """
    found = registry()
    chosen = _chosen(found, names, kind)
    if as_json:
        print_json(facts(found, chosen))
        return
    out = console()
    rows = []
    for component in chosen:
        plugin = found.origin(component)
        distribution = f"{plugin.distribution} {plugin.version}"
        rows.append((component.kind, found.name(component), plugin.name, distribution, summary(component)))
    columns = ("kind", "type", "plugin", "distribution", "what it is")
    print_table(out, columns, rows, spare=("plugin", "distribution"))
    if kind is None and not names:
        _print_kernels(found, out)
    for problem in () if names else problems(found):
        print_text(out, problem, style="bold")


def problems(found: Registry) -> list[str]:
    """What is installed and cannot be used as it is, each with its reason and remedy, in a line."""
    return [str(entry) for entry in (*found.quarantined, *found.ambiguous)]


def _print_kernels(found: Registry, out: Console) -> None:
    rows = [(NUMPY.name, "", "", summary(Kernels))]
    for name, (plugin, provider) in found.kernels.items():
        rows.append((name, plugin.name, f"{plugin.distribution} {plugin.version}", summary(provider)))
    out.print()
    columns = ("kernels", "plugin", "distribution", "what they are")
    print_table(out, columns, rows, spare=("plugin", "distribution"))
    for name, (_, provider) in found.kernels.items():
        if why_unusable(provider):
            print_text(out, f"kernels {name!r} are not usable: {why_unusable(provider)}")
    used, problem = _used(found)
    print_text(out, problem or f"kernels in use: {used}")


def _used(found: Registry) -> tuple[str | None, str]:
    """The name of the kernels that run, or why those that are asked for do not."""
    try:
        return name_in_use(found), ""
    except FcframeError as error:
        return None, str(error)


def facts(found: Registry, chosen: Sequence[type[Component]]) -> dict[str, Any]:
    """The list as JSON."""
    return {
        "components": [
            {
                "kind": component.kind,
                "type": component.type,
                "name": found.name(component),
                "summary": summary(component),
                "plugin": found.origin(component).name,
                "distribution": found.origin(component).distribution,
                "version": found.origin(component).version,
            }
            for component in chosen
        ],
        "kernels": _kernel_facts(found),
        "plugins": [plugin._asdict() for plugin in found.plugins],
        "not_usable": [
            broken.plugin._asdict()
            | {"component": broken.component, "reason": broken.reason, "place": broken.place, "remedy": broken.remedy}
            for broken in found.quarantined
        ],
        "problems": problems(found),
    }


def _kernel_facts(found: Registry) -> dict[str, Any]:
    used, problem = _used(found)
    bundled = {"name": NUMPY.name, "summary": summary(Kernels), "plugin": None, "not_usable": ""}
    providers = [
        {"name": name, "summary": summary(provider), "plugin": plugin.name, "not_usable": why_unusable(provider)}
        for name, (plugin, provider) in found.kernels.items()
    ]
    return {"in_use": used, "problem": problem, "providers": [bundled, *providers]}


def summary(component: type[Any]) -> str:
    """The first line of what a class says of itself."""
    return (inspect.getdoc(component) or "").partition("\n")[0] if component.__doc__ else ""


def _chosen(found: Registry, names: Sequence[str], kind: str | None) -> list[type[Component]]:
    try:
        components = [component for name in names for component in found.named(name)] if names else list(found)
    except LookupError as error:
        raise SpecError([str(error.args[0])]) from None
    return [component for component in dict.fromkeys(components) if kind in (None, component.kind)]
