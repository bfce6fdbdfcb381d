"""`fcframe schema`: the JSON Schema of every spec that the installed plugins allow."""

import click

from fcframe.cli.common import print_json
from fcframe.cli.streams import Command
from fcframe.plugins import registry
from fcframe.spec.schema import json_schema


@click.command("schema", cls=Command)
def command() -> None:
    """Print the JSON Schema of specs, with the fields of every installed component.

    Save it to a file and give the file's name as "$schema" in a spec: an editor then completes fields and marks
    mistakes while you write.
    """
    print_json(json_schema(registry()))
