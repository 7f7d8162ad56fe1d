"""What commands share: examples in help, option types, and how JSON is printed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from jobs.durations import duration_ms

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


def examples(*lines: str) -> str:
    """Epilog of a command: example lines that click does not wrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


class Duration(click.ParamType):
    """A duration as text; the value is milliseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Milliseconds of ``value``."""
        if isinstance(value, int):
            return value
        try:
            return duration_ms(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Instant(click.ParamType):
    """A moment as RFC 3339 text with a zone, or epoch milliseconds; the value is epoch milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch milliseconds of ``value``."""
        if isinstance(value, int):
            return value
        if str(value).lstrip("-").isdigit():
            return int(value)
        return self._parse(str(value), param, ctx)

    def _parse(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is not a time: write 2026-01-31T12:00:00Z or epoch milliseconds", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{text!r} has no zone: write {text}Z for UTC", param, ctx)
        return round(moment.astimezone(UTC).timestamp() * 1_000)
