"""Options of commands that read files of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_DECORATORS = (
    click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)),
    click.option(
        "--select",
        metavar="MAPPING.sql",
        help="SQL that makes events of rows: a path, or the name of a shipped mapping. Without it, FILE is NDJSON.",
    ),
    click.option(
        "--format", "file_format", metavar="NAME", help="ClickHouse format of FILE, if its name does not say."
    ),
)


def input_options(command: Command) -> Command:
    """FILE…, --select and --format."""
    for decorate in reversed(_DECORATORS):
        command = decorate(command)
    return command


def open_input(files: tuple[Path, ...], select: str | None, file_format: str | None) -> Iterator[list[bytes]]:
    """The source of those options; warns of a mapping that leaves the order of arrival open."""
    from jobs import sources
    from jobs.sources import mapping

    chunks = sources.read(files, select, file_format)
    if select is not None and not mapping.is_ordered(mapping.find(select)):
        click.secho("Warning: the mapping has no ORDER BY, so the order of arrival is open.", fg="yellow", err=True)
    return chunks
