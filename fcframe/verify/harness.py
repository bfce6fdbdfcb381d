"""Component → report: which checks a kind has, on which cases, and what their results say together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fcframe.components import Component, Layer
from fcframe.errors import SpecError
from fcframe.network import Network
from fcframe.registry import Registry
from fcframe.registry import registry as installed
from fcframe.spec.models import ExperimentSpec, NetworkSpec, Spec
from fcframe.verify import cases
from fcframe.verify.checks import (
    documented,
    every_kind,
    layer_form,
    layer_gradients,
    layer_purity,
    layer_reach,
    networks,
)
from fcframe.verify.kinds import CASES
from fcframe.verify.patterns import add_patterns
from fcframe.verify.report import Report, Result
from fcframe.verify.run import REDRAWS, Check, run_check
from fcframe.verify.subjects import Form
from fcframe.verify.trial import Trial


@dataclass(frozen=True)
class Item:
    """One check of a component in one case, ready to run."""

    component: str
    check: Check
    case: str
    subjects: tuple[Any, ...]
    subject: Any = None
    """What the result is about, for a look over all of them: a layer's `Case`."""

    def run(self) -> Result:
        """Runs it."""
        result = run_check(self.component, self.check, self.case, self.subjects)
        result.subject = self.subject
        return result


def items(component: Any, registry: Registry, seed: int = 0) -> Iterator[Item]:
    """All checks of a component, a network or a spec in all its cases; made without calling a check."""
    if isinstance(component, (Network, NetworkSpec, ExperimentSpec)):
        yield from _network_items(component, seed)
        return
    kind: type[Component] = component if isinstance(component, type) else type(component)
    name = f"{kind.kind} {kind.type}"
    for rule in (*every_kind.CHECKS, *documented.CHECKS):
        yield Item(name, rule, "class", (partial(Form, kind, registry),))
    made = _configured(kind, registry) if isinstance(component, type) else [component]
    if issubclass(kind, Layer):
        yield from _layer_items(kind, made, seed)
        return
    for one in made:
        for case, subject, checks in CASES[kind.kind](one):
            subjects = tuple(partial(subject, seed=seed + 1000 * turn) for turn in range(REDRAWS))
            for check in checks:
                yield Item(name, check, case, subjects)


def gradcheck(component: Any, *, seed: int = 0) -> Report:
    """Checks a component's contract, its gradients first of all.

    Args:
        component: A class, an instance (then in that configuration alone), the name of a registered type, a network
            that is built, or a spec.
        seed: Draws everything that the cases need.

    Returns:
        The ledger of all checks on all cases; `report.passed`, and `report.failures` with message and diagnosis.

    Raises:
        SpecError: There is no component of that name, or a spec's layers do not fit together.

    >>> import fcframe
    >>> gradcheck("relu").passed
    True
    """
    registry = installed()
    found: list[Any] = [component]
    if isinstance(component, str):
        try:
            found = list(registry.named(component))
        except LookupError as error:
            raise SpecError([str(error.args[0])]) from None
    results = [item.run() for one in found for item in items(one, registry, seed)]
    return add_patterns(Report(results))


def _configured(kind: type[Component], registry: Registry) -> list[Any]:
    """Its configurations; none where making them fails, which a check of every kind says."""
    try:
        return cases.configurations(kind, registry)
    except Exception:
        return []


def _layer_items(kind: type[Layer], layers: Sequence[Layer], seed: int) -> Iterator[Item]:
    shapes = {
        index: [example.input_shape for example in kind.examples if kind.model_validate(example.fields) == layer]
        for index, layer in enumerate(layers)
    }
    checks = (*layer_form.CHECKS, *layer_gradients.CHECKS, *layer_purity.CHECKS)
    made = cases.layer_cases(layers, shapes, seed)
    for rule in layer_reach.CHECKS:
        yield Item(f"{kind.kind} {kind.type}", rule, "class", (partial(layer_reach.Reach, kind, layers, made),))
    for case in made:
        name = str(case)
        subjects = tuple(partial(Trial, cases.redrawn(case, turn)) for turn in range(REDRAWS))
        for check in checks:
            yield Item(f"{kind.kind} {kind.type}", check, name, subjects, case)


def _network_items(source: Network | Spec, seed: int) -> Iterator[Item]:
    first = networks.NetworkTrial(source, seed)
    shape = "x".join(str(size) for size in (networks.N, *first.network.spec.input))
    subjects = tuple(partial(networks.NetworkTrial, source, seed + 1000 * turn) for turn in range(REDRAWS))
    for check in networks.CHECKS:
        yield Item("network", check, f"x={shape}", subjects)
