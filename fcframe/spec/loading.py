"""Loads specs from JSON. All problems are reported at once, before anything is built."""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fcframe.errors import SpecError, json_path
from fcframe.plugins import Registry, registry
from fcframe.spec.migrate import MigrationError, migrate
from fcframe.spec.models import EXPERIMENT_KEYS, FORMAT, ExperimentSpec, NetworkSpec, Spec
from fcframe.spec.overrides import override
from fcframe.wording import shown

MAX_CHARACTERS = 2_000_000
MAX_VALUES = 100_000
MAX_DEPTH = 100
MAX_PROBLEMS = 20

_LARGEST = sys.float_info.max
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_PLAIN_KEY = re.compile(r"[\w$-]{1,80}")
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def load_spec(
    source: str | Path | Mapping[str, Any], *, overrides: Sequence[str] = (), registry: Registry | None = None
) -> Spec:
    """Reads and validates a spec.

    Args:
        source: A path ("-" for standard input), JSON text (starting with "{"), or the document as a dict.
        overrides: Assignments like "training.optimizer.learning_rate=0.01", made before validation.
        registry: Where types are looked up. Default: all installed plugins.

    Raises:
        SpecError: The spec is wrong. The message has one line for each problem: the source, the JSON path, what was
            expected, the value, and a suggestion.
        ContractError: A component has a field of a type that pydantic cannot read.

    >>> load_spec('{"input": [4], "layers": [{"type": "relo"}], "loss": {"type": "softmax"}}')
    Traceback (most recent call last):
        ...
    fcframe.errors.SpecError: spec: layers[0].type: no layer called 'relo'. Did you mean 'relu'? Registered: ...
    """
    where = title(source)
    if isinstance(overrides, str) or not isinstance(overrides, Sequence):
        kind = "the text " if isinstance(overrides, str) else ""
        raise SpecError([f"overrides: expected a list of assignments, got {kind}{shown(overrides)}"])
    lookup = checked(registry)
    document = dict(source) if isinstance(source, Mapping) else _parse(where, _text(where, source))
    _refuse(where, _flaws(where, document))
    if overrides:
        document = override(document, overrides)
        _refuse(where, _flaws(where, document))
    _refuse(where, _newer(document))
    try:
        document = migrate(document)
    except MigrationError as error:
        raise _refusal(where, [(error.location, error.reason)], 1) from None
    model = ExperimentSpec if any(key in document for key in EXPERIMENT_KEYS) else NetworkSpec
    try:
        context = {"registry": lookup, "folder": _folder(source), "enclose": True}
        return model.model_validate(document, context=context)
    except ValidationError as error:
        from fcframe.spec.problems import describe_problems  # only needed for an error message

        raise _refusal(where, *describe_problems(error, model, document, lookup, MAX_PROBLEMS)) from None


_installed = registry  # in `load_spec`, the parameter hides this name


def checked(registry: Any) -> Registry:
    """The argument `registry` of a function, or all installed plugins if it is None.

    Raises:
        SpecError: It is not a registry.
    """
    if registry is not None and not isinstance(registry, Registry):
        raise SpecError([f"registry: expected a fcframe.Registry, got {shown(registry)}"])
    return _installed() if registry is None else registry


def title(source: str | Path | Mapping[str, Any]) -> str:
    """The name of a source for messages: the file's path, or "spec".

    >>> title("specs/digits.json"), title("{}")
    ('specs/digits.json', 'spec')
    """
    if _is_text(source) or not isinstance(source, (str, os.PathLike)):
        return "spec"
    path = str(source)
    return path if path.strip() and path.isprintable() and len(path) < 1000 else shown(path)


def _is_text(source: Any) -> bool:
    return isinstance(source, str) and source.lstrip("\ufeff \t\r\n").startswith(("{", "["))


def _folder(source: Any) -> Path | None:
    """The folder of the spec's file, where relative paths to data are looked up first; None without a file."""
    return None if isinstance(source, Mapping) or _is_text(source) or str(source) == "-" else Path(source).parent


def _text(where: str, source: str | Path) -> str:
    if _is_text(source):
        return str(source).removeprefix("\ufeff")
    if not isinstance(source, (str, os.PathLike)):
        raise SpecError([f"{where}: expected a path, JSON text or a dict, got {shown(source)}"])
    try:
        content = _bytes(source)
        if len(content) > 4 * MAX_CHARACTERS:
            raise _too_long(where)
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise SpecError([f"{where}: there is no such file"]) from None
    except IsADirectoryError:
        raise SpecError([f"{where}: this is a folder, expected a JSON file"]) from None
    except UnicodeDecodeError as error:
        raise SpecError([f"{where}: not text in UTF-8 (byte {error.start}); a spec is JSON text"]) from None
    except (OSError, ValueError) as error:  # ValueError: the path contains a null character
        reason = error.strerror if isinstance(error, OSError) else error
        raise SpecError([f"{where}: cannot be read: {reason}"]) from None


def _bytes(source: str | Path) -> bytes:
    """The content of a file, cut off one byte after the allowed size."""
    with os.fdopen(os.dup(0), "rb") if str(source) == "-" else Path(source).open("rb") as file:
        return file.read(4 * MAX_CHARACTERS + 1)


def _parse(where: str, text: str) -> dict[str, Any]:
    if len(text) > MAX_CHARACTERS:
        raise _too_long(where)
    if not text.strip():
        raise SpecError([f"{where}: the file is empty, expected a JSON object"])
    _check_brackets(where, text)
    try:
        document = json.loads(text, object_pairs_hook=_Object, parse_int=_integer)
    except json.JSONDecodeError as error:
        early = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        what = "the JSON text ends too early" if early else "not JSON"
        message = re.sub(" at$", " here", error.msg)
        raise SpecError([f"{where}:{error.lineno}:{error.colno}: {what}: {message}"]) from None
    if not isinstance(document, dict):
        raise SpecError([f"{where}: expected a JSON object at the top, got {shown(document)}"])
    return document


class _Object(dict[str, Any]):
    """A JSON object that remembers its repeated keys; the parser alone would silently keep the last value."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs) if len(self) < len(pairs) else {}
        self.repeated = [key for key, count in counts.items() if count > 1]


class _TooLong(float):
    """Infinity in place of an integer with very many digits, which would take long to convert; `_flaws` refuses it."""

    digits = 0

    def __new__(cls, text: str) -> "_TooLong":
        number = super().__new__(cls, text)
        number.digits = len(text.lstrip("-"))
        return number


def _integer(text: str) -> int | float:
    return int(text) if len(text) < 400 else _TooLong(text)


def _check_brackets(where: str, text: str) -> None:
    """Refuses text that is nested too deeply, before parsing: the parser is recursive and would fail."""
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise _too_deep(where)


def _flaws(where: str, document: Any) -> Iterator[tuple[Sequence[str | int], str]]:
    """Finds values that are not allowed in any field: repeated keys, keys that are not text, infinite numbers.

    Raises:
        SpecError: The document is too large or nested too deeply, for example because it contains itself.
    """
    count = 0
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        items: list[tuple[Any, Any]] = []
        if isinstance(value, (Mapping, list, tuple)) and len(path) >= MAX_DEPTH:
            raise _too_deep(where)
        if isinstance(value, Mapping):
            items = list(value.items())
            for key in getattr(value, "repeated", ()):
                yield (*path, key), "this key occurs more than once"
            for key in value:
                if not isinstance(key, str) or _HALF_A_PAIR.search(key):
                    yield path, f"expected text as a key, got {shown(key)}"
        elif isinstance(value, (list, tuple)):
            items = list(enumerate(value))
        elif isinstance(value, (int, float)) and not -_LARGEST <= value <= _LARGEST:
            got = f"an integer of {value.digits:,} digits" if isinstance(value, _TooLong) else shown(value)
            yield path, f"expected a finite number up to 1.8e308, got {got}"
        elif isinstance(value, str) and _HALF_A_PAIR.search(value):
            yield path, f"expected text, got {shown(value)}, which is not Unicode"
        count += len(items)
        if count > MAX_VALUES:
            raise SpecError([f"{where}: more than {MAX_VALUES:,} values; {_HINT}"])
        waiting += [((*path, key), item) for key, item in reversed(items)]


def _newer(document: Mapping[str, Any]) -> Iterator[tuple[Sequence[str | int], str]]:
    """Refuses a newer format with this single message: the meaning of its fields is unknown."""
    number = document.get("format")
    if type(number) is int and number > FORMAT:
        yield ("format",), f"this version of fcframe reads format {FORMAT}; format {number} needs a newer one"


def _refuse(where: str, problems: Iterator[tuple[Sequence[str | int], str]]) -> None:
    all_problems = list(problems)
    if all_problems:
        raise _refusal(where, all_problems[:MAX_PROBLEMS], len(all_problems))


def _refusal(where: str, problems: Sequence[tuple[Sequence[str | int], str]], count: int) -> SpecError:
    """The error with these problems; `count` is the number of all problems, including those that are not shown."""
    lines = [": ".join(filter(None, (where, _path(location), message))) for location, message in problems]
    if count > len(problems):
        lines.append(f"{where}: … and {count - len(problems)} more problems")
    return SpecError(lines)


def _path(location: Sequence[str | int]) -> str:
    """The JSON path on one line; unusual keys are quoted."""
    return json_path(
        [step if isinstance(step, int) or _PLAIN_KEY.fullmatch(step) else shown(step) for step in location]
    )


_HINT = "a spec describes data, it does not contain it"


def _too_long(where: str) -> SpecError:
    return SpecError([f"{where}: more than {MAX_CHARACTERS:,} characters; {_HINT}"])


def _too_deep(where: str) -> SpecError:
    return SpecError(
        [f"{where}: brackets nest deeper than {MAX_DEPTH}; put layers side by side rather than inside each other"]
    )
