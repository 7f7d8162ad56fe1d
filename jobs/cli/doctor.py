"""``perception doctor``: checks everything that the settings name."""

from __future__ import annotations

import os

import click

from jobs.cli._options import examples, json_option, print_json

_MARKS = {"ok": ("ok  ", "green"), "warning": ("warn", "yellow"), "failure": ("FAIL", "red")}


@click.command(
    "doctor", epilog=examples("perception doctor", "perception doctor --only warehouse", "perception doctor --json")
)
@click.option(
    "--only",
    "areas",
    multiple=True,
    type=click.Choice(["settings", "kafka", "warehouse"]),
    help="Check only this; repeatable.",
)
@json_option
@click.pass_context
def command(ctx: click.Context, *, areas: tuple[str, ...], as_json: bool) -> None:
    """Check settings, broker, topics and partitions, ClickHouse and its tables; say what to do.

    Changes nothing. Exit code 0 if all is well (warnings included), 1 if anything fails.
    """
    from jobs.doctor import AREAS, Check, examine
    from jobs.settings import load

    checks: list[Check] = []
    for check in examine(load(), os.environ, areas or AREAS):
        checks.append(check)
        if not as_json:
            mark, color = _MARKS[check.status]
            click.echo(f"{click.style(mark, fg=color)}  {check.area}: {check.finding}")
            if check.action and check.action not in check.finding:
                click.echo(f"      What to do: {check.action}")
    healthy = all(check.status != "failure" for check in checks)
    if as_json:
        print_json({"healthy": healthy, "checks": [check.as_dict() for check in checks]})
    ctx.exit(0 if healthy else 1)
