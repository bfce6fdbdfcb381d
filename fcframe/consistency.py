"""Finds contradictions between the parts of a spec, and settings that are valid but probably mistakes."""

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from pydantic import BaseModel

from fcframe.components import Component, Layer, Metric, Parameter, Shape
from fcframe.events import Results
from fcframe.spec.models import ExperimentSpec, NetworkSpec, TrainingSpec
from fcframe.wording import plural

Problem = tuple[tuple[str | int, ...], str]
"""The path in the document, and what is wrong there."""


def numbers_out_of_range(spec: NetworkSpec | ExperimentSpec, dtype: np.dtype[Any]) -> Iterator[Problem]:
    """Finds fields of components whose value becomes 0 or infinite in the network's dtype: an eps of 1e-50."""
    for path, component in components_of(spec):
        for name in type(component).model_fields:
            for index, value in _floats(getattr(component, name)):
                with np.errstate(over="ignore", under="ignore"):
                    rounded = float(dtype.type(value))
                where = (*path, name, *index)
                if value != 0 and rounded == 0:
                    smallest = float(np.finfo(dtype).smallest_subnormal)
                    yield where, f"{value:g} is 0 in {dtype}, whose smallest number is {smallest:.1g}"
                if isfinite(value) and not isfinite(rounded):
                    largest = float(np.finfo(dtype).max)
                    yield where, f"{value:g} is infinite in {dtype}, whose largest number is {largest:.1e}"


def _floats(value: Any, index: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], float]]:
    """The floats in the value of a field, also in lists and mappings, each with its path."""
    if isinstance(value, float):
        yield index, value
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _floats(item, (*index, number))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _floats(item, (*index, str(key)))


def contradictions(spec: ExperimentSpec, output_shape: Shape, parameters: Sequence[Parameter]) -> Iterator[Problem]:
    """Finds reasons why an experiment cannot be run although each of its fields is valid."""
    if not any(parameter.trainable for parameter in parameters):
        what = "every layer is frozen (trainable: false)" if parameters else "no layer has parameters"
        yield ("network", "layers"), f"there is nothing to train: {what}"
    metric = metric_of(spec.network, spec.training)
    if metric is not None:
        reason = unmeasurable(spec, metric, output_shape)
        if reason:
            yield ("training", "evaluation", "metric"), f"{metric.type} cannot measure this network: {reason}"
    figures = measured_figures(metric)
    for path, component in _watching(spec):
        name, higher = component.watched()
        if name not in figures:
            yield path, f"{component.type} watches {name!r}, which is never measured; measured: {', '.join(figures)}"
        elif higher is not None and higher is not figures.higher_is_better(name):
            direction = "higher" if figures.higher_is_better(name) else "lower"
            yield (
                path,
                f"{component.type} watches {name!r}, of which {direction} is better, but the spec says otherwise",
            )


def metric_of(network: NetworkSpec, training: TrainingSpec) -> Metric | None:
    """The metric that evaluations report: the spec's metric, or else the default metric of the loss."""
    return training.evaluation.metric or network.loss.metric


def measured_figures(metric: Metric | None, splits: Sequence[str] = ("train", "val")) -> Results:
    """The names of the figures that an evaluation of these splits has; all values are 0."""
    labels = [] if metric is None else [metric.label]
    figures = {f"{split}_{label}": 0.0 for split in splits for label in ("loss", *labels)}
    higher = [f"{split}_{label}" for split in splits for label in labels if metric and metric.higher_is_better]
    return Results(figures, higher)


def unmeasurable(spec: ExperimentSpec, metric: Metric, output_shape: Shape) -> str:
    """The reason why the metric cannot measure the scores and targets of this network; empty if it can."""
    targets = spec.network.loss.targets
    try:
        metric.check_scores(output_shape)
        same_targets = targets == metric.targets and type(metric).check_labels is Metric.check_labels
        if targets is not None and not same_targets:
            metric.check_labels(targets.draw(np.random.default_rng(0), 4, output_shape), output_shape)
    except ValueError as error:
        return f"the {spec.network.loss.type} loss has other targets: {error}" if targets else str(error)
    return ""


def notes(spec: ExperimentSpec, rows: int | None = None) -> Iterator[str]:
    """Finds settings that are valid but probably a mistake; one line each.

    Args:
        spec: The spec.
        rows: The number of training examples; None if the data has not been read.
    """
    training, size = spec.training, spec.training.batch_size
    minimum_batches = {layer.type: layer.minimum_batch for layer in _layers(spec.network)}
    for name, minimum in minimum_batches.items():
        if size < minimum:
            yield (
                f"training.batch_size: {name} learns nothing from a minibatch of {size}; "
                f"it needs at least {plural(minimum, 'example')}"
            )
        elif rows is not None and 0 < (last := rows % size) < minimum and training.sampling == "without_replacement":
            yield (
                f"training.batch_size: {name} learns nothing from the last minibatch of each epoch, which has {last} "
                f"of {plural(rows, 'example')}; it needs at least {minimum}"
            )
    if rows is None:
        return
    if size > rows:
        held = "it" if rows == 1 else "them all"
        yield (
            f"training.batch_size: {size} is more than the {plural(rows, 'training example')}; "
            f"each minibatch holds {held}"
        )
    if training.schedule is not None:
        steps = training.epochs * max(1, -(-rows // size))
        if (warmup := training.schedule.warmup_steps()) >= steps:
            yield f"training.schedule: the warm-up takes {plural(warmup, 'update')}, but the training has only {steps}"


def _watching(spec: ExperimentSpec) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The components that watch a figure, each with its path."""
    schedule = spec.training.schedule
    if schedule is not None and schedule.watched() is not None:
        yield ("training", "schedule"), schedule
    for index, observer in enumerate(spec.training.observers):
        if observer.watched() is not None:
            yield ("training", "observers", index), observer


def watching(spec: ExperimentSpec) -> list[tuple[tuple[str | int, ...], str, str]]:
    """The path, the type and the watched figure of each component that watches one."""
    return [(path, component.type, component.watched()[0]) for path, component in _watching(spec)]


def _layers(value: Any) -> Iterator[Layer]:
    return (component for _, component in components_of(value) if isinstance(component, Layer))


def components_of(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Component]]:
    """All components in a model, a list or a tuple, at any depth, each with its path."""
    if isinstance(value, Component):
        yield path, value
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from components_of(item, (*path, index))
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from components_of(getattr(value, name), (*path, name))
