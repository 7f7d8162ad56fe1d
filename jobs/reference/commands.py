"""``docs/cli.md``: the help of every command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from jobs.cli import main
from jobs.reference.markdown import block, page

NAME: Final = "perception"
WIDTH: Final = 100
_INTRODUCTION = """Every command has `--help`; those that scripts use have `--json`. An error ends with a message, what
to do about it, and exit code 1; a wrong request with exit code 2 and nothing changed."""


def render() -> str:
    """The page."""
    parts = [f"## {path}\n\n{block(text, 'text')}" for path, text in helps()]
    return page("Command line", _INTRODUCTION, *parts)


def helps() -> Iterator[tuple[str, str]]:
    """Each command's path and help, a group before its commands."""
    yield from _of(main, click.Context(main, info_name=NAME, terminal_width=WIDTH, **main.context_settings))


def _of(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _of(found, click.Context(found, parent=context, info_name=name))
