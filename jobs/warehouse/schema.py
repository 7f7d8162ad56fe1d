"""Are the tables what the pipeline writes? Compares the declared tables with what the engine has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.warehouse.migrate import migrations
from jobs.warehouse.protocol import Warehouse
from schemas.tables import TABLES, Table

_DESCRIBED = """SELECT name, if(engine LIKE '%View', 'view', 'table'), comment
FROM system.tables WHERE database = currentDatabase() ORDER BY engine NOT LIKE '%View', name"""
_COLUMN_COMMENTS = """SELECT table, name, type, comment
FROM system.columns WHERE database = currentDatabase() ORDER BY table, position"""
_COLUMNS = "SELECT table, name, type FROM system.columns WHERE database = currentDatabase() ORDER BY table, position"
_TABLES = "SELECT name, engine_full, sorting_key FROM system.tables WHERE database = currentDatabase()"


@dataclass(frozen=True, slots=True)
class Described:
    """A table or view as the engine documents it; ``columns`` are name, type and comment."""

    name: str
    kind: str
    comment: str
    columns: tuple[tuple[str, str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        columns = [{"name": name, "type": kind, "comment": comment} for name, kind, comment in self.columns]
        return {"name": self.name, "kind": self.kind, "comment": self.comment, "columns": columns}


def described(warehouse: Warehouse) -> list[Described]:
    """Views, then tables, with their comments."""
    columns: dict[str, list[tuple[str, str, str]]] = {}
    for table, name, kind, comment in warehouse.query(_COLUMN_COMMENTS):
        columns.setdefault(table, []).append((name, kind, comment))
    found = warehouse.query(_DESCRIBED)
    return [Described(name, kind, comment, tuple(columns.get(name, ()))) for name, kind, comment in found]


def differences(warehouse: Warehouse) -> list[str]:
    """What differs from the declared tables and from the migrations, one sentence each; empty if nothing does."""
    columns: dict[str, dict[str, str]] = {}
    for table, name, kind in warehouse.query(_COLUMNS):
        columns.setdefault(table, {})[name] = kind
    tables = {name: (engine, key) for name, engine, key in warehouse.query(_TABLES)}
    found = [line for table in TABLES for line in _of_table(table, columns, tables)]
    return found + list(_of_ledger(warehouse, tables))


def _of_table(
    table: Table, columns: Mapping[str, Mapping[str, str]], tables: Mapping[str, tuple[str, str]]
) -> Iterator[str]:
    if table.name not in tables:
        yield f"{table.name} is missing"
        return
    actual, declared = columns[table.name], {column.name: column.type for column in table.columns}
    for name in sorted(declared.keys() | actual.keys()):
        if declared.get(name) != actual.get(name):
            yield (f"{table.name}.{name} is {actual.get(name, 'missing')}, declared {declared.get(name, 'nowhere')}")
    yield from _of_engine(table, *tables[table.name])


def _of_engine(table: Table, engine: str, sorting_key: str) -> Iterator[str]:
    wanted = f"ReplacingMergeTree(version{', is_deleted' if table.deletable else ''})"
    if not _engine_matches(engine, wanted):
        yield f"{table.name} has engine {engine.split(' ORDER BY ', maxsplit=1)[0]}, declared {wanted}"
    if sorting_key != ", ".join(table.identity):
        yield f"{table.name} is sorted by {sorting_key}, declared {', '.join(table.identity)}"


def _engine_matches(engine: str, wanted: str) -> bool:
    """Also replicated and shared engines, whose path and replica stand before the version."""
    name, _, arguments = wanted.partition("(")
    actual = engine.split(" ORDER BY ", maxsplit=1)[0]
    kind, _, given = actual.partition("(")
    if kind == name:
        return given == arguments
    return kind.endswith(name) and given.endswith(arguments)


def _of_ledger(warehouse: Warehouse, tables: Mapping[str, Any]) -> Iterator[str]:
    if "schema_migrations" not in tables:
        yield "no migration was applied"
        return
    applied = dict(warehouse.query("SELECT name, checksum FROM schema_migrations FINAL").rows)
    for migration in migrations():
        if migration.name not in applied:
            yield f"migration {migration.name} is not applied"
        elif applied[migration.name] != migration.checksum:
            yield f"migration {migration.name} was edited after it was applied"
