"""The command line: every module of this package with a top-level ``command`` is a sub-command.

A module is imported when its command is called or its help is listed, so a command that needs little starts fast.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import click

DISTRIBUTION: Final = "customer-perception"


class Discovered(click.Group):
    """A group whose commands are the modules of :mod:`jobs.cli`; a new file is a new command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Command names, sorted: module names with ``-`` for ``_``."""
        return sorted(
            info.name.replace("_", "-") for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The ``command`` of a module, or None if there is none."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found = getattr(import_module(f"{__name__}.{cmd_name.replace('-', '_')}"), "command", None)
        return found if isinstance(found, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, but also names the commands that exist when the given one does not."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(f"{error.message} Commands: {', '.join(self.list_commands(ctx))}.", ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error that a user can act on ends it with a message and an exit code, no traceback."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader of a pipe (head, less) went away: point stdout elsewhere so that its flush at exit is silent.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except Exception as error:
            if ctx.params.get("debug") or not isinstance(getattr(error, "action", None), str):
                raise
            _print_error(error)
            ctx.exit(getattr(error, "exit_code", 1))


def _print_error(error: Exception) -> None:
    """Every error of ours has an ``action``; some already say it in their message."""
    action = getattr(error, "action", "")
    click.secho(f"Error: {error}", fg="red", err=True)
    if action and action not in str(error):
        click.echo(f"What to do: {action}", err=True)


def _version() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "not installed"


@click.group(
    cls=Discovered,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110, "show_default": True},
)
@click.version_option(_version(), "--version", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="PERCEPTION_DEBUG", help="Show tracebacks of errors.")
def main(debug: bool) -> None:
    """How customers perceive their interactions, live.

    Kafka or files in, ClickHouse (or an embedded engine) out. Settings come from PERCEPTION_ variables;
    `perception doctor` checks them and everything they name.
    """
