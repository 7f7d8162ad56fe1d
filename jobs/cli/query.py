"""``perception query``: read the warehouse with SQL, also while another process writes it."""

from __future__ import annotations

import sys

import click

from jobs.cli._options import examples
from jobs.settings import load
from jobs.warehouse import open_warehouse


@click.command(
    "query",
    epilog=examples(
        "perception query 'SELECT * FROM perception_index'",
        "perception query --json 'SELECT * FROM touchpoints LIMIT 5'",
        "perception query --format CSVWithNames 'SELECT * FROM cells' > cells.csv",
        "echo 'SHOW TABLES' | perception query -",
    ),
)
@click.argument("sql")
@click.option("--warehouse", metavar="URL", help="Address; default: PERCEPTION_WAREHOUSE__URL.")
@click.option("--format", "format_", metavar="NAME", help="ClickHouse output format; default: readable on a terminal.")
@click.option("--json", "as_json", is_flag=True, help="Short for --format JSON.")
def command(sql: str, warehouse: str | None, format_: str | None, as_json: bool) -> None:
    """Run one SQL statement that reads, and print its result; `-` reads it from stdin.

    Views for dashboards: events, interactions, journeys, customer_perception, perception_index, touchpoints, cells,
    service_recovery, … (`perception warehouse tables` describes all).
    """
    settings = load().warehouse
    statement = sys.stdin.read() if sql == "-" else sql
    store = open_warehouse(
        warehouse or settings.url, create=False, read_only=True, timeout_s=settings.send_receive_timeout_s
    )
    try:
        data = store.format(statement, _format(format_, as_json=as_json))
    finally:
        store.close()
    click.echo(data, nl=False)


def _format(given: str | None, *, as_json: bool) -> str:
    if as_json:
        return "JSON"
    return given or ("PrettyCompact" if sys.stdout.isatty() else "TabSeparatedWithNames")
