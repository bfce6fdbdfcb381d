"""Component → report: which checks a kind has, on which cases, and what their results say together."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from fcframe.components import Component, Layer
from fcframe.errors import SpecError
from fcframe.registry import Registry
from fcframe.registry import registry as installed
from fcframe.verify import cases
from fcframe.verify.checks import layer_form, layer_gradients, layer_purity
from fcframe.verify.patterns import add_patterns
from fcframe.verify.report import Report, Result
from fcframe.verify.run import REDRAWS, Check, run_check
from fcframe.verify.trial import Trial


@dataclass(frozen=True)
class Item:
    """One check of a component in one case, ready to run."""

    component: str
    check: Check
    case: str
    subjects: tuple[Any, ...]

    def run(self) -> Result:
        """Runs it."""
        return run_check(self.component, self.check, self.case, self.subjects)


def items(component: type[Component] | Component, registry: Registry, seed: int = 0) -> Iterator[Item]:
    """All checks of a component's kind on all its cases; made without calling a check."""
    kind = component if isinstance(component, type) else type(component)
    if issubclass(kind, Layer):
        yield from _layer_items(component, registry, seed)


def gradcheck(component: Any, *, seed: int = 0) -> Report:
    """Checks a component's contract, its gradients first of all.

    Args:
        component: A class, an instance (then in that configuration alone), or the name of a registered type.
        seed: Draws everything that the cases need.

    Returns:
        The ledger of all checks on all cases; `report.passed`, and `report.failures` with message and diagnosis.

    Raises:
        SpecError: There is no component of that name.

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


def _layer_items(component: Any, registry: Registry, seed: int) -> Iterator[Item]:
    kind: type[Layer] = component if isinstance(component, type) else type(component)
    layers = cases.configurations(kind, registry) if isinstance(component, type) else [component]
    shapes = {
        index: [example.input_shape for example in kind.examples if kind.model_validate(example.fields) == layer]
        for index, layer in enumerate(layers)
    }
    checks = (*layer_form.CHECKS, *layer_gradients.CHECKS, *layer_purity.CHECKS)
    for case in cases.layer_cases(layers, shapes, seed):
        subjects = tuple(partial(Trial, cases.redrawn(case, turn)) for turn in range(REDRAWS))
        for check in checks:
            yield Item(f"{kind.kind} {kind.type}", check, str(case), subjects)
