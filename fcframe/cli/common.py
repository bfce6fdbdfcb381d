"""Options that several commands have, and JSON output."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from fcframe import threads
from fcframe.cli import notes, streams
from fcframe.errors import DataError, SpecError
from fcframe.spec.loading import load_spec, title
from fcframe.spec.models import Spec


def read_threads(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    """The number of threads that --threads asks for; None without the option."""
    return None if text is None else threads.number(text, where="--threads")


overrides_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change a field of the spec: --set training.optimizer.learning_rate=0.01. Can be repeated.",
)
kernels_option = click.option(
    "--kernels",
    metavar="NAME",
    help="Kernels that compute the training step; `fcframe list` shows them. "
    "Default: the environment variable FCFRAME_KERNELS, otherwise the first that work on this machine.",
)
threads_option = click.option(
    "--threads",
    metavar="N",
    callback=read_threads,
    help="Number of threads to compute with. Default: the environment variable FCFRAME_THREADS, otherwise 1 for a "
    "small network and one per core for a large one.",
)
_ESCAPED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that JSON allows unescaped, but that move the cursor of a terminal or reorder its text."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def at_least(least: int) -> Callable[[click.Context, click.Parameter, Any], int]:
    """A click callback that reads an integer that is not smaller than a bound; an error is a SpecError."""

    def read(_ctx: click.Context, parameter: click.Parameter, value: Any) -> int:
        with suppress(ValueError):
            if (number := int(value)) >= least:
                return number
        raise SpecError([f"{parameter.opts[0]}: expected an integer ≥ {least}, got {str(value)[:80]!r}"])

    return read


def read_spec(source: str, overrides: Sequence[str]) -> Spec:
    """Loads a spec from a file, or from standard input if the file is called "-"."""
    return load_spec(Path(source), overrides=overrides)


@contextmanager
def located(source: str) -> Iterator[None]:
    """Adds the file of the spec to the SpecErrors and DataErrors that the block raises, and to its notes."""
    where = title(Path(source))
    try:
        with notes.about(where):
            yield
    except SpecError as error:
        raise SpecError([f"{where}: {line}" for line in error.problems]) from error
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def print_json(facts: Any) -> None:
    """Prints JSON. Control characters are escaped, and also all non-ASCII characters if the output is not UTF-8."""
    out = streams.stdout()
    ascii_only = (getattr(out, "encoding", None) or "").lower() not in ("utf-8", "utf8")
    text = json.dumps(facts, indent=2, ensure_ascii=ascii_only)
    click.echo(_ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text), file=out)
