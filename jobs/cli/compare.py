"""``perception compare``: are two warehouses the same tables?"""

from __future__ import annotations

import click

from jobs.cli._options import examples, json_option, print_json


@click.command(
    "compare", epilog=examples("perception compare chdb:///data/replayed clickhouse://default@localhost:9000/default")
)
@click.argument("urls", nargs=2, metavar="URL URL")
@click.option("--equal-order", is_flag=True, help="Both took the same order of events: compare late events too.")
@json_option
@click.pass_context
def command(ctx: click.Context, *, urls: tuple[str, str], equal_order: bool, as_json: bool) -> None:
    """Compare all tables of two warehouses that took the same events.

    Left out is what names the way and not the result (versions, offsets, append and reference times); decayed sums
    are brought to a common moment, floats may differ by 1e-9. Exit code 0 if equal, 1 if not.
    """
    from jobs.compare import Snapshot, differences, snapshot
    from jobs.warehouse import open_warehouse

    def read(url: str) -> Snapshot:
        store = open_warehouse(url, create=False, read_only=True)
        try:
            return snapshot(store)
        finally:
            store.close()

    left, right = (read(url) for url in urls)
    found = differences(left, right, equal_order=equal_order)
    if as_json:
        print_json({"equal": not found, "differences": found})
    else:
        for text in found or ["the tables are the same"]:
            click.echo(text)
    ctx.exit(1 if found else 0)
