"""`fcframe schema`: prints the JSON Schema of specs."""

import click

from fcframe.cli.common import print_json
from fcframe.cli.streams import Command
from fcframe.plugins import registry
from fcframe.spec.schema import json_schema


@click.command("schema", cls=Command)
def command() -> None:
    """Print the JSON Schema of specs, with the fields of every installed component.

    Save it to a file, and name the file in the field "$schema" of a spec: editors then complete fields and mark
    mistakes while you write.
    """
    print_json(json_schema(registry()))
