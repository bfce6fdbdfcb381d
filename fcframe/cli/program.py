"""The main command: the table of subcommands, and the handling of errors and exit codes."""

import gc
import importlib
import os
import sys
from typing import Any

import click

from fcframe.cli import BAD_INPUT, INTERRUPTED, complain, streams
from fcframe.errors import FcframeError

MIN_SIMILARITY = 0.8
"""Similarity (difflib's ratio) from which on an unknown option is taken for a misspelt one."""

# The help texts are here so that `fcframe --help` does not import all commands.
COMMANDS = {
    "train": "Train the network of an experiment spec, and save the run.",
    "check": "Check that specs are valid; list every problem.",
    "show": "Print the layers of a network with shapes and numbers of parameters.",
    "list": "List the installed components and plugins, and what does not work.",
    "describe": "Explain a component: what it does, its fields, the JSON for a spec.",
    "gradcheck": "Check the gradients of components, and the rest of their contract.",
    "schema": "Print the JSON Schema of specs, for editors.",
}


class Commands(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the module of a command; returns the command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"fcframe.cli.{cmd_name}").command
        gc.freeze()
        gc.enable()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; an unknown one is refused with a similar one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from fcframe.wording import unknown_name  # only needed for an error message

            ctx.fail(unknown_name("command", args[0], list(COMMANDS), "Commands"))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command. It ends without an error if the reader closes the output, as `head` does."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            if not is_output_error(error):
                raise
            return 0
        except KeyboardInterrupt as error:  # here, because click would print an empty line
            from fcframe.cli.interrupts import InterruptedCommandError, signal_number

            where = getattr(error, "__notes__", [])[:1]
            raise InterruptedCommandError(" ".join(["interrupted", *where]), signal_number(error)) from None


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fcframe")
@click.pass_context
def commands(ctx: click.Context) -> None:
    """Train fully connected networks that are written as JSON, with NumPy. Layers, losses and optimizers are plugins.

    Start with: fcframe train specs/digits.json
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run() -> int:
    """Runs the command line; returns 0, 1 (a check failed), 2 (bad input) or 128 plus the number of a signal."""
    streams.claim_descriptor()
    own = sys.stdout
    code = _run()
    sys.stdout = own  # a plugin may have replaced it
    streams.finish()
    return code


def _run() -> int:
    try:
        code: int | None = commands.main(prog_name="fcframe", standalone_mode=False)
    except click.NoSuchOption as error:
        return complain(_no_such_option(error))
    except click.ClickException as error:
        return complain(f"{error.format_message().removesuffix('.')}{_usage(error)}")
    except FcframeError as error:
        return complain(str(error), getattr(error, "exit_code", BAD_INPUT))
    except MemoryError as error:
        return complain(f"out of memory: {error or 'use a smaller network, minibatch or data set'}")
    except (click.Abort, KeyboardInterrupt):
        return complain("interrupted", INTERRUPTED)
    except SystemExit as error:  # raised by a plugin; click does not raise it in this mode
        return complain(_unexpected(error))
    except Exception as error:
        if isinstance(error, OSError) and (error.filename or is_output_error(error)):
            return complain(f"{error.filename or 'standard output'}: {error.strerror}")
        if os.environ.get("FCFRAME_TRACEBACK"):
            raise
        return complain(_unexpected(error))
    return code or 0


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"; see {context.command_path} --help" if context else ""


def _no_such_option(error: click.NoSuchOption) -> str:
    """The message for an unknown option, with a similar option or the `--set` that may have been meant."""
    message = f"no such option: {error.option_name}"
    command = error.ctx.command if error.ctx else None
    options = [name for parameter in (command.params if command else ()) for name in parameter.opts]
    import difflib  # only needed for an error message

    if near := difflib.get_close_matches(error.option_name, options, n=1, cutoff=MIN_SIMILARITY):
        message += f". Did you mean {near[0]}?"
    elif "--set" in options:
        from fcframe.cli.fields import set_instead

        message += set_instead(error.option_name, sys.argv)
    return f"{message}{_usage(error)}"


def is_output_error(error: OSError) -> bool:
    """Whether an error was raised while the command printed its output, and not by a plugin."""
    import traceback  # only needed for an error message

    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).startswith(("click.", "rich.", f"{__package__}."))


def _unexpected(error: BaseException) -> str:
    """The message for an unexpected exception, which means a defect of a plugin or of fcframe."""
    import traceback  # only needed for an error message

    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = " ".join(getattr(error, "__notes__", []))
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"{reason} {where}({frame.filename}:{frame.lineno}); a plugin does not keep its contract, or this is a defect "
        "of fcframe. Set FCFRAME_TRACEBACK=1 to see the traceback"
    ).replace("  ", " ")
