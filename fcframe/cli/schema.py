"""`fcframe schema`: the JSON Schema of every spec that the installed plugins allow."""

import click

from fcframe.cli.common import print_json
from fcframe.plugins import registry
from fcframe.spec.schema import json_schema


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of network and experiment specs, with a branch for each installed component.

    Write it to a file and name that file in a spec's "$schema": an editor then completes and checks the spec.
    """
    print_json(json_schema(registry()))
