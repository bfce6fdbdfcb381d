"""One class a remedy: the class of an error says who has to mend what.

Every message is ready for a reader: what is wrong, where, the value, and what to do; one line a problem.
"""

from collections.abc import Sequence

MAX_REASON = 400
"""Characters of an exception that are shown; some libraries write a page."""


class FcframeError(Exception):
    """Anything that a person can mend; the command line prints its text, without a traceback."""


class SpecError(FcframeError):
    """Mend the spec. `problems` holds one line for each thing that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class ShapeError(FcframeError, ValueError):
    """Mend the spec: a layer cannot take the shape that reaches it. `path` leads to the layer."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{json_path(path)}: {reason}" if path else reason)


class PluginError(FcframeError):
    """Mend, rename or uninstall a plugin."""


class ContractError(FcframeError):
    """Mend the component, or the kernels: they do not do what `fcframe.components` or `fcframe.kernels` promises."""


class DataError(FcframeError):
    """Mend the data, or point the spec at other data."""


class OutputError(FcframeError):
    """Choose another place for the run."""


class DivergenceError(FcframeError):
    """Change how the network is trained: the loss left the finite numbers."""


def json_path(location: Sequence[str | int]) -> str:
    """Writes a location as a path into the JSON text.

    >>> json_path(("network", "layers", 2, "type"))
    'network.layers[2].type'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".")


def in_a_line(error: BaseException) -> str:
    """An exception of somebody else's code in a line.

    >>> in_a_line(ImportError("no such file"))
    'ImportError: no such file'
    """
    text = " ".join(str(error).split())
    if len(text) > MAX_REASON:
        text = f"{text[:MAX_REASON]}…"
    return text if isinstance(error, FcframeError) else f"{type(error).__name__}: {text}".removesuffix(": ")
