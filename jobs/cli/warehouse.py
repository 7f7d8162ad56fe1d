"""``perception warehouse``: make, check and describe the tables."""

from __future__ import annotations

from contextlib import closing

import click

from jobs.cli._options import examples, json_option, print_json
from jobs.models import chosen_model
from jobs.settings import load
from jobs.warehouse import Warehouse, open_warehouse
from jobs.warehouse.errors import MigrationError
from jobs.warehouse.parameters import model_parameters
from jobs.warehouse.roles import ROLES, script
from jobs.warehouse.schema import described, differences

warehouse_option = click.option(
    "--warehouse", metavar="URL", help="chdb:///path or clickhouse://host; default: PERCEPTION_WAREHOUSE__URL."
)


@click.group("warehouse")
def command() -> None:
    """Create, check and describe the tables in ClickHouse or in the embedded store."""


@command.command(
    "migrate", epilog=examples("perception warehouse migrate --warehouse clickhouse://localhost/perception")
)
@warehouse_option
@json_option
def migrate_command(warehouse: str | None, as_json: bool) -> None:
    """Bring the tables and views up to date. Safe to repeat."""
    with closing(_opened(warehouse, read_only=False)) as store:
        model = chosen_model(load())
        applied = store.migrate(model_parameters(model), model=model.version)
        if as_json:
            print_json({"warehouse": store.url, "applied": applied})
        else:
            click.echo("\n".join(f"applied {name}" for name in applied) or "Nothing to do: all migrations are applied.")


@command.command("check", epilog=examples("perception warehouse check --json"))
@warehouse_option
@json_option
def check_command(warehouse: str | None, as_json: bool) -> None:
    """Compare the tables with what the pipeline writes; fails if they differ."""
    with closing(_opened(warehouse, read_only=True)) as store:
        found = differences(store)
        if as_json:
            print_json({"warehouse": store.url, "differences": found})
        elif not found:
            click.echo(f"{store.url}: all tables are as declared.")
    if found and as_json:
        raise click.exceptions.Exit(1)
    if found:
        raise MigrationError("\n".join(found))


@command.command("tables", epilog=examples("perception warehouse tables", "perception warehouse tables --json"))
@warehouse_option
@json_option
def tables_command(warehouse: str | None, as_json: bool) -> None:
    """List tables and views, what a row of each is, and their columns."""
    with closing(_opened(warehouse, read_only=True)) as store:
        found = described(store)
    if as_json:
        print_json([table.as_dict() for table in found])
        return
    for table in found:
        click.secho(f"{table.name}  ({table.kind})", bold=True)
        click.echo(f"  {table.comment}")
        click.echo(f"  {', '.join(f'{name} {kind}' for name, kind, _ in table.columns)}\n")


@command.command(
    "role",
    epilog=examples(
        "perception warehouse role writer --database perception | clickhouse-client --user admin --multiquery"
    ),
)
@click.argument("role", type=click.Choice(ROLES))
@click.option("--database", default="perception", show_default=True, help="Whose tables the role is for.")
def role_command(role: str, database: str) -> None:
    """Print the SQL that makes a role of ClickHouse with the least that a task needs.

    The writer is for workers, the reader for dashboards, the migrator for `perception warehouse migrate`. An
    administrator runs it, and gives the role to a user: CREATE USER ... DEFAULT ROLE perception_writer.
    """
    click.echo(script(role, database), nl=False)


def _opened(url: str | None, *, read_only: bool) -> Warehouse:
    settings = load().warehouse
    return open_warehouse(
        url or settings.url,
        create=not read_only,
        read_only=read_only,
        cluster=settings.cluster,
        timeout_s=settings.send_receive_timeout_s,
    )
