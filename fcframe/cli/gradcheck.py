"""`fcframe gradcheck [TYPE|SPEC …]`: checks the gradients of components, and the rest of their contract."""

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
from fcframe.cli.common import at_least, json_option, located, print_json, read_spec, read_threads
from fcframe.cli.streams import Command
from fcframe.cli.tables import console, print_table, print_text
from fcframe.components import Component
from fcframe.errors import SpecError
from fcframe.kernels import NUMPY, Kernels
from fcframe.plugins import Registry
from fcframe.plugins import registry as installed
from fcframe.plugins.faults import Quarantined, UnknownNameError
from fcframe.providers import choose, limit_threads, name_in_use, requested_name
from fcframe.terminal import as_text, on_a_terminal
from fcframe.threads import limited, number
from fcframe.verify import ledger
from fcframe.verify.diagnosis.patterns import add_patterns
from fcframe.verify.report import Report, Status, distinct
from fcframe.verify.suite import is_provider
from fcframe.verify.suite_run import suite_run, unusable
from fcframe.wording import suggestion

REFRESH = 0.1
"""Seconds between two updates of the progress bar."""
COUNTED = tuple(status.value for status in Status if status is not Status.NOTED)
COLUMNS = (*(f"checks {name}" if name == Status.PASSED.value else name for name in COUNTED), "cases", "seconds")
SPARE = (Status.NOT_APPLICABLE.value, "seconds", "cases", Status.SKIPPED.value)
"""Columns that are omitted on a narrow terminal."""


@click.command("gradcheck", cls=Command)
@click.argument("names", nargs=-1, metavar="[TYPE|SPEC]…")
@click.option("--plugin", metavar="NAME", help="Check only the components of this plugin or distribution.")
@click.option(
    "--seed",
    default=0,
    type=click.UNPROCESSED,
    callback=at_least(0),
    metavar="N",
    help="Seed of the random numbers that the checks use.",
    show_default=True,
)
@json_option
@click.option(
    "--mutate",
    is_flag=True,
    help="Change the source code of each component in many small ways, and report which changes no check notices.",
)
@click.option(
    "--threads",
    metavar="N",
    callback=read_threads,
    help="Number of threads to compute with. Default: the environment variable FCFRAME_THREADS, otherwise 1.",
)
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
    """Check that the gradients of components are right, and that the components keep the rest of their contract.

    Arguments are types of components, specs whose networks are checked, or names of kernels. Without arguments, all
    installed components and kernels are checked. Write distribution:type for the component of one distribution.

    Each row of the table is a component. The table says how many checks passed and failed. A check runs in many cases,
    such as shapes and kinds of values, and passes if it passes in all of them. The exit code is 1 if a check failed or
    could not decide.
    """
    registry = installed()
    subjects = _subjects(registry, names, plugin)
    name_in_use(registry, kernels)  # refuses an unknown name before any check runs
    count = number(threads, largest=0)  # the arrays in checks are too small for several threads
    with limited(count):
        if mutate:
            _mutate(subjects, seed, as_json)
            return
        running = NUMPY if requested_name(kernels) is None else choose(kernels)
        with limit_threads(running, count):
            report = _checked(subjects, registry, seed, running)
    report.results += [unusable(broken) for broken in _broken(registry, names, plugin)]
    if as_json:
        print_json(ledger.facts(report, seed))
    else:
        _print(report)
    if not report.passed:
        raise click.exceptions.Exit(1)


def _subjects(registry: Registry, names: Sequence[str], plugin: str | None) -> list[tuple[str, Any]]:
    """The components, kernels and networks to check, each with its name in the report."""
    named = {name: components for name in names if (components := _named(registry, name))}
    types = named.keys() | registry.kernels.keys()
    groups = named.values() if names else [list(registry)]
    components = list(dict.fromkeys(component for group in groups for component in group))
    if plugin is not None:
        components = [component for component in components if plugin in _origins(registry, component)]
        if not any(plugin in (known.name, known.distribution) for known in registry.plugins):
            raise SpecError([_unknown_plugin(registry, plugin)])
    providers = {
        name: provider
        for name, (origin, provider) in registry.kernels.items()
        if (not names or name in names) and (plugin is None or plugin in (origin.name, origin.distribution))
    }
    if plugin is not None:
        registered = {name for name, group in named.items() if set(group) & set(components)} | providers.keys()
        others = [name for name in names if name not in registered]
        if others:
            raise SpecError([f"plugin {plugin!r} registers no {', '.join(map(repr, others))}"])
        if not components and not providers and not _broken(registry, names, plugin):
            raise SpecError([f"plugin {plugin!r} registers no component"])
    subjects: list[tuple[str, Any]] = [
        (f"{component.kind} {registry.name(component)}", component) for component in components
    ]
    subjects += [(f"kernels {name}", provider) for name, provider in providers.items()]
    for name in dict.fromkeys(names):
        if name in types:
            continue
        if not (Path(name).suffix or Path(name).exists() or name == "-"):
            try:
                registry.named(name)
            except LookupError as error:
                hint = ". A spec is named by its file" if isinstance(error, UnknownNameError) else ""
                raise SpecError([f"{error.args[0]}{hint}"]) from None
        spec = read_spec(name, ())
        with located(name):
            plan(spec)
        subjects.append((f"network {name}", spec))
    return subjects


def _broken(registry: Registry, names: Sequence[str], plugin: str | None) -> list[Quarantined]:
    """The quarantined plugins and components that would have been checked."""
    if names:
        return []
    return [fault for fault in registry.quarantined if plugin in (None, fault.plugin.name, fault.plugin.distribution)]


def _named(registry: Registry, name: str) -> list[type[Component]]:
    """The components with a name; empty if there are none."""
    try:
        return list(registry.named(name))
    except LookupError:
        return []


def _origins(registry: Registry, component: type[Component]) -> tuple[str, str]:
    origin = registry.origin(component)
    return origin.name, origin.distribution


def _unknown_plugin(registry: Registry, plugin: str) -> str:
    known = sorted({name for origin in registry.plugins for name in (origin.name, origin.distribution)})
    broken = [
        str(broken) for broken in registry.quarantined if plugin in (broken.plugin.name, broken.plugin.distribution)
    ]
    if broken:
        return broken[0]
    return f"no plugin called {plugin!r}.{suggestion(plugin, known)} Installed: {', '.join(known)}"


def _checked(subjects: Sequence[tuple[str, Any]], registry: Registry, seed: int, running: Kernels) -> Report:
    """Runs all checks, with a progress bar on a terminal.

    The bar is redrawn between two checks only: output during a check would be attributed to the component.
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
            made, results = suite_run(subject, registry, seed, name, running), Report()
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
        rows.append((component, *numbers, str(lines.cases), seconds, verdict.replace("failed", "FAILED")))
    columns = ("component", *COLUMNS, "verdict")
    print_table(out, columns, rows, right=COLUMNS, spare=SPARE, prose=False, alarming=failed)
    findings = [str(finding) for finding in distinct(report.failures)]
    findings += [f"inconclusive: {result}" for result in report if result.status is Status.INCONCLUSIVE]
    findings += [f"noted: {note}" for note in distinct(report.notes)]
    for head, *details in map(str.splitlines, findings):
        print_text(out, f"\n{head}", style="bold")
        for line in details:
            print_text(out, line.strip(), indent=2)


def _mutate(subjects: Sequence[tuple[str, Any]], seed: int, as_json: bool) -> None:
    from fcframe.verify.mutation import mutate  # only needed for --mutate

    specs = [name for name, subject in subjects if not isinstance(subject, type)]
    if specs:
        raise SpecError([f"--mutate changes the source code of components; it does not take specs: {', '.join(specs)}"])
    reports = [mutate(subject, seed=seed) for _, subject in subjects if not is_provider(subject)]
    if as_json:
        print_json([report.facts() for report in reports])
        return
    out = console()
    for report in reports:
        out.print(Text(as_text(f"{report}\n")), soft_wrap=True)
