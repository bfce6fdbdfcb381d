"""The command line. Each command is a file of this package, imported when it is called."""

import importlib
import os
import sys

import click

from fcframe.errors import FcframeError

# Beside each command what `fcframe --help` says of it, so that no command is imported to be listed.
COMMANDS = {
    "train": "Train the network of an experiment spec.",
    "check": "Say whether specs are valid, and all that is wrong where they are not.",
    "show": "Print a network's layers with their shapes and sizes.",
    "list": "List the installed components and plugins.",
    "describe": "Explain a component: what it does, its fields, its plugin.",
    "schema": "Print the JSON Schema of all that is installed.",
}


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of the module with its name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"fcframe.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table itself."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fcframe")
def commands() -> None:
    """Fully connected networks on NumPy, declared as JSON; every layer, loss and optimizer is a plugin."""


def main() -> None:
    """Runs the command line: exit code 0, 1 (a check failed) or 2 (bad input: one line a problem)."""
    try:
        code = commands.main(prog_name="fcframe", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = 2
    except FcframeError as error:
        code = _complain(str(error))
    except MemoryError as error:
        code = _complain(f"out of memory: {error or 'use a smaller network, minibatch or data set'}")
    except (click.Abort, KeyboardInterrupt):
        code = _complain("interrupted")
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _complain(message: str) -> int:
    for line in message.splitlines():
        click.echo(f"fcframe: {line}", err=True)
    return 2
