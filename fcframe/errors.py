"""The exceptions of fcframe. The class of an error says what the user has to correct: the spec, a plugin, the data.

Every message says what is wrong, where, which value, and what to do, on one line per problem.
"""

from collections.abc import Sequence

MAX_REASON = 400
"""Characters of another library's exception message that are shown."""


class FcframeError(Exception):
    """Base class of all errors that a user can correct. The command line prints the message without a traceback."""


class SpecError(FcframeError):
    """The spec is wrong. `problems` has one line for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ShapeError(FcframeError, ValueError):
    """The spec is wrong: a layer cannot take its input shape. `path` is the JSON path of the layer."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{json_path(path)}: {reason}" if path else reason)


class PluginError(FcframeError):
    """A plugin cannot be used: correct it, install another version, or uninstall it."""


class ContractError(FcframeError):
    """A component or its kernels break the contract that `fcframe.components` or `fcframe.kernels` describes."""


class DataError(FcframeError):
    """The data cannot be read, or does not fit the network."""


class OutputError(FcframeError):
    """The run cannot be written there: choose another folder."""


class DivergenceError(FcframeError):
    """Training diverged: the loss is no longer a finite number."""


def json_path(location: Sequence[str | int]) -> str:
    """Formats a location in a JSON document as a path.

    >>> json_path(("network", "layers", 2, "type"))
    'network.layers[2].type'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".")


def in_a_line(error: BaseException) -> str:
    """An exception of another library or of a plugin, on one line.

    >>> in_a_line(ImportError("no such file"))
    'ImportError: no such file'
    """
    text = " ".join(str(error).split())
    if len(text) > MAX_REASON:
        text = f"{text[:MAX_REASON]}…"
    return text if isinstance(error, FcframeError) else f"{type(error).__name__}: {text}".removesuffix(": ")
