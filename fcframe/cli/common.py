"""What commands share: the options of those that read a spec, and how facts are printed for a program."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from fcframe import threads
from fcframe.cli import streams
from fcframe.errors import DataError, SpecError
from fcframe.spec.loading import load_spec, title
from fcframe.spec.models import Spec

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
    help="Kernels that compute the training step; `fcframe list` names them. "
    "Default: the environment variable FCFRAME_KERNELS, otherwise the fastest that work on this machine.",
)
threads_option = click.option(
    "--threads",
    metavar="N",
    callback=lambda _ctx, _param, text: None if text is None else threads.number(text, where="--threads"),
    help="Number of threads to compute with. Default: the environment variable FCFRAME_THREADS, otherwise 1 for a "
    "small network and one per core for a large one.",
)
_ESCAPED = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that JSON allows in strings as they are, and that move a terminal's cursor or reorder its text."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def read_spec(source: str, overrides: Sequence[str]) -> Spec:
    """The spec of a file, or of standard input where the file is called "-"."""
    return load_spec(Path(source), overrides=overrides)


@contextmanager
def located(source: str) -> Iterator[None]:
    """Puts the spec's file before what is wrong with the network, or with the data that it names."""
    where = title(Path(source))
    try:
        yield
    except SpecError as error:
        raise SpecError([f"{where}: {line}" for line in error.problems]) from error
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def print_json(facts: Any) -> None:
    """Facts for a program, in characters that the output has; control characters are escaped."""
    out = streams.stdout()
    ascii_only = (getattr(out, "encoding", None) or "").lower() not in ("utf-8", "utf8")
    text = json.dumps(facts, indent=2, ensure_ascii=ascii_only)
    click.echo(_ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text), file=out)
