"""The cases of each small kind of component, with the checks that each is put to. Layers have a room of their own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from fcframe.components import Dataset, Initializer, Loss, Metric, Optimizer, Regularizer, Schedule
from fcframe.verify.checks import datasets, initializers, losses, metrics, optimizers, regularizers, schedules
from fcframe.verify.labels import taken_by
from fcframe.verify.run import Check
from fcframe.verify.subjects import DataTrial, LossTrial, MetricTrial, OptimizerTrial, PenaltyTrial, named

Cases: TypeAlias = Iterator[tuple[str, Callable[..., Any], Sequence[Check]]]
"""Each case's name, what makes its subject from a `seed`, and its checks."""


def loss_cases(loss: Loss) -> Cases:
    """Scores and labels of every kind that it takes, with and without ties."""
    yield named(loss), lambda seed: loss, (losses.some_labels_are_taken,)  # noqa: ARG005
    for labelled in taken_by(loss)[0]:
        case = f"{named(loss)},{labelled}"
        yield case, partial(LossTrial, loss, labelled), losses.CHECKS
        yield f"{case},ties", partial(LossTrial, loss, labelled, ties=True), losses.CHECKS


def metric_cases(metric: Metric) -> Cases:
    """Scores and labels of every kind that it takes."""
    yield named(metric), lambda seed: metric, (losses.some_labels_are_taken,)  # noqa: ARG005
    for labelled in taken_by(metric)[0]:
        yield f"{named(metric)},{labelled}", partial(MetricTrial, metric, labelled), metrics.CHECKS


def optimizer_cases(optimizer: Optimizer) -> Cases:
    """One case; whether its author chose the learning rate decides whether it must go downhill."""
    kind = type(optimizer)
    required = any(field.is_required() for field in kind.model_fields.values())
    declared = [kind.model_validate(example.fields) for example in kind.examples] + ([] if required else [kind()])
    yield named(optimizer), partial(OptimizerTrial, optimizer, optimizer in declared), optimizers.CHECKS


def schedule_cases(schedule: Schedule) -> Cases:
    """One case."""
    yield named(schedule), partial(schedules.ScheduleTrial, schedule), schedules.CHECKS


def initializer_cases(initializer: Initializer) -> Cases:
    """The shapes that it takes; all, if it takes none."""
    taken = [shape for shape in initializers.SHAPES if initializers.takes(initializer, shape)]
    for shape in taken or initializers.SHAPES:
        case = f"{named(initializer)},{'x'.join(map(str, shape))}"
        yield case, partial(initializers.StartTrial, initializer, shape), initializers.CHECKS


def regularizer_cases(regularizer: Regularizer) -> Cases:
    """Weights of one axis, of two and of three."""
    for shape in ((5,), (4, 3), (2, 3, 2)):
        case = f"{named(regularizer)},w={'x'.join(map(str, shape))}"
        yield case, partial(PenaltyTrial, regularizer, shape), regularizers.CHECKS


def dataset_cases(dataset: Dataset) -> Cases:
    """One case."""
    yield named(dataset), partial(DataTrial, dataset), datasets.CHECKS


CASES: Mapping[str, Callable[[Any], Cases]] = {
    Loss.kind: loss_cases,
    Metric.kind: metric_cases,
    Optimizer.kind: optimizer_cases,
    Schedule.kind: schedule_cases,
    Initializer.kind: initializer_cases,
    Regularizer.kind: regularizer_cases,
    Dataset.kind: dataset_cases,
}
