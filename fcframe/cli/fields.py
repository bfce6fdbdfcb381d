"""Suggests `--set` for an unknown option: `--set training.optimizer.learning_rate=0.1` for `--lr 0.1`."""

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from fcframe.errors import FcframeError
from fcframe.plugins import registry
from fcframe.spec.schema import json_schema

MAX_DEPTH = 5
"""Length of the longest path that is suggested; layers inside layers have paths of any length."""
MAX_SUGGESTIONS = 3
"""Fields that are suggested for one option."""


def set_instead(option: str, arguments: Sequence[str] = ()) -> str:
    """A sentence that suggests `--set` for an unknown option; empty if no field has a similar name.

    Args:
        option: The unknown option.
        arguments: The arguments of the command line, to find the option's value.

    >>> set_instead("--lr", ["train", "spec.json", "--lr", "0.1"])
    '. Fields of the spec are changed with --set: --set training.optimizer.learning_rate=0.1'
    """
    try:
        schema = json_schema(registry())
    except FcframeError:  # a broken plugin; the message is about the option
        return ""
    paths = list(dict.fromkeys(_paths(schema, schema["$defs"]["ExperimentSpec"], "", 0, frozenset())))
    word = option.lstrip("-").lower().replace("-", "_")
    known = {_name(path) for path in paths}
    name = word if word in known else _meant(word, known)
    fitting = sorted((path for path in paths if _name(path) == name), key=lambda path: (path.count("."), len(path)))
    fitting = [path for path in fitting if path.count(".") == fitting[0].count(".")][:MAX_SUGGESTIONS]
    if not fitting:
        return ""
    value = _value(option, arguments)
    return f". Fields of the spec are changed with --set: {' or '.join(f'--set {path}={value}' for path in fitting)}"


def _meant(word: str, known: set[str]) -> str:
    """The field name that a word abbreviates or misspells: "lr", "batch", "epoch"; empty if there is none."""
    letters = {"".join(part[0] for part in name.split("_") if part): name for name in sorted(known) if "_" in name}
    starts = [name for name in sorted(known, key=len) if len(word) > 2 and name.startswith(word)]
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.75)
    return next((name for name in (letters.get(word), *starts, *near) if name), "")


def _name(path: str) -> str:
    """The last part of a path; for a type, the part before it: --optimizer stands for training.optimizer.type."""
    return path.removesuffix(".type").rpartition(".")[2]


def _paths(schema: Any, part: Any, path: str, depth: int, inside: frozenset[str]) -> Iterator[str]:
    """The paths of all fields below a part of the schema, including the fields of all components of a kind."""
    if not isinstance(part, dict) or depth > MAX_DEPTH:
        return
    reference = str(part.get("$ref", "")).removeprefix("#/$defs/")
    if reference and reference not in inside:
        yield from _paths(schema, schema["$defs"].get(reference), path, depth, inside | {reference})
    for key in ("anyOf", "oneOf", "allOf"):
        for choice in part.get(key, ()):
            yield from _paths(schema, choice.get("then", choice), path, depth, inside)
    if isinstance(part.get("items"), dict):
        yield from _paths(schema, part["items"], f"{path}[0]", depth, inside)
    for name, field in part.get("properties", {}).items():
        if name in ("type", "$schema"):
            continue
        below = f"{path}.{name}" if path else name
        yield f"{below}.type" if _is_component(schema, field) else below
        yield from _paths(schema, field, below, depth + 1, inside)


def _is_component(schema: Any, field: Any) -> bool:
    options = [field, *field.get("anyOf", ())]
    references = [str(option.get("$ref", "")).removeprefix("#/$defs/") for option in options]
    return any(name and "type" in schema["$defs"].get(name, {}).get("properties", {}) for name in references)


def _value(option: str, arguments: Sequence[str]) -> str:
    """The value of an option on the command line, or "VALUE"."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument.startswith(f"{option}="):
            return _as_json(argument.partition("=")[2])
        if argument == option and following and not following.startswith("--"):
            return _as_json(following)
    return "VALUE"


def _as_json(value: str) -> str:
    return value if value.isprintable() and " " not in value else json.dumps(value)
