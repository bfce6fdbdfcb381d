"""`fcframe show SPEC`: prints the table of a network's layers."""

from typing import Any

import click

from fcframe.builder import Plan, plan
from fcframe.cli.common import json_option, located, overrides_option, print_json, read_spec
from fcframe.cli.streams import Command
from fcframe.cli.tables import console, print_table, print_text
from fcframe.limits import human_bytes


@click.command("show", cls=Command)
@click.argument("spec")
@overrides_option
@json_option
def command(spec: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print the layers of the network in SPEC: output shapes, numbers of parameters, and memory.

    Nothing is allocated and no data is read, so this is fast for networks of any size. "-" reads standard input.
    """
    network = read_spec(spec, overrides)
    with located(spec):
        planned = plan(network)
    if as_json:
        print_json(facts(planned))
        return
    out = console()
    size = planned.dtype.itemsize
    rows = [("input", "", _shape(planned.spec.input), "", "")]
    for row in planned.rows():
        name = "  " * row.depth + row.name.rpartition(".")[2]
        numbers = (f"{row.parameters:,}", human_bytes(row.parameters * size)) if row.parameters else ("", "")
        rows.append((name, row.layer.type, _shape(row.output_shape), *numbers))
    rows.append(("total", "", "", f"{planned.size:,}", human_bytes(planned.size * size)))
    columns = ("layer", "type", "output shape", "parameters", "bytes")
    spare = ("bytes", "type")
    print_table(out, columns, rows, right=columns[-2:], spare=spare, prose=False, bold=[len(rows) - 1])
    loss = f"loss {planned.spec.loss.type}"
    regularizer = f", regularizer {planned.spec.regularizer.type}" if planned.spec.regularizer else ""
    print_text(out, f"\n{loss}{regularizer}, {planned.dtype}")


def facts(planned: Plan) -> dict[str, Any]:
    """The table as JSON."""
    size = planned.dtype.itemsize
    return {
        "input": planned.spec.input,
        "dtype": str(planned.dtype),
        "loss": planned.spec.loss.type,
        "layers": [
            {
                "name": row.name,
                "type": row.layer.type,
                "depth": row.depth,
                "input_shape": row.input_shape,
                "output_shape": row.output_shape,
                "parameters": row.parameters,
                "bytes": row.parameters * size,
            }
            for row in planned.rows()
        ],
        "parameters": planned.size,
        "bytes": planned.size * size,
    }


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)
