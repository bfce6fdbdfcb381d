"""Component → checks: which checks a kind has, on which cases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fcframe import threads
from fcframe.components import Component, Layer
from fcframe.kernels import NUMPY, Kernels
from fcframe.network import Network
from fcframe.plugins import Registry
from fcframe.spec.models import ExperimentSpec, NetworkSpec, Spec
from fcframe.verify import cases, kernel_trial
from fcframe.verify.checks import (
    documented,
    every_kind,
    kernels,
    layer_form,
    layer_gradients,
    layer_purity,
    layer_reach,
    networks,
)
from fcframe.verify.kinds import CASES
from fcframe.verify.report import Result
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


def items(component: Any, registry: Registry, seed: int = 0, running: Kernels = NUMPY) -> Iterator[Item]:
    """All checks of a component, a network, a spec or a provider of kernels, in all cases; no check is called yet.

    Layers and networks run with the kernels in `running`.
    """
    if isinstance(component, (Network, NetworkSpec, ExperimentSpec)):
        yield from _network_items(component, seed, running)
        return
    if is_provider(component):
        yield from _kernel_items(component, registry, seed)
        return
    kind: type[Component] = component if isinstance(component, type) else type(component)
    name = f"{kind.kind} {kind.type}"
    for rule in (*every_kind.CHECKS, *documented.CHECKS):
        yield Item(name, rule, "class", (partial(Form, kind, registry),))
    made = _configured(kind, registry) if isinstance(component, type) else [component]
    if issubclass(kind, Layer):
        yield from _layer_items(kind, made, seed, running)
        return
    for one in made:
        for case, subject, checks in CASES[kind.kind](one):
            subjects = tuple(partial(subject, seed=seed + 1000 * turn) for turn in range(REDRAWS))
            for check in checks:
                yield Item(name, check, case, subjects)


def _configured(kind: type[Component], registry: Registry) -> list[Any]:
    """Its configurations; none where making them fails, which a check of every kind says."""
    try:
        return cases.configurations(kind, registry)
    except Exception:
        return []


def is_provider(component: Any) -> bool:
    """Whether it provides kernels: a class, or an instance."""
    return isinstance(component, Kernels) or (isinstance(component, type) and issubclass(component, Kernels))


def _kernel_items(source: Kernels | type[Kernels], registry: Registry, seed: int) -> Iterator[Item]:
    name = f"kernels {source.name}"
    for given in kernel_trial.provided(source, threads.available()):
        for trial in kernel_trial.trials(given, seed):
            yield from (Item(name, check, str(trial), (partial(_same, trial),)) for check in kernels.CHECKS)
        for update in kernel_trial.update_trials(given, registry, seed):
            yield from (Item(name, check, str(update), (partial(_same, update),)) for check in kernels.UPDATES)


def _same(trial: Any) -> Any:
    return trial


def _layer_items(kind: type[Layer], layers: Sequence[Layer], seed: int, running: Kernels) -> Iterator[Item]:
    shapes = {
        index: [example.input_shape for example in kind.examples if kind.model_validate(example.fields) == layer]
        for index, layer in enumerate(layers)
    }
    checks = (*layer_form.CHECKS, *layer_gradients.CHECKS, *layer_purity.CHECKS)
    made = [replace(case, kernels=running) for case in cases.layer_cases(layers, shapes, seed)]
    for rule in layer_reach.CHECKS:
        yield Item(f"{kind.kind} {kind.type}", rule, "class", (partial(layer_reach.Reach, kind, layers, made),))
    for case in made:
        name = str(case)
        subjects = tuple(partial(Trial, cases.redrawn(case, turn)) for turn in range(REDRAWS))
        for check in checks:
            yield Item(f"{kind.kind} {kind.type}", check, name, subjects, case)
        for check in kernels.LAYERS if running is not NUMPY and case.values == "gaussian" else ():
            yield Item(f"{kind.kind} {kind.type}", check, name, subjects)


def _network_items(source: Network | Spec, seed: int, running: Kernels) -> Iterator[Item]:
    name = str(networks.NetworkTrial(source, seed, running))
    subjects = tuple(partial(networks.NetworkTrial, source, seed + 1000 * turn, running) for turn in range(REDRAWS))
    for check in networks.CHECKS:
        yield Item("network", check, name, subjects)
