"""Migrations: numbered plain SQL files, applied once each, in order; a few lines because they serve both warehouses.

A file may use ``${replicated}`` (prefix of the engine) and ``${on_cluster}``; both are empty without a cluster.
Every statement can be repeated, so that a migration that was interrupted half-way is simply applied again.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Protocol

from jobs.warehouse.errors import MigrationError
from jobs.warehouse.parameters import DEFAULT_VERSION, write_parameters
from jobs.warehouse.protocol import Result
from jobs.warehouse.sql import Plain, literal, statements
from jobs.warehouse.url import Layout

RAW_TIMES: Final = {"event_rows": "occurred_at", "rejected_rows": "appended_at", "late_rows": "appended_at"}
"""Tables whose rows may be dropped by age, and the age's column."""

_LEDGER: Final = """CREATE TABLE IF NOT EXISTS schema_migrations${on_cluster}
(
    number UInt32 COMMENT 'Number of the migration',
    name String COMMENT 'Name of its file',
    checksum String COMMENT 'SHA-256 of the file',
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was applied'
)
ENGINE = ${replicated}ReplacingMergeTree(applied_at)
ORDER BY number
COMMENT 'Applied migrations.'"""


class Migrated(Protocol):
    """What the runner needs of a warehouse."""

    @property
    def layout(self) -> Layout:
        """How tables are made."""
        ...

    def query(self, sql: str, parameters: Mapping[str, Plain] | None = None) -> Result:
        """Run a statement that reads."""
        ...

    def command(self, sql: str) -> None:
        """Run a statement that writes."""
        ...


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Tells whether an applied file was edited."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations, by number."""
    folder = resources.files("jobs.warehouse") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(Migration(int(file.name[:4]), file.name[:-4], file.read_text(encoding="utf-8")) for file in files)


def migrate(
    warehouse: Migrated, parameters: Mapping[str, float] | None = None, *, model: str | None = None
) -> list[str]:
    """Apply what is missing, write the model's parameters, set the age limits; returns the names applied now.

    Raises:
        MigrationError: an applied migration differs from its file.
    """
    warehouse.command(rendered(_LEDGER, warehouse.layout))
    missing = pending(warehouse)
    for migration in missing:
        for statement in statements(rendered(migration.text, warehouse.layout)):
            warehouse.command(statement)
        _record(warehouse, migration)
    write_parameters(warehouse, parameters, model or DEFAULT_VERSION)
    _limit_ages(warehouse)
    return [migration.name for migration in missing]


def pending(warehouse: Migrated) -> list[Migration]:
    """Migrations that were not applied yet."""
    applied = dict(warehouse.query("SELECT number, checksum FROM schema_migrations FINAL").rows)
    edited = [m.name for m in migrations() if applied.get(m.number, m.checksum) != m.checksum]
    if edited:
        raise MigrationError(
            f"applied migrations were edited since: {', '.join(edited)}",
            action="Restore those files and put the change into a new migration.",
        )
    return [migration for migration in migrations() if migration.number not in applied]


def rendered(text: str, layout: Layout) -> str:
    """SQL for one layout; ``Layout`` has checked the cluster's name."""
    cluster = layout.cluster
    names = {"replicated": "Replicated", "on_cluster": f" ON CLUSTER `{cluster}`"} if cluster else {}
    return string.Template(text).substitute({"replicated": "", "on_cluster": ""} | names)


def _record(warehouse: Migrated, migration: Migration) -> None:
    values = ", ".join(literal(value) for value in (migration.number, migration.name, migration.checksum))
    warehouse.command(f"INSERT INTO schema_migrations (number, name, checksum) SELECT {values}")


def _limit_ages(warehouse: Migrated) -> None:
    days = warehouse.layout.raw_ttl_days
    found = warehouse.query("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()")
    engines = dict(found.rows)
    for table, column in RAW_TIMES.items():
        rule = f"TTL toDateTime({column}) + toIntervalDay({days})"
        change = None if days is None or rule in engines[table] else f"MODIFY {rule}"
        if days is None and " TTL " in engines[table]:
            change = "REMOVE TTL"
        if change:
            warehouse.command(rendered(f"ALTER TABLE {table}${{on_cluster}} {change}", warehouse.layout))
