"""The table of all checks: for each kind of component, groups of checks and the fixtures they run on.

`required_checks` gives the checks that must appear in a component's report, `check_runs` the checks on their fixtures,
ready to run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeAlias

from fcframe import threads
from fcframe.components import (
    Component,
    Dataset,
    Initializer,
    Layer,
    Loss,
    Metric,
    Observer,
    Optimizer,
    Regularizer,
    Schedule,
)
from fcframe.kernels import NUMPY, Kernels
from fcframe.plugins import Registry
from fcframe.verify.checks import (
    datasets,
    documented,
    every_kind,
    initializers,
    kernels,
    losses,
    metrics,
    networks,
    observers,
    optimizers,
    regularizers,
    schedules,
)
from fcframe.verify.checks.layer import coverage, form, gradients, purity
from fcframe.verify.fixtures.component_class import ClassFixture
from fcframe.verify.fixtures.coverage import CoverageFixture
from fcframe.verify.fixtures.dataset import dataset_fixtures
from fcframe.verify.fixtures.initializer import initializer_fixtures
from fcframe.verify.fixtures.kernels import kernel_fixtures, provided_kernels, update_fixtures
from fcframe.verify.fixtures.layer import LayerFixture
from fcframe.verify.fixtures.loss import loss_fixtures
from fcframe.verify.fixtures.metric import metric_fixtures
from fcframe.verify.fixtures.network import NetworkFixture
from fcframe.verify.fixtures.observer import observer_fixtures
from fcframe.verify.fixtures.optimizer import optimizer_fixtures
from fcframe.verify.fixtures.regularizer import regularizer_fixtures
from fcframe.verify.fixtures.schedule import schedule_fixtures
from fcframe.verify.generate.configurations import configurations
from fcframe.verify.generate.layer_cases import LayerCase, layer_cases, redrawn
from fcframe.verify.generate.names import configuration_name
from fcframe.verify.running.check import REDRAWS, Check, CheckRun

WHOLE_CLASS = "class"
"""The name of the case of checks that need only the class."""


@dataclass(frozen=True)
class Request:
    """What is checked, with which registry, seed and kernels."""

    subject: Any
    """A component's class or instance, a provider of kernels, a network or a spec."""
    registry: Registry
    seed: int
    kernels: Kernels
    """The kernels with which layers and networks run."""

    @cached_property
    def component(self) -> type[Any]:
        """The class of the subject."""
        return self.subject if isinstance(self.subject, type) else type(self.subject)

    @cached_property
    def configured(self) -> list[Any]:
        """The configurations to check: the instance, or those that are generated from the class.

        Empty if generating them fails; the check `a_configuration_can_be_made` reports that.
        """
        if not isinstance(self.subject, type):
            return [self.subject]
        try:
            return list(configurations(self.component, self.registry))
        except Exception:
            return []

    @cached_property
    def cases(self) -> list[LayerCase]:
        """The cases of a layer."""
        examples = self.component.examples
        shapes = {
            index: [one.input_shape for one in examples if self.component.model_validate(one.fields) == layer]
            for index, layer in enumerate(self.configured)
        }
        made = layer_cases(self.configured, shapes, self.seed)
        return [replace(case, kernels=self.kernels) for case in made] if self.kernels is not NUMPY else made


class Case(NamedTuple):
    """One case of a component: its name, and functions that make its fixture, each with other random numbers."""

    case: str
    make: tuple[Callable[[], Any], ...]
    """Used in order until the check can decide."""
    subject: LayerCase | None = None


Fixtures: TypeAlias = Callable[[Request], Iterator[Case]]


class Group(NamedTuple):
    """A row of the table: checks that run on the same fixtures."""

    fixtures: Fixtures
    checks: tuple[Check, ...]
    optional: bool = False
    """Whether the report of a component is complete without these checks."""


def _whole_class(request: Request) -> Iterator[Case]:
    yield Case(WHOLE_CLASS, (partial(ClassFixture, request.component, request.registry),))


def _each_configuration(request: Request) -> Iterator[Case]:
    for component in request.configured:
        yield Case(configuration_name(component), (partial(_identity, component),))


def _redrawn(fixtures: Callable[[Any], Iterator[tuple[str, Callable[..., Any]]]]) -> Fixtures:
    """The fixtures of each configuration, with further seeds for checks that cannot decide."""

    def made(request: Request) -> Iterator[Case]:
        for component in request.configured:
            for case, make in fixtures(component):
                seeds = (request.seed + 1000 * turn for turn in range(REDRAWS))
                yield Case(case, tuple(partial(make, seed=seed) for seed in seeds))

    return made


def _layer_coverage(request: Request) -> Iterator[Case]:
    fixture = partial(CoverageFixture, request.component, request.configured, request.cases)
    yield Case(WHOLE_CLASS, (fixture,))


def _layers(request: Request) -> Iterator[Case]:
    for case in request.cases:
        make = tuple(partial(LayerFixture, redrawn(case, turn)) for turn in range(REDRAWS))
        yield Case(str(case), make, case)


def _layers_with_kernels(request: Request) -> Iterator[Case]:
    """Cases for other kernels than NumPy's: with ordinary values only."""
    if request.kernels is not NUMPY:
        yield from (case for case in _layers(request) if case.subject and case.subject.values == "gaussian")


def _networks(request: Request) -> Iterator[Case]:
    make = tuple(
        partial(NetworkFixture, request.subject, request.seed + 1000 * turn, request.kernels) for turn in range(REDRAWS)
    )
    yield Case(str(make[0]()), make)


def _kernels(request: Request) -> Iterator[Case]:
    for provider in provided_kernels(request.subject, threads.available()):
        for fixture in kernel_fixtures(provider, request.seed):
            yield Case(str(fixture), (partial(_identity, fixture),))


def _updates(request: Request) -> Iterator[Case]:
    for provider in provided_kernels(request.subject, threads.available()):
        for fixture in update_fixtures(provider, request.registry, request.seed):
            yield Case(str(fixture), (partial(_identity, fixture),))


def _identity(fixture: Any) -> Any:
    """The fixture itself: the same one is used for every check."""
    return fixture


EVERY_KIND = Group(_whole_class, (*every_kind.CHECKS, *documented.CHECKS))
TARGETS = Group(_each_configuration, (losses.some_targets_are_accepted,))

SUITES: Mapping[str, tuple[Group, ...]] = {
    Layer.kind: (
        EVERY_KIND,
        Group(_layer_coverage, coverage.CHECKS),
        Group(_layers, (*form.CHECKS, *gradients.CHECKS, *purity.CHECKS)),
        Group(_layers_with_kernels, kernels.LAYERS, optional=True),
    ),
    Loss.kind: (EVERY_KIND, TARGETS, Group(_redrawn(loss_fixtures), losses.CHECKS)),
    Metric.kind: (EVERY_KIND, TARGETS, Group(_redrawn(metric_fixtures), metrics.CHECKS)),
    Optimizer.kind: (EVERY_KIND, Group(_redrawn(optimizer_fixtures), optimizers.CHECKS)),
    Schedule.kind: (EVERY_KIND, Group(_redrawn(schedule_fixtures), schedules.CHECKS)),
    Initializer.kind: (EVERY_KIND, Group(_redrawn(initializer_fixtures), initializers.CHECKS)),
    Regularizer.kind: (EVERY_KIND, Group(_redrawn(regularizer_fixtures), regularizers.CHECKS)),
    Observer.kind: (EVERY_KIND, Group(_redrawn(observer_fixtures), observers.CHECKS)),
    Dataset.kind: (EVERY_KIND, Group(_redrawn(dataset_fixtures), datasets.CHECKS)),
    "kernels": (Group(_kernels, kernels.CHECKS), Group(_updates, kernels.UPDATES)),
    "network": (Group(_networks, networks.CHECKS),),
}
"""Kind → groups of checks."""


def groups_of(subject: Any) -> tuple[Group, ...]:
    """The groups of checks of a component (class or instance), a provider of kernels, a network or a spec."""
    kind = subject if isinstance(subject, type) else type(subject)
    if is_provider(subject):
        return SUITES["kernels"]
    return SUITES[kind.kind] if issubclass(kind, Component) else SUITES["network"]


def is_provider(subject: Any) -> bool:
    """Whether the subject is a provider of kernels: a class or an instance."""
    return isinstance(subject, Kernels) or (isinstance(subject, type) and issubclass(subject, Kernels))


def name_of(subject: Any) -> str:
    """The name of the subject in reports: "layer relu", "kernels fast", "network"."""
    if is_provider(subject):
        return f"kernels {subject.name}"
    return f"{subject.kind} {subject.type}" if hasattr(subject, "kind") else "network"


def required_checks(subject: Any) -> tuple[Check, ...]:
    """The checks that must have run for a component of this kind, whatever its cases are.

    >>> from fcframe import Optimizer
    >>> required_checks(Optimizer)[0].__name__
    'a_configuration_can_be_made'
    """
    return tuple(check for group in groups_of(subject) if not group.optional for check in group.checks)


def check_runs(subject: Any, registry: Registry, seed: int = 0, kernels: Kernels = NUMPY) -> Iterator[CheckRun]:
    """All checks of a component, a network, a spec or a provider of kernels on all its fixtures, ready to run.

    Layers and networks run with `kernels`.
    """
    request, name = Request(subject, registry, seed, kernels), name_of(subject)
    for group in groups_of(subject):
        for case, make, layer_case in group.fixtures(request):
            for check in group.checks:
                yield CheckRun(name, check, case, make, layer_case)
