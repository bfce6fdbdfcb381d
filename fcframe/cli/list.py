"""`fcframe list`: shows installed components and plugins, and those that do not work."""

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
from fcframe.plugins import Registry
from fcframe.plugins import registry as installed
from fcframe.providers import name_in_use, why_unusable
from fcframe.wording import unknown_name


def _known_kind(_ctx: click.Context, _parameter: click.Parameter, kind: str | None) -> str | None:
    if kind is not None and kind not in _KINDS:
        raise SpecError([f"--kind: {unknown_name('kind', kind, _KINDS, 'Kinds')}"])
    return kind


_KINDS = [kind.kind for kind in KINDS]


@click.command("list", cls=Command)
@click.argument("names", nargs=-1, metavar="[TYPE]…")
@click.option(
    "--kind", metavar="KIND", callback=_known_kind, help=f"List only components of one kind: {', '.join(_KINDS)}."
)
@json_option
def command(names: tuple[str, ...], kind: str | None, as_json: bool) -> None:
    """List the installed components, the plugins that provide them, and what does not work and why.

    With TYPEs, list only components of these types. Write distribution:type for the component of one distribution.
    """
    registry = installed()
    chosen = _chosen(registry, names, kind)
    if as_json:
        print_json(facts(registry, chosen))
        return
    out = console()
    rows = []
    for component in chosen:
        plugin = registry.origin(component)
        distribution = f"{plugin.distribution} {plugin.version}"
        rows.append((component.kind, registry.name(component), plugin.name, distribution, summary(component)))
    columns = ("kind", "type", "plugin", "distribution", "what it is")
    print_table(out, columns, rows, spare=("plugin", "distribution"))
    if kind is None and not names:
        _print_kernels(registry, out)
    for problem in () if names else problems(registry):
        print_text(out, problem, style="bold")


def problems(registry: Registry) -> list[str]:
    """Messages about plugins and components that cannot be used, and about ambiguous names."""
    return [str(entry) for entry in (*registry.quarantined, *registry.ambiguous)]


def _print_kernels(registry: Registry, out: Console) -> None:
    rows = [(NUMPY.name, "", "", summary(Kernels))]
    for name, (plugin, provider) in registry.kernels.items():
        rows.append((name, plugin.name, f"{plugin.distribution} {plugin.version}", summary(provider)))
    out.print()
    columns = ("kernels", "plugin", "distribution", "what they are")
    print_table(out, columns, rows, spare=("plugin", "distribution"))
    for name, (_, provider) in registry.kernels.items():
        if why_unusable(provider):
            print_text(out, f"kernels {name!r} are not usable: {why_unusable(provider)}")
    used, problem = _used(registry)
    print_text(out, problem or f"kernels in use: {used}")


def _used(registry: Registry) -> tuple[str | None, str]:
    """The name of the kernels in use, or the reason why the requested kernels cannot be used."""
    try:
        return name_in_use(registry), ""
    except FcframeError as error:
        return None, str(error)


def facts(registry: Registry, chosen: Sequence[type[Component]]) -> dict[str, Any]:
    """The list as JSON."""
    return {
        "components": [
            {
                "kind": component.kind,
                "type": component.type,
                "name": registry.name(component),
                "summary": summary(component),
                "plugin": registry.origin(component).name,
                "distribution": registry.origin(component).distribution,
                "version": registry.origin(component).version,
            }
            for component in chosen
        ],
        "kernels": _kernel_facts(registry),
        "plugins": [plugin._asdict() for plugin in registry.plugins],
        "not_usable": [
            broken.plugin._asdict()
            | {"component": broken.component, "reason": broken.reason, "place": broken.place, "remedy": broken.remedy}
            for broken in registry.quarantined
        ],
        "problems": problems(registry),
    }


def _kernel_facts(registry: Registry) -> dict[str, Any]:
    used, problem = _used(registry)
    bundled = {"name": NUMPY.name, "summary": summary(Kernels), "plugin": None, "not_usable": ""}
    providers = [
        {"name": name, "summary": summary(provider), "plugin": plugin.name, "not_usable": why_unusable(provider)}
        for name, (plugin, provider) in registry.kernels.items()
    ]
    return {"in_use": used, "problem": problem, "providers": [bundled, *providers]}


def summary(component: type[Any]) -> str:
    """The first line of a class's docstring."""
    return (inspect.getdoc(component) or "").partition("\n")[0] if component.__doc__ else ""


def _chosen(registry: Registry, names: Sequence[str], kind: str | None) -> list[type[Component]]:
    components: list[type[Component]] = [] if names else list(registry)
    problems = []
    for name in names:
        try:
            found = list(registry.providing(name))
        except LookupError as error:
            problems.append(str(error.args[0]))
            continue
        if kind is not None and all(component.kind != kind for component in found):
            problems.append(f"no {kind} called {name!r}; it is of kind {' and '.join(c.kind for c in found)}")
        components += found
    if problems:
        raise SpecError(problems)
    return [component for component in dict.fromkeys(components) if kind in (None, component.kind)]
