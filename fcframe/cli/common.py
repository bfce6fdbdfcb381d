"""What commands share: the options of those that read a spec, and how facts are printed for a program."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from fcframe import threads
from fcframe.errors import DataError, SpecError
from fcframe.spec.loading import load_spec, title
from fcframe.spec.models import Spec

overrides_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change a field before the spec is read: --set training.optimizer.learning_rate=0.01",
)
kernels_option = click.option(
    "--kernels", metavar="NAME", help="The provider of kernels; FCFRAME_KERNELS, or the best here, by default."
)
threads_option = click.option(
    "--threads",
    metavar="N",
    callback=lambda _ctx, _param, text: None if text is None else threads.number(text, where="--threads"),
    help="How many threads compute; FCFRAME_THREADS, or what suits the network and the machine, by default.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")


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
    """Facts for a program, in characters that the output has."""
    ascii_only = (sys.stdout.encoding or "").lower() not in ("utf-8", "utf8")
    click.echo(json.dumps(facts, indent=2, ensure_ascii=ascii_only))
