"""Component → report: its checks in order, bounded together, and closed by whether every one of them ran."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from reprlib import repr as short
from typing import Any

from fcframe.builder import plan
from fcframe.components import KINDS, Component, Layer, Loss, Metric
from fcframe.errors import SpecError
from fcframe.kernels import NUMPY, Kernels
from fcframe.network import Network
from fcframe.plugins import Quarantined, Registry
from fcframe.plugins import registry as installed
from fcframe.plugins.classes import check_type
from fcframe.spec.models import ExperimentSpec, NetworkSpec
from fcframe.verify import harness
from fcframe.verify.checks import (
    datasets,
    documented,
    every_kind,
    initializers,
    kernels,
    layer_form,
    layer_gradients,
    layer_purity,
    layer_reach,
    losses,
    metrics,
    networks,
    optimizers,
    regularizers,
    schedules,
)
from fcframe.verify.patterns import add_patterns
from fcframe.verify.report import Report, Result, Status
from fcframe.verify.run import Check, run_check

SHOWN = 4
"""How many names of checks are listed."""

_OWN = (datasets, initializers, losses, metrics, optimizers, regularizers, schedules)


def contract(component: Any) -> tuple[Check, ...]:
    """The checks that a component of its kind must have stood, whatever cases could be made of it.

    >>> from fcframe import Optimizer
    >>> contract(Optimizer)[0].__name__
    'a_configuration_can_be_made'
    """
    kind = component if isinstance(component, type) else type(component)
    if harness.is_provider(component):
        return (*kernels.CHECKS, *kernels.UPDATES)
    if not issubclass(kind, Component):
        return tuple(networks.CHECKS)
    rooms: list[Any] = [every_kind, documented]
    if issubclass(kind, Layer):
        rooms += [layer_form, layer_gradients, layer_purity, layer_reach]
    else:
        rooms += [room for room in _OWN if room.__name__.endswith(f".{kind.plural}")]
    labelled = (losses.some_labels_are_taken,) if issubclass(kind, (Loss, Metric)) else ()
    return (*labelled, *(check for room in rooms for check in room.CHECKS))


class Battery:
    """All checks of one component: made under guard, run in order, and closed by whether all of them ran.

    Args:
        component: What it is called in the ledger, "layer relu".
        make: Makes the checks; where that raises, it is the component's failure.
        required: The names of the checks that must run.
    """

    def __init__(self, component: str, make: Callable[[], Iterable[harness.Item]], required: Sequence[str]) -> None:
        self.component = component
        self.required = required
        self.results: list[Result] = []
        self.items: list[harness.Item] = []
        self._exhausted = ""
        setup = run_check(component, its_cases_can_be_made, "", [lambda: self.items.extend(make())])
        if setup.status is not Status.PASSED:
            self._keep(setup)

    def run(self, item: harness.Item) -> Result:
        """Runs one of the items, unless time or memory ended in one before it."""
        if self._exhausted:
            name = item.check.__name__
            return self._keep(Result(self.component, name, item.case, Status.SKIPPED, self._exhausted))
        return self._keep(replace(item.run(), component=self.component))

    def close(self) -> Result:
        """Whether every check ran, judged from what ran so far; left out where time or memory ended it."""
        if self._exhausted:
            return self._keep(Result(self.component, "every_check_ran", "", Status.SKIPPED, self._exhausted))
        return self._keep(complete(self.component, Report(self.results), self.required))

    def __iter__(self) -> Iterator[Result]:
        """Runs everything; the results as they come, the set-up's failure first."""
        yield from list(self.results)
        for item in self.items:
            yield self.run(item)
        yield self.close()

    def _keep(self, result: Result) -> Result:
        if result.exhausted:
            self._exhausted = f"left out, for {result.check.replace('_', ' ')} {result.message} before"
        self.results.append(result)
        return result


def battery(
    component: Any, registry: Registry, seed: int = 0, name: str | None = None, running: Kernels = NUMPY
) -> Battery:
    """The battery of a class, an instance, a network, a spec or a provider; layers run with the kernels `running`."""
    if name is None:
        name = f"{component.kind} {component.type}" if hasattr(component, "kind") else "network"
        name = f"kernels {component.name}" if harness.is_provider(component) else name
    required = [check.__name__ for check in contract(component)]
    return Battery(name, lambda: harness.items(component, registry, seed, running), required)


def gradcheck(component: Any, *, seed: int = 0) -> Report:
    """Checks a component's contract, its gradients first of all.

    Args:
        component: A class, an instance (then in that configuration alone), the name of a registered type, a network
            that is built, a spec, or a provider of kernels or its name.
        seed: Draws everything that the cases need.

    Returns:
        The ledger of all checks on all cases; `report.passed`, and `report.failures` with message and diagnosis.

    Raises:
        SpecError: It is nothing of these, there is no component of that name, or a spec's layers do not fit together.
        PluginError: A class has no type.

    >>> import fcframe
    >>> gradcheck("relu").passed
    True
    """
    _refuse_strangers(component)
    registry = installed()
    found: list[Any] = [component]
    if isinstance(component, str):
        found = [provider for name, (_, provider) in registry.kernels.items() if name == component]
        try:
            if not found or any(known.type == component for known in registry):
                found += registry.named(component)
        except LookupError as error:
            raise SpecError([str(error.args[0])]) from None
    if isinstance(component, (NetworkSpec, ExperimentSpec)):
        plan(component)  # what does not fit together is the spec's fault, and no check's
    results = [result for one in found for result in battery(one, registry, seed)]
    return add_patterns(Report(results))


def _refuse_strangers(component: Any) -> None:
    kind = component if isinstance(component, type) else type(component)
    if issubclass(kind, KINDS):
        check_type(kind)
    elif not (isinstance(component, (str, Network, NetworkSpec, ExperimentSpec)) or harness.is_provider(component)):
        raise SpecError(
            [f"expected a component (its class, an instance or its name), a network, a spec or a provider of kernels, "
             f"got {short(component)}"]
        )  # fmt: skip


def unusable(quarantined: Quarantined) -> Result:
    """The line of a plugin that could not be used, so that none of its components is checked."""
    return Result(f"plugin {quarantined.plugin.name}", "it_can_be_used", "", Status.FAILED, str(quarantined))


def its_cases_can_be_made(_made: None) -> None:
    """Its fields, shapes and parameters can be asked for."""


def complete(component: str, report: Report, required: Sequence[str]) -> Result:
    """The line that closes a component's ledger: whether every check that its contract requires has run.

    A check has run where it passed or failed in at least one case, or said in all of them why it does not apply.

    >>> complete("layer relu", Report([Result("layer relu", "one", "x=3x5", Status.PASSED)]), ["one", "two"]).message
    '1 of 2 checks of its contract ran in no case: two (no case could be made for it)'
    """
    found = report.by_check()
    missing: dict[str, list[str]] = {}
    for name in required:
        if name not in found:
            missing.setdefault("no case could be made for it", []).append(name)
        elif not _ran(found[name]):
            missing.setdefault(next(iter(found[name].reasons()), "for no reason that it gave"), []).append(name)
    if not missing:
        return Result(component, "every_check_ran", "", Status.PASSED)
    count = sum(map(len, missing.values()))
    told = "; ".join(f"{_listed(names)} ({reason})" for reason, names in missing.items())
    message = f"{count} of {len(required)} checks of its contract ran in no case: {told}"
    return Result(component, "every_check_ran", "", Status.FAILED, message)


def _ran(results: Report) -> bool:
    seen = {result.status for result in results}
    reasoned = all(result.message for result in results)
    return bool(seen & {Status.PASSED, Status.FAILED}) or (seen == {Status.NOT_APPLICABLE} and reasoned)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(name.replace("_", " ") for name in names[:SHOWN]) + more
