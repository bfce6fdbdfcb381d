"""The harness in pytest: an item for each check of each component in each case. `fcframe_pytest` loads it if asked."""

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
from fcframe.strict import suggestion
from fcframe.verify.report import Report, Result, Status, distinct
from fcframe.verify.running.completeness import CLOSING, completeness
from fcframe.verify.suite import required_checks
from fcframe.verify.suite_run import SuiteRun, its_cases_can_be_made, suite_run, unusable


class Harness:
    """What is checked, and the items that check it.

    Args:
        config: The run's options.
        ids: The ids of checks that are asked for, or their first parts; all checks, by default.

    Raises:
        pytest.UsageError: There is no such plugin, a known failure names what does not exist, or no check has an id
            that is asked for.
    """

    def __init__(self, config: pytest.Config, ids: Sequence[str] = ()) -> None:
        self.ids = tuple(dict.fromkeys(ids))
        try:
            self.registry = registry()
            self.plugins = _chosen(config, self.registry)
            self.components = [found for found in self.registry if self.registry.origin(found) in self.plugins]
            self.providers = [found for origin, found in self.registry.kernels.values() if origin in self.plugins]
            self.known = _known_failures(config.getini("fcframe_known_failures"), self.components)
        except FcframeError as error:
            raise pytest.UsageError(*(f"fcframe: {line}" for line in str(error).split("\n"))) from None
        self.seed: int = config.getoption("fcframe_seed")
        self.asked = bool(self.ids) or bool(config.getoption("fcframe")) or not _only_files(config)

    def pytest_report_header(self) -> str:
        """The line that says what is checked, before anything is."""
        if not self.asked:
            return "fcframe: checks nothing, for single test files are asked for; --fcframe checks nevertheless"
        found = [f"{component.kind} {component.type}" for component in self.components]
        names = ", ".join([*found, *(f"kernels {provider.name}" for provider in self.providers)]) or "no component"
        return f"fcframe: checks {names} ({', '.join(map(str, self.plugins))})"

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Adds the items, before -k and -m choose among all."""
        if not self.asked:
            return
        made: list[CheckItem] = []
        subjects: list[Any] = [*self.components, *self.providers]
        for subject in subjects:
            is_component = isinstance(subject, type) and issubclass(subject, Component)
            name = subject.type if is_component else subject.name
            nodeid = f"fcframe/{subject.plural if is_component else 'kernels'}/{name}"
            if not self.ids or any(_is_within(one, nodeid) or _is_within(nodeid, one) for one in self.ids):
                room = Room.from_parent(session, name=name, nodeid=nodeid)
                room.source = subject
                made += self._items(room, suite_run(subject, self.registry, self.seed))
        for quarantined in self.registry.quarantined:
            if quarantined.plugin in self.plugins:
                result = unusable(quarantined)
                room = Room.from_parent(
                    session, name=quarantined.plugin.name, nodeid=f"fcframe/{quarantined.plugin.name}"
                )
                made.append(CheckItem.of(room, result.check, "", lambda result=result: [result]))  # type: ignore[misc]
        items += self._asked_for(made) if self.ids else made

    def _asked_for(self, made: list["CheckItem"]) -> list["CheckItem"]:
        unknown = [one for one in self.ids if not any(_is_within(item.nodeid, one) for item in made)]
        if unknown:
            names = [item.nodeid for item in made] + [f"fcframe/{one.plural}/{one.type}" for one in self.components]
            told = (f"fcframe: no check has the id {one!r}.{suggestion(one, names)}" for one in unknown)
            raise pytest.UsageError(*told)
        return [item for item in made if any(_is_within(item.nodeid, one) for one in self.ids)]

    def _items(self, room: "Room", made: SuiteRun) -> Iterator["CheckItem"]:
        """One a check and case; of a check that is known to fail one for all cases, for it may pass in some."""
        known = {check: reason for (component, check), reason in self.known.items() if component == made.component}
        if made.results:
            yield CheckItem.of(room, its_cases_can_be_made.__name__, "", lambda: made.results[:1], known)
        of_known: dict[str, list[Any]] = {check: [] for check in known}
        for item in made.check_runs:
            check = item.check.__name__
            if check in of_known:
                of_known[check].append(item)
            else:
                yield CheckItem.of(room, check, item.case, lambda item=item: [made.run(item)])  # type: ignore[misc]
        for check, several in of_known.items():
            if several:
                run = lambda several=several: [made.run(item) for item in several]  # noqa: E731
                yield CheckItem.of(room, check, f"{len(several)} cases", run, known)
        yield CheckItem.of(room, CLOSING, "", lambda: [_closed(made)], known)


def _is_within(nodeid: str, start: str) -> bool:
    """Whether an id is the one that is given, or lies under it."""
    return nodeid == start or nodeid.startswith((f"{start}::", f"{start}["))


class Room(pytest.Collector):
    """A component, as the parent of its items."""

    source: type[Any] | None = None

    def collect(self) -> Sequence[pytest.Item]:
        """Nothing: the items are made by the harness."""
        return ()


class CheckFailedError(Exception):
    """Carries what a person reads; pytest's traceback would show the harness and not the author's code."""


class CheckItem(pytest.Item):
    """One check in one case."""

    judge: Callable[[], list[Result]]

    @classmethod
    def of(
        cls, room: Room, check: str, case: str, judge: Callable[[], list[Result]], known: dict[str, str] | None = None
    ) -> "CheckItem":
        """An item named as pytest names a test with a parameter."""
        name = f"{check}[{case}]" if case else check
        # As a text, so that pytest reads the case in brackets as it does in --lf's file.
        item: CheckItem = cls.from_parent(room, name=name, nodeid=f"{room.nodeid}::{name}")
        item.judge = judge
        if check in (known or {}):
            item.add_marker(pytest.mark.xfail(reason=(known or {})[check], strict=True, raises=CheckFailedError))
        return item

    def runtest(self) -> None:
        """Runs the check, and fails, or is skipped with the reason."""
        report = Report(self.judge())
        if report.status in (Status.FAILED, Status.INCONCLUSIVE):
            raise CheckFailedError("\n\n".join(_words(report)))
        if report.status is not Status.PASSED:
            pytest.skip(f"{report.status.value}: {'; '.join(report.reasons())}")

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The words alone."""
        if isinstance(excinfo.value, CheckFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the component's text is."""
        source = self.parent.source if isinstance(self.parent, Room) else None
        if source is None:
            return self.path, None, self.nodeid
        return Path(inspect.getfile(source)), None, self.nodeid


def _words(report: Report) -> Iterator[str]:
    """What went wrong; the id, which pytest prints above, says with what."""
    for finding in distinct(report.failures):
        yield "\n".join(filter(None, (finding.first.message, finding.first.diagnosis, finding.more)))
    yield from (f"inconclusive: {found.message}" for found in report if found.status is Status.INCONCLUSIVE)


def _closed(made: SuiteRun) -> Result:
    if len(made.results) < len(made.check_runs):
        reason = "only some of the component's checks were chosen, or another worker runs the others"
        return Result(made.component, CLOSING, "", Status.SKIPPED, reason)
    return completeness(made.component, Report(made.results), made.required)


def _only_files(config: pytest.Config) -> bool:
    named = config.args if config.args_source is config.ArgsSource.ARGS else []
    return bool(named) and all("::" in name or name.endswith(".py") for name in named)


def _chosen(config: pytest.Config, found: Registry) -> list[Plugin]:
    """The plugins that the options or the ini file name, else those of the project in rootdir."""
    plugins = [*found.plugins, *(quarantined.plugin for quarantined in found.quarantined)]
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
        told = (f"fcframe_plugins: no plugin called {name!r}.{suggestion(name, known)}" for name in unknown)
        raise SpecError([f"{line} Installed: {', '.join(known)}" for line in told])
    if not chosen:
        whose = f"the project {project!r} in {config.rootpath}" if project else f"a project in {config.rootpath}"
        raise SpecError(
            [f"no installed plugin is of {whose}; install it (pip install -e .), name plugins in the ini line "
             f"fcframe_plugins, or use --fcframe-all. Installed: {', '.join(known)}"]
        )  # fmt: skip
    return chosen


def _project(root: Path) -> str:
    try:
        return str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return ""


def _normal(name: str) -> str:
    """A distribution's name as packaging compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _known_failures(lines: Sequence[str], components: Sequence[type[Component]]) -> dict[tuple[str, str], str]:
    """(component, check) → reason."""
    found: dict[tuple[str, str], str] = {}
    problems = []
    for line in lines:
        where = f"fcframe_known_failures: {line!r}"
        name, _, rest = line.partition("::")
        check, _, reason = (part.strip() for part in rest.partition(":"))
        meant = [one for one in components if name.strip() in (one.type, f"{one.kind} {one.type}")]
        checks = {one.__name__ for component in meant for one in required_checks(component)}
        checks |= {CLOSING, its_cases_can_be_made.__name__}
        if not (check and reason):
            problems.append(f'{where} is not written as "type::check: reason"')
        elif not meant:
            names = [one.type for one in components]
            problems.append(f"{where}: no component called {name!r} is checked.{suggestion(name, names)}")
        elif check not in checks:
            problems.append(f"{where}: no check called {check!r}.{suggestion(check, sorted(checks))}")
        for component in meant:
            if check in {one.__name__ for one in required_checks(component)} | {
                CLOSING,
                its_cases_can_be_made.__name__,
            }:
                found[f"{component.kind} {component.type}", check] = reason
    if problems:
        raise SpecError(problems)
    return found
