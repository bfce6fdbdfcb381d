"""`fcframe check SPEC`: checks that a spec is valid."""

from typing import Any

import click

from fcframe.builder import build, plan
from fcframe.cli import complain
from fcframe.cli.common import json_option, located, overrides_option, print_json, read_spec
from fcframe.cli.notes import gathered
from fcframe.cli.streams import Command, echo
from fcframe.consistency import notes
from fcframe.errors import FcframeError
from fcframe.kernels import NUMPY
from fcframe.spec.models import ExperimentSpec, Spec


@click.command("check", cls=Command)
@click.argument("specs", nargs=-1, required=True, metavar="SPEC…")
@overrides_option
@click.option("--data", "with_data", is_flag=True, help="Also read the data, and check that it fits the network.")
@json_option
def command(specs: tuple[str, ...], overrides: tuple[str, ...], with_data: bool, as_json: bool) -> None:
    """Check that specs are valid: every field, and whether the layers fit together.

    All problems in a spec are listed, one per line. The exit code is 2 if there are any. Notes report settings that are
    valid but probably a mistake; some of them need the data (--data). "-" reads standard input.
    """
    results = [_check(source, overrides, with_data) for source in specs]
    if as_json:
        print_json(results)
    for result in results:
        for problem in result["problems"]:
            complain(problem)
        for note in result.get("notes", ()):
            complain(f"note: {result['spec']}: {note}")
        if not as_json and not result["problems"]:
            sizes = f"{_number(result['layers'], 'layer')}, {_number(result['parameters'], 'parameter')}"
            echo(f"{result['spec']}: valid, {sizes}")
    if any(result["problems"] for result in results):
        raise click.exceptions.Exit(2)


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _check(source: str, overrides: tuple[str, ...], with_data: bool) -> dict[str, Any]:
    problems: list[str] = []
    sizes: dict[str, int] = {}
    with gathered() as lines:
        try:
            spec = read_spec(source, overrides)
            with located(source):
                planned = plan(spec)
                rows = _check_data(spec) if with_data else None
                if isinstance(spec, ExperimentSpec):
                    lines += notes(spec, rows)
                elif with_data:
                    lines.append("a network spec has no data, so --data checks nothing")
            sizes = {"layers": len(planned.chain.layers), "parameters": planned.size}
        except FcframeError as error:
            problems = str(error).split("\n")
    found = {"notes": list(dict.fromkeys(lines))} if lines else {}
    return {"spec": source, "problems": problems, **sizes, **found}


def _check_data(spec: Spec) -> int | None:
    """Checks that the data fits the network; returns the number of training examples, or None for a network spec."""
    from fcframe.training.experiment import check_measured, load_data, prepared  # slow to import

    if not isinstance(spec, ExperimentSpec):
        return None
    data = prepared(load_data(spec), build(spec, kernels=NUMPY))
    check_measured(spec, data)
    return len(data.X_train)
