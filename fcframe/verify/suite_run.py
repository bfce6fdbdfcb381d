"""`gradcheck`: runs all checks of a component in order and reports their results."""

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Sequence
from reprlib import repr as short
from typing import Any

import numpy as np

from fcframe.builder import plan
from fcframe.components import KINDS
from fcframe.errors import SpecError
from fcframe.kernels import NUMPY, Kernels
from fcframe.network import Network
from fcframe.plugins import Quarantined, Registry
from fcframe.plugins import registry as installed
from fcframe.plugins.classes import check_type
from fcframe.spec.models import ExperimentSpec, NetworkSpec
from fcframe.verify.diagnosis.patterns import add_patterns
from fcframe.verify.report import Report, Result, Status
from fcframe.verify.running.check import CheckRun, run_check
from fcframe.verify.running.completeness import CLOSING, completeness
from fcframe.verify.suite import check_runs, is_provider, name_of, required_checks
from fcframe.wording import suggestion


class SuiteRun:
    """All checks of one component, to be run in order. The last result says whether every required check ran.

    Args:
        component: The component's name in the report, for example "layer relu".
        make: Makes the checks, in a sandbox; an exception is a failure of the component.
        required: The names of the checks that must run.
    """

    def __init__(self, component: str, make: Callable[[], Iterable[CheckRun]], required: Sequence[str]) -> None:
        self.component = component
        self.required = required
        self.results: list[Result] = []
        self.check_runs: list[CheckRun] = []
        self._exhausted = ""
        setup = run_check(component, its_cases_can_be_made, "", [lambda: self.check_runs.extend(make())])
        if setup.status is not Status.PASSED:
            self._keep(setup)

    def run(self, check_run: CheckRun) -> Result:
        """Runs one of the checks; skips it if an earlier check ran out of time or memory."""
        if self._exhausted:
            name = check_run.check.__name__
            return self._keep(Result(self.component, name, check_run.case, Status.SKIPPED, self._exhausted))
        result = check_run.run()
        result.component = self.component
        return self._keep(result)

    def noted(self) -> list[Result]:
        """One result for each distinct warning that was given during the checks."""
        warned: dict[str, list[Result]] = {}
        for result in self.results:
            if result.warned:
                warned.setdefault(result.warned, []).append(result)
        return [
            Result(
                self.component, "it_gives_no_warning", results[0].case, Status.NOTED, f"warned: {text}",
                f"in {len(results)} of {len(self.results)} checks, first in {results[0].check.replace('_', ' ')}",
            )
            for text, results in warned.items()
        ]  # fmt: skip

    def close(self) -> Result:
        """The last result: whether every required check ran; skipped if a check ran out of time or memory."""
        if self._exhausted:
            return self._keep(Result(self.component, CLOSING, "", Status.SKIPPED, self._exhausted))
        return self._keep(completeness(self.component, Report(self.results), self.required))

    def __iter__(self) -> Iterator[Result]:
        """Runs all checks and yields their results, after the failure to make the cases if there was one."""
        yield from list(self.results)
        for check_run in self.check_runs:
            yield self.run(check_run)
        closing = self.close()
        yield from self.noted()
        yield closing

    def _keep(self, result: Result) -> Result:
        if result.exhausted:
            self._exhausted = f"skipped, because {result.check.replace('_', ' ')} {result.message}"
        self.results.append(result)
        return result


def its_cases_can_be_made(_made: None) -> None:
    """The fields, shapes and parameters of a component can be computed without an exception."""


def suite_run(
    subject: Any, registry: Registry, seed: int = 0, name: str | None = None, kernels: Kernels = NUMPY
) -> SuiteRun:
    """The checks of a class, an instance, a network, a spec or a provider of kernels; layers run with `kernels`."""
    required = [check.__name__ for check in required_checks(subject)]
    return SuiteRun(name or name_of(subject), lambda: check_runs(subject, registry, seed, kernels), required)


def unusable(quarantined: Quarantined) -> Result:
    """The failed result for a plugin that cannot be used, so that its components are not checked."""
    return Result(f"plugin {quarantined.plugin.name}", "it_can_be_used", "", Status.FAILED, str(quarantined))


def gradcheck(component: Any, *, seed: int = 0, registry: Registry | None = None, checks: Sequence[str] = ()) -> Report:
    """Checks the gradients of a component and the rest of its contract.

    Args:
        component: A class, an instance (only its configuration is checked), the name of a registered type, a network,
            a spec, a provider of kernels, or the name of a provider.
        seed: Seed of all random numbers in the cases, an integer of at least 0.
        registry: The registry in which types are looked up; all installed components by default.
        checks: Names of the checks to run, or patterns such as "the_gradient_*"; all checks by default. If only some
            checks are run, the report does not say whether all of them ran.

    Returns:
        The results of all checks on all cases. See `report.passed`, and `report.failures` with message and diagnosis.

    Raises:
        SpecError: `component` is none of these, no component has the name, the layers of a spec do not fit together,
            the seed is not an integer of at least 0, or no check of the component has one of the names in `checks`.
        PluginError: A class has no type.

    >>> import fcframe
    >>> gradcheck("relu", checks=["the_gradient_*"])
    Report(gradients right; 12 passed, 12 not applicable)
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise SpecError([f"seed: expected an integer of at least 0, got {short(seed)}"])
    registry = installed() if registry is None else registry
    results: list[Result] = []
    for subject in _subjects(component, registry):
        run = suite_run(subject, registry, int(seed))
        if not checks:
            results += run
            continue
        chosen = _chosen(checks, run.required)
        results += [result for result in run.results if result.status is Status.FAILED]  # the cases cannot be made
        results += [run.run(check_run) for check_run in run.check_runs if check_run.check.__name__ in chosen]
    return add_patterns(Report(results))


def _chosen(patterns: Sequence[str], names: Sequence[str]) -> set[str]:
    """The names that match one of the patterns."""
    patterns = (patterns,) if isinstance(patterns, str) else patterns
    unknown = [pattern for pattern in patterns if not fnmatch.filter(names, pattern)]
    if unknown:
        raise SpecError(
            [f"checks: no check is called {name!r}.{suggestion(name, sorted(set(names)))}" for name in unknown]
        )
    return {name for pattern in patterns for name in fnmatch.filter(names, pattern)}


def _subjects(component: Any, registry: Registry) -> list[Any]:
    """The subjects to check: the component itself, or everything that has the given name."""
    kind = component if isinstance(component, type) else type(component)
    if issubclass(kind, KINDS):
        check_type(kind)
    elif not (isinstance(component, (str, Network, NetworkSpec, ExperimentSpec)) or is_provider(component)):
        raise SpecError(
            [f"expected a component (its class, an instance or its name), a network, a spec or a provider of kernels, "
             f"got {short(component)}"]
        )  # fmt: skip
    if isinstance(component, (NetworkSpec, ExperimentSpec)):
        plan(component)  # layers that do not fit together are an error in the spec, not a failure of a check
    if not isinstance(component, str):
        return [component]
    subjects: list[Any] = [provider for name, (_, provider) in registry.kernels.items() if name == component]
    try:
        if not subjects or any(known.type == component for known in registry):
            subjects += registry.named(component)
    except LookupError as error:
        raise SpecError([str(error.args[0])]) from None
    return subjects
