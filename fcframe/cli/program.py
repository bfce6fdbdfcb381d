"""The program: the table of its commands, and how each ends."""

import gc
import importlib
import io
import os
import sys
from typing import Any

import click

from fcframe.cli import complain
from fcframe.errors import FcframeError

# Beside each command what `fcframe --help` says of it, so that no command is imported to be listed.
COMMANDS = {
    "train": "Train the network of an experiment spec.",
    "check": "Say whether specs are valid, and all that is wrong where they are not.",
    "show": "Print a network's layers with their shapes and sizes.",
    "list": "List the installed components and plugins.",
    "describe": "Explain a component: what it does, its fields, its plugin.",
    "gradcheck": "Check components against their contract, their hand-written gradients first of all.",
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
        gc.freeze()
        gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table itself."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; whoever closes its output has seen enough."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            if not of_the_output(error):
                raise
            return 0


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fcframe")
@click.pass_context
def commands(ctx: click.Context) -> None:
    """Fully connected networks on NumPy, declared as JSON; every layer, loss and optimizer is a plugin."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run() -> int:
    """Runs the command line: exit code 0, 1 (a check failed) or 2 (bad input: one line a problem)."""
    sys.stdout = sys.stdout or io.StringIO()  # closed by whoever started this
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no "≥" shows "?"
    code = _run()
    try:
        sys.stdout.flush()
    except OSError:  # what is still to be written goes nowhere, rather than into a complaint at the very end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _run() -> int:
    try:
        code: int | None = commands.main(prog_name="fcframe", standalone_mode=False)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        usage = f"; see {context.command_path} --help" if context else ""
        return complain(f"{error.format_message().removesuffix('.')}{usage}")
    except FcframeError as error:
        return complain(str(error))
    except MemoryError as error:
        return complain(f"out of memory: {error or 'use a smaller network, minibatch or data set'}")
    except (click.Abort, KeyboardInterrupt):
        return complain("interrupted")
    except SystemExit as error:  # a plugin's; click's own do not come this way
        return complain(_account(error))
    except Exception as error:
        if isinstance(error, OSError) and (error.filename or of_the_output(error)):
            return complain(f"{error.filename or 'standard output'}: {error.strerror}")
        if os.environ.get("FCFRAME_TRACEBACK"):
            raise
        return complain(_account(error))
    return code or 0


def of_the_output(error: OSError) -> bool:
    """Whether it came up where something was printed, and not in a plugin's own doing."""
    import traceback  # only where something is wrong

    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith(("click.", "rich.", f"{__package__}."))


def _account(error: BaseException) -> str:
    """An exception that no room answers for: a plugin breaks its contract, or fcframe is wrong."""
    import traceback  # only where something is wrong

    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = " ".join(getattr(error, "__notes__", []))
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"{reason} {where}({frame.filename}:{frame.lineno}); a plugin does not keep its contract, or this is a defect "
        "of fcframe: FCFRAME_TRACEBACK=1 shows the traceback"
    ).replace("  ", " ")
