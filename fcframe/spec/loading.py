"""JSON text → spec. Every problem is found before anything is built, and all of them are reported at once."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fcframe.errors import SpecError, json_path
from fcframe.registry import Registry, registry
from fcframe.spec.models import EXPERIMENT_KEYS, ExperimentSpec, NetworkSpec, Spec
from fcframe.spec.overrides import override

MAX_CHARACTERS = 2_000_000
MAX_DEPTH = 100
MAX_PROBLEMS = 20

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def load_spec(
    source: str | Path | Mapping[str, Any], *, overrides: Sequence[str] = (), registry: Registry | None = None
) -> Spec:
    """Reads and validates a spec.

    Args:
        source: A path, JSON text (it starts with "{"), or the document as a dict.
        overrides: Assignments like "training.optimizer.learning_rate=0.01", made before validation.
        registry: Where types are looked up; what is installed, by default.

    Raises:
        SpecError: One line a problem: source, JSON path, what was expected, the value, and a suggestion.

    >>> load_spec('{"input": [4], "layers": [{"type": "relo"}], "loss": {"type": "softmax"}}')
    Traceback (most recent call last):
        ...
    fcframe.errors.SpecError: spec: layers[0].type: no layer called 'relo'. Did you mean 'relu'? Registered: ...
    """
    where, document = read(source)
    document = override(document, overrides)
    model = ExperimentSpec if any(key in document for key in EXPERIMENT_KEYS) else NetworkSpec
    try:
        return model.model_validate(document, context={"registry": registry or _installed()})
    except ValidationError as error:
        lines = [f"{where}: {json_path(line['loc'])}: {line['msg']}" for line in error.errors()]
        if len(lines) > MAX_PROBLEMS:
            lines[MAX_PROBLEMS:] = [f"{where}: … and {len(lines) - MAX_PROBLEMS} more problems"]
        raise SpecError(lines) from None


_installed = registry  # the parameter of load_spec has the better claim to the name


def read(source: str | Path | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What messages call the source, and the document in it, as yet unvalidated.

    Raises:
        SpecError: There is no such file, it is no JSON, it repeats a key, or it is too large or too deep.
    """
    if isinstance(source, Mapping):
        _check_depth("spec", source)
        return "spec", dict(source)
    if isinstance(source, str) and source.lstrip().startswith(("{", "[")):
        return "spec", _parse("spec", source)
    path = Path(source)
    return str(path), _parse(str(path), _text(path))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(4 * MAX_CHARACTERS + 1)
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise SpecError([f"{path}: there is no such file"]) from None
    except IsADirectoryError:
        raise SpecError([f"{path}: this is a folder, expected a JSON file"]) from None
    except UnicodeDecodeError as error:
        raise SpecError([f"{path}: not text in UTF-8 (byte {error.start}); a spec is JSON text"]) from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise SpecError([f"{path}: cannot be read: {reason}"]) from None


def _parse(where: str, text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARACTERS:
        raise SpecError(
            [f"{where}: more than {MAX_CHARACTERS:,} characters; a spec describes data, it does not hold it"]
        )
    if not text.strip():
        raise SpecError([f"{where}: the file is empty, expected a JSON object"])
    _check_brackets(where, text)
    try:
        document = json.loads(text, object_pairs_hook=_Object, parse_constant=_refuse_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()):
            raise SpecError(
                [f"{where}:{error.lineno}:{error.colno}: the JSON text ends too early: {error.msg}"]
            ) from None
        raise SpecError([f"{where}:{error.lineno}:{error.colno}: not JSON: {error.msg}"]) from None
    except ValueError as error:
        raise SpecError([f"{where}: not JSON: {str(error).partition(';')[0]}"]) from None
    problems = [f"{where}: {line}" for line in _repeated(document)]
    if problems:
        raise SpecError(problems[:MAX_PROBLEMS])
    if not isinstance(document, dict):
        raise SpecError([f"{where}: expected a JSON object at the top, got {type(document).__name__}"])
    return document


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys it repeats; a plain parser keeps the last and says nothing."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: list[str] = []
        if len(self) < len(pairs):
            keys = [key for key, _ in pairs]
            self.repeated = [key for key in self if keys.count(key) > 1]


def _repeated(document: Any) -> list[str]:
    problems = []
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _Object):
            problems += [f"{json_path((*path, key))}: this key stands here more than once" for key in value.repeated]
            waiting += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, index), item) for index, item in enumerate(value)]
    return sorted(problems)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:40]} is too large for a float")
    return value


def _check_brackets(where: str, text: str) -> None:
    """Measures the depth on the text: a parser would recurse, and fail, as deep as the text goes."""
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise SpecError([_too_deep(where)])


def _check_depth(where: str, document: Any) -> None:
    waiting = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise SpecError([_too_deep(where)])
        items = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
        waiting += [(item, depth + 1) for item in items]


def _too_deep(where: str) -> str:
    return f"{where}: brackets nest deeper than {MAX_DEPTH}; put layers side by side rather than inside each other"
