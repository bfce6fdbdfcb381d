"""`fcframe gradcheck [TYPE|SPEC …]`: whether components do what their kind promises, their gradients first of all."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from fcframe.builder import plan
from fcframe.cli.common import json_option, located, print_json, read_spec, threads_option
from fcframe.cli.streams import Command
from fcframe.cli.tables import console, print_table, print_text
from fcframe.components import Component
from fcframe.errors import SpecError
from fcframe.kernels import NUMPY, Kernels
from fcframe.plugins import Registry, registry
from fcframe.plugins.faults import Quarantined
from fcframe.providers import choose, limit_threads, name_in_use, requested_name
from fcframe.strict import suggestion
from fcframe.terminal import as_text, on_a_terminal
from fcframe.threads import limited, number
from fcframe.verify import ledger
from fcframe.verify.diagnosis.patterns import add_patterns
from fcframe.verify.report import Report, Status, distinct
from fcframe.verify.suite import is_provider
from fcframe.verify.suite_run import suite_run, unusable

REFRESH = 0.1
"""Seconds between two drawings of the bar."""
COUNTED = tuple(status.value for status in Status if status is not Status.NOTED)
COLUMNS = ("cases", *COUNTED, "seconds")
SPARE = (Status.NOT_APPLICABLE.value, Status.SKIPPED.value, "seconds", "cases")
"""Columns that are left out on a narrow terminal."""


@click.command("gradcheck", cls=Command)
@click.argument("names", nargs=-1, metavar="[TYPE|SPEC]…")
@click.option("--plugin", metavar="NAME", help="Check only the components of this plugin or distribution.")
@click.option(
    "--seed",
    default=0,
    type=click.IntRange(min=0),
    help="Seed of the random numbers that the checks use.",
    show_default=True,
)
@json_option
@click.option(
    "--mutate",
    is_flag=True,
    help="Change the source code of each component in many small ways, and report which changes no check notices.",
)
@threads_option
@click.option("--kernels", metavar="NAME", help="Kernels to compute with. Default: NumPy's.")
def command(
    names: tuple[str, ...],
    plugin: str | None,
    seed: int,
    as_json: bool,
    mutate: bool,
    threads: int | None,
    kernels: str | None,
) -> None:
    """Check that components keep the contract of their kind, above all that their gradients are right.

    Name component types, specs whose network is to be checked, or kernels; without any, everything that is installed
    is checked. Write distribution:type for the component of one distribution.

    Each row of the table is a component; its checks are counted by their worst case. Exit code 1 if a check failed.
    """
    found = registry()
    subjects = _subjects(found, names, plugin)
    name_in_use(found, kernels)  # refuses an unknown name before any check runs
    count = number(threads, largest=0)  # the cases are small
    with limited(count):
        if mutate:
            _mutate(subjects, seed, as_json)
            return
        running = NUMPY if requested_name(kernels) is None else choose(kernels)
        with limit_threads(running, count):
            report = _checked(subjects, found, seed, running)
    report.results += [unusable(broken) for broken in _broken(found, names, plugin)]
    if as_json:
        print_json(ledger.facts(report, seed))
    else:
        _print(report)
    if not report.passed:
        raise click.exceptions.Exit(1)


def _subjects(found: Registry, names: Sequence[str], plugin: str | None) -> list[tuple[str, Any]]:
    """What is to be checked, each under its name in the ledger."""
    named = {name: components for name in names if (components := _named(found, name))}
    types = named.keys() | found.kernels.keys()
    groups = named.values() if names else [list(found)]
    components = list(dict.fromkeys(component for group in groups for component in group))
    if plugin is not None:
        components = [component for component in components if plugin in _origins(found, component)]
        if not any(plugin in (known.name, known.distribution) for known in found.plugins):
            raise SpecError([_unknown_plugin(found, plugin)])
    providers = {
        name: provider
        for name, (origin, provider) in found.kernels.items()
        if (not names or name in names) and (plugin is None or plugin in (origin.name, origin.distribution))
    }
    if plugin is not None:
        mine = {name for name, group in named.items() if set(group) & set(components)} | providers.keys()
        elsewhere = [name for name in names if name not in mine]
        if elsewhere:
            raise SpecError([f"plugin {plugin!r} registers no {', '.join(map(repr, elsewhere))}"])
        if not components and not providers and not _broken(found, names, plugin):
            raise SpecError([f"plugin {plugin!r} registers no component"])
    subjects: list[tuple[str, Any]] = [
        (f"{component.kind} {found.name(component)}", component) for component in components
    ]
    subjects += [(f"kernels {name}", provider) for name, provider in providers.items()]
    for name in dict.fromkeys(names):
        if name in types:
            continue
        if not (Path(name).suffix or Path(name).exists() or name == "-"):
            try:
                found.named(name)
            except LookupError as error:
                unknown = str(error.args[0]).startswith("no ")
                hint = ". A spec is named by its file" if unknown else ""
                raise SpecError([f"{error.args[0]}{hint}"]) from None
        spec = read_spec(name, ())
        with located(name):
            plan(spec)
        subjects.append((f"network {name}", spec))
    return subjects


def _broken(found: Registry, names: Sequence[str], plugin: str | None) -> list[Quarantined]:
    """What of everything, or of a plugin, should have been checked and cannot be used."""
    if names:
        return []
    return [one for one in found.quarantined if plugin in (None, one.plugin.name, one.plugin.distribution)]


def _named(found: Registry, name: str) -> list[type[Component]]:
    """The components of that type, or of that type and distribution; none where there are none."""
    try:
        return list(found.named(name))
    except LookupError:
        return []


def _origins(found: Registry, component: type[Component]) -> tuple[str, str]:
    origin = found.origin(component)
    return origin.name, origin.distribution


def _unknown_plugin(found: Registry, plugin: str) -> str:
    known = sorted({name for origin in found.plugins for name in (origin.name, origin.distribution)})
    broken = [str(broken) for broken in found.quarantined if plugin in (broken.plugin.name, broken.plugin.distribution)]
    if broken:
        return broken[0]
    return f"no plugin called {plugin!r}.{suggestion(plugin, known)} Installed: {', '.join(known)}"


def _checked(subjects: Sequence[tuple[str, Any]], found: Registry, seed: int, running: Kernels) -> Report:
    """Runs the batteries, with a bar on a terminal.

    The bar is drawn between two checks and never during one: what is printed then is held to be the component's.
    """
    terminal = Console(stderr=True)
    now = TextColumn("{task.fields[now]}", markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), now)
    bar = Progress(
        *columns, console=terminal, auto_refresh=False, transient=True, disable=not on_a_terminal(sys.stderr)
    )
    report, drawn = Report(), 0.0
    with bar:
        everything = bar.add_task("components", total=len(subjects), now="")
        one = bar.add_task("checks", total=None, now="")
        for name, subject in subjects:
            bar.update(everything, now=as_text(name), refresh=True)
            made, results = suite_run(subject, found, seed, name, running), Report()
            bar.reset(one, total=len(made.check_runs) + 1)
            for result in made:
                results.results.append(result)
                bar.update(one, advance=1, now=result.check.replace("_", " "))
                if time.monotonic() > drawn + REFRESH:
                    bar.refresh()
                    drawn = time.monotonic()
            report.results += add_patterns(results).results
            bar.advance(everything)
    return report


def _print(report: Report) -> None:
    out = console()
    rows: list[tuple[str, ...]] = []
    failed: list[int] = []
    for component, lines in report.by_component().items():
        counts = Report([]).counts()
        counts.update(results.status.value for results in lines.by_check().values())
        numbers = [str(counts[status] or "") for status in COUNTED]
        verdict = ledger.verdict(lines)
        if verdict != "passed":
            failed.append(len(rows))
        seconds = f"{sum(result.seconds for result in lines):.1f}"
        rows.append((component, str(lines.cases), *numbers, seconds, verdict.replace("failed", "FAILED")))
    columns = ("component", *COLUMNS, "verdict")
    print_table(out, columns, rows, right=COLUMNS, spare=SPARE, prose=False, alarming=failed)
    told = [str(finding) for finding in distinct(report.failures)]
    told += [f"inconclusive: {found}" for found in report if found.status is Status.INCONCLUSIVE]
    told += [f"noted: {note}" for note in distinct(report.notes)]
    for head, *details in map(str.splitlines, told):
        print_text(out, f"\n{head}", style="bold")
        for line in details:
            print_text(out, line.strip(), indent=2)


def _mutate(subjects: Sequence[tuple[str, Any]], seed: int, as_json: bool) -> None:
    from fcframe.verify.mutation import mutate  # what checks a component as it stands does not wait for it

    specs = [name for name, subject in subjects if not isinstance(subject, type)]
    if specs:
        raise SpecError([f"--mutate changes the text of components; it takes no spec: {', '.join(specs)}"])
    reports = [mutate(subject, seed=seed) for _, subject in subjects if not is_provider(subject)]
    if as_json:
        print_json([report.facts() for report in reports])
        return
    out = console()
    for report in reports:
        out.print(Text(as_text(f"{report}\n")), soft_wrap=True)
