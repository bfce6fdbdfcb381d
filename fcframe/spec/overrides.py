"""Overrides fields of a spec before it is validated: `--set training.optimizer.learning_rate=0.01`."""

import copy
import json
import re
from collections.abc import Sequence
from typing import Any

from fcframe.errors import SpecError, json_path
from fcframe.wording import plural, shown

_STEP = re.compile(r"\.?([^.\[\]=]+)|\[(\d+)\]")


def override(document: dict[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """A copy of the document with each `path=value` assigned. The value is parsed as JSON, or else taken as text.

    Raises:
        SpecError: An assignment is malformed, or its path does not exist.

    >>> override({"training": {"epochs": 3}}, ["training.epochs=5", "training.optimizer.type=sgd"])
    {'training': {'epochs': 5, 'optimizer': {'type': 'sgd'}}}
    """
    if not assignments:
        return document
    document = copy.deepcopy(document)
    problems = []
    for assignment in assignments:
        if not isinstance(assignment, str):
            problems.append(f"--set {shown(assignment)}: expected text like training.epochs=5")
            continue
        try:
            path, value = _parse(assignment)
            _assign(document, path, value)
        except ValueError as error:
            problems.append(f"--set {shown(assignment)}: {error}")
    if problems:
        raise SpecError(problems)
    return document


def _parse(assignment: str) -> tuple[list[str | int], Any]:
    left, equals, right = assignment.partition("=")
    if not equals:
        raise ValueError("expected PATH=VALUE, like training.epochs=5")
    path: list[str | int] = []
    position = 0
    while position < len(left):
        step = _STEP.match(left, position)
        if step is None:
            raise ValueError(f"cannot read the path at {left[position:]!r}; write it like network.layers[0].units")
        path.append(int(step[2]) if step[2] is not None else step[1])
        position = step.end()
    if not path:
        raise ValueError("the path is empty; write it like training.epochs=5")
    try:
        return path, json.loads(right)
    except (ValueError, RecursionError):
        return path, right


def _assign(document: dict[str, Any], path: list[str | int], value: Any) -> None:
    parent: Any = document
    for index, step in enumerate(path):
        where = json_path(path[:index]) or "the top"
        if isinstance(step, int):
            if not isinstance(parent, list):
                raise ValueError(f"{where} is not a list")
            if step >= len(parent):
                raise ValueError(f"{where} has {plural(len(parent), 'element')}, so there is no [{step}]")
        elif not isinstance(parent, dict):
            raise ValueError(f"{where} is not an object, so it has no {step!r}")
        if index == len(path) - 1:
            parent[step] = value
            return
        if isinstance(step, str) and parent.get(step) is None:
            parent[step] = {}  # an optional section that is missing in the spec
        parent = parent[step]
