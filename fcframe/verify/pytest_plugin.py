"""Runs the harness in pytest: one test item for each check of each component in each case.

`fcframe_pytest` imports this module only if components are to be checked.
"""

import inspect
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fcframe.components import Component
from fcframe.errors import FcframeError, SpecError
from fcframe.plugins import Plugin, Registry, registry
from fcframe.verify.report import Report, Result, Status, distinct
from fcframe.verify.running.completeness import CLOSING, completeness
from fcframe.verify.suite import required_checks
from fcframe.verify.suite_run import SuiteRun, its_cases_can_be_made, suite_run, unusable
from fcframe.wording import suggestion


class Harness:
    """The components to check, and the hooks that add a test item for each check.

    Args:
        config: pytest's configuration.
        ids: The ids of the checks to run, or first parts of ids; all checks by default.

    Raises:
        pytest.UsageError: A plugin that is named is not installed, a known failure names a component or check that
            does not exist, or no check has one of the ids.
    """

    def __init__(self, config: pytest.Config, ids: Sequence[str] = ()) -> None:
        self.ids = tuple(dict.fromkeys(ids))
        try:
            self.registry = registry()
            self.plugins = _chosen(config, self.registry)
            self.components = [
                component for component in self.registry if self.registry.origin(component) in self.plugins
            ]
            self.providers = [provider for origin, provider in self.registry.kernels.values() if origin in self.plugins]
            self.known = _known_failures(config.getini("fcframe_known_failures"), self.components)
        except FcframeError as error:
            raise pytest.UsageError(*(f"fcframe: {line}" for line in str(error).split("\n"))) from None
        self.seed: int = config.getoption("fcframe_seed")
        self.active = bool(self.ids) or bool(config.getoption("fcframe")) or not _only_files(config)

    def pytest_report_header(self) -> str:
        """The line of pytest's header that lists the components to check."""
        if not self.active:
            return "fcframe: checks nothing, because only test files were selected; use --fcframe to check components"
        listed = [f"{component.kind} {component.type}" for component in self.components]
        names = ", ".join([*listed, *(f"kernels {provider.name}" for provider in self.providers)]) or "no component"
        return f"fcframe: checks {names} ({', '.join(map(str, self.plugins))})"

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Adds the items, before -k and -m select among all items."""
        if not self.active:
            return
        made: list[CheckItem] = []
        subjects: list[Any] = [*self.components, *self.providers]
        for subject in subjects:
            is_component = isinstance(subject, type) and issubclass(subject, Component)
            name = subject.type if is_component else subject.name
            nodeid = f"fcframe/{subject.plural if is_component else 'kernels'}/{name}"
            if not self.ids or any(_is_within(id_, nodeid) or _is_within(nodeid, id_) for id_ in self.ids):
                node = ComponentNode.from_parent(session, name=name, nodeid=nodeid)
                node.source = subject
                made += self._items(node, suite_run(subject, self.registry, self.seed))
        for quarantined in self.registry.quarantined:
            if quarantined.plugin in self.plugins:
                result = unusable(quarantined)
                node = ComponentNode.from_parent(
                    session, name=quarantined.plugin.name, nodeid=f"fcframe/{quarantined.plugin.name}"
                )
                made.append(CheckItem.of(node, result.check, "", lambda result=result: [result]))  # type: ignore[misc]
        items += self._selected(made) if self.ids else made

    def _selected(self, made: list["CheckItem"]) -> list["CheckItem"]:
        """The items that have one of the ids, or lie under one."""
        unknown = [id_ for id_ in self.ids if not any(_is_within(item.nodeid, id_) for item in made)]
        if unknown:
            names = [item.nodeid for item in made]
            names += [f"fcframe/{component.plural}/{component.type}" for component in self.components]
            raise pytest.UsageError(
                *(f"fcframe: no check has the id {id_!r}.{suggestion(id_, names)}" for id_ in unknown)
            )
        return [item for item in made if any(_is_within(item.nodeid, id_) for id_ in self.ids)]

    def _items(self, node: "ComponentNode", suite: SuiteRun) -> Iterator["CheckItem"]:
        """One item for each check and case; one for all cases of a known failure, because it may pass in some."""
        known = {check: reason for (component, check), reason in self.known.items() if component == suite.component}
        if suite.results:
            yield CheckItem.of(node, its_cases_can_be_made.__name__, "", lambda: suite.results[:1], known)
        runs_of_known: dict[str, list[Any]] = {check: [] for check in known}
        for run in suite.check_runs:
            check = run.check.__name__
            if check in runs_of_known:
                runs_of_known[check].append(run)
            else:
                yield CheckItem.of(node, check, run.case, lambda run=run: [suite.run(run)])  # type: ignore[misc]
        for check, runs in runs_of_known.items():
            if runs:
                run_checks = lambda runs=runs: [suite.run(run) for run in runs]  # noqa: E731
                yield CheckItem.of(node, check, f"{len(runs)} cases", run_checks, known)
        yield CheckItem.of(node, CLOSING, "", lambda: [_closing_result(suite)], known)


def _is_within(nodeid: str, start: str) -> bool:
    """Whether an id is equal to `start` or lies under it."""
    return nodeid == start or nodeid.startswith((f"{start}::", f"{start}["))


class ComponentNode(pytest.Collector):
    """The parent of all items of a component."""

    source: type[Any] | None = None

    def collect(self) -> Sequence[pytest.Item]:
        """No items: `Harness` adds them."""
        return ()


class CheckFailedError(Exception):
    """Holds the message of a failure, shown instead of a traceback, which would show only the harness."""


class CheckItem(pytest.Item):
    """One check in one case."""

    run_checks: Callable[[], list[Result]]

    @classmethod
    def of(
        cls,
        node: ComponentNode,
        check: str,
        case: str,
        run_checks: Callable[[], list[Result]],
        known: dict[str, str] | None = None,
    ) -> "CheckItem":
        """Makes an item, named as pytest names a test with a parameter."""
        name = f"{check}[{case}]" if case else check
        # The id is given as one string, so that --lf, which stores ids as strings, finds the item again.
        item: CheckItem = cls.from_parent(node, name=name, nodeid=f"{node.nodeid}::{name}")
        item.run_checks = run_checks
        if check in (known or {}):
            item.add_marker(pytest.mark.xfail(reason=(known or {})[check], strict=True, raises=CheckFailedError))
        return item

    def runtest(self) -> None:
        """Runs the check; fails if it failed or could not decide, and is skipped if it does not apply."""
        report = Report(self.run_checks())
        if report.status in (Status.FAILED, Status.INCONCLUSIVE):
            raise CheckFailedError("\n\n".join(_messages(report)))
        if report.status is not Status.PASSED:
            pytest.skip(f"{report.status.value}: {'; '.join(report.reasons())}")

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The message of a failed check, without a traceback."""
        if isinstance(excinfo.value, CheckFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The source file of the component."""
        source = self.parent.source if isinstance(self.parent, ComponentNode) else None
        if source is None:
            return self.path, None, self.nodeid
        return Path(inspect.getfile(source)), None, self.nodeid


def _messages(report: Report) -> Iterator[str]:
    """What went wrong, without the component and check: pytest prints the id above."""
    for finding in distinct(report.failures):
        yield "\n".join(filter(None, (finding.first.message, finding.first.diagnosis, finding.more)))
    yield from (f"inconclusive: {result.message}" for result in report if result.status is Status.INCONCLUSIVE)


def _closing_result(suite: SuiteRun) -> Result:
    """Whether every check ran; skipped if not all checks ran in this process."""
    if len(suite.results) < len(suite.check_runs):
        reason = "only some of the component's checks were selected, or another worker runs the others"
        return Result(suite.component, CLOSING, "", Status.SKIPPED, reason)
    return completeness(suite.component, Report(suite.results), suite.required)


def _only_files(config: pytest.Config) -> bool:
    """Whether the command line selects test files or single tests, and no folder."""
    named = config.args if config.args_source is config.ArgsSource.ARGS else []
    return bool(named) and all("::" in name or name.endswith(".py") for name in named)


def _chosen(config: pytest.Config, registry: Registry) -> list[Plugin]:
    """The plugins that the options or the ini file name, else those of the project in rootdir."""
    plugins = [*registry.plugins, *(quarantined.plugin for quarantined in registry.quarantined)]
    if "all" in (config.getoption("fcframe"), config.getini("fcframe").lower()):
        return plugins
    names = config.getini("fcframe_plugins")
    project = _project(config.rootpath)
    chosen = [
        plugin
        for plugin in plugins
        if plugin.name in names or _normal(plugin.distribution) in map(_normal, names or [project])
    ]
    known = sorted({name for plugin in plugins for name in (plugin.name, plugin.distribution)})
    reached = {_normal(name) for plugin in chosen for name in (plugin.name, plugin.distribution)}
    unknown = [name for name in names if _normal(name) not in reached]
    if unknown:
        raise SpecError(
            [f"fcframe_plugins: no plugin called {name!r}.{suggestion(name, known)} Installed: {', '.join(known)}"
             for name in unknown]
        )  # fmt: skip
    if not chosen:
        whose = f"the project {project!r} in {config.rootpath}" if project else f"a project in {config.rootpath}"
        raise SpecError(
            [f"no installed plugin belongs to {whose}; install it (pip install -e .), name plugins in the ini line "
             f"fcframe_plugins, or use --fcframe-all. Installed: {', '.join(known)}"]
        )  # fmt: skip
    return chosen


def _project(root: Path) -> str:
    """The project's name in pyproject.toml; "" if there is none."""
    try:
        return str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return ""


def _normal(name: str) -> str:
    """The normalized name of a distribution, by which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _known_failures(lines: Sequence[str], components: Sequence[type[Component]]) -> dict[tuple[str, str], str]:
    """(component, check) → reason, from the lines of the ini file.

    Raises:
        SpecError: A line is not written as "type::check: reason", or its component or check does not exist.
    """
    known: dict[tuple[str, str], str] = {}
    problems = []
    for line in lines:
        where = f"fcframe_known_failures: {line!r}"
        name, _, rest = line.partition("::")
        check, _, reason = (part.strip() for part in rest.partition(":"))
        named = [one for one in components if name.strip() in (one.type, f"{one.kind} {one.type}")]
        checks = {check_name for component in named for check_name in _check_names(component)}
        if not (check and reason):
            problems.append(f'{where} is not written as "type::check: reason"')
        elif not named:
            names = [one.type for one in components]
            problems.append(f"{where}: no component called {name!r} is checked.{suggestion(name, names)}")
        elif check not in checks:
            problems.append(f"{where}: no check called {check!r}.{suggestion(check, sorted(checks))}")
        for component in named:
            if check in _check_names(component):
                known[f"{component.kind} {component.type}", check] = reason
    if problems:
        raise SpecError(problems)
    return known


def _check_names(component: type[Component]) -> set[str]:
    """The names of all checks that may fail for a component."""
    return {check.__name__ for check in required_checks(component)} | {CLOSING, its_cases_can_be_made.__name__}
