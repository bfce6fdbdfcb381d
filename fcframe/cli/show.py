"""`fcframe show SPEC`: the table of a network, from its spec alone."""

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

    No memory is taken and no data is read, so this is quick for a network of any size. "-" reads standard input.
    """
    network = read_spec(spec, overrides)
    with located(spec):
        found = plan(network)
    if as_json:
        print_json(facts(found))
        return
    out = console()
    size = found.dtype.itemsize
    rows = [("input", "", _shape(found.spec.input), "", "")]
    for row in found.rows():
        name = "  " * row.depth + row.name.rpartition(".")[2]
        numbers = (f"{row.parameters:,}", human_bytes(row.parameters * size)) if row.parameters else ("", "")
        rows.append((name, row.layer.type, _shape(row.output_shape), *numbers))
    rows.append(("total", "", "", f"{found.size:,}", human_bytes(found.size * size)))
    columns = ("layer", "type", "output shape", "parameters", "bytes")
    spare = ("bytes", "type")
    print_table(out, columns, rows, right=columns[-2:], spare=spare, prose=False, bold=[len(rows) - 1])
    loss = f"loss {found.spec.loss.type}"
    regularizer = f", regularizer {found.spec.regularizer.type}" if found.spec.regularizer else ""
    print_text(out, f"\n{loss}{regularizer}, {found.dtype}")


def facts(found: Plan) -> dict[str, Any]:
    """The table as JSON."""
    size = found.dtype.itemsize
    return {
        "input": found.spec.input,
        "dtype": str(found.dtype),
        "loss": found.spec.loss.type,
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
            for row in found.rows()
        ],
        "parameters": found.size,
        "bytes": found.size * size,
    }


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)
