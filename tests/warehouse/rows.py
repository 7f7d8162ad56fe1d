"""Rows of any declared table, and rows as they must come back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from jobs.warehouse import Warehouse
from jobs.warehouse.encoding import EARLIEST_MS, LATEST_MS, NULL_TIME
from schemas.tables import BY_NAME, Column, Table

TEXTS = ["", "plain", "Zürich — 東京 🙂", "quote ' \" \\ tab \t line \n nul \0", "x" * 300]
FLOATS = [0.0, -0.0, 1.5, 1e308, -1e-308, 5e-324, 70.25]
TIMES = [EARLIEST_MS, LATEST_MS, 0, 1_700_000_000_123, -1]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def blank(table: Table, count: int = 1, **given: Any) -> dict[str, Any]:
    """Rows of zeros, empty texts and NULLs but for ``given`` (a value for all rows, or a list)."""
    columns = {column.name: [_zero(column)] * count for column in table.columns}
    for name, value in given.items():
        assert name in columns, name
        columns[name] = value if isinstance(value, list) else [value] * count
    return columns


def insert(warehouse: Warehouse, table: str, count: int = 1, **given: Any) -> None:
    """One part that is never merged."""
    warehouse.command(f"SYSTEM STOP MERGES {table}")
    warehouse.insert(table, blank(BY_NAME[table], count, **given))


def random_rows(table: Table, count: int, seed: int = 0) -> dict[str, Any]:
    """Typed random rows with extreme values; identities are unique."""
    rng = np.random.default_rng(seed)
    columns = {column.name: _random(column, count, rng) for column in table.columns}
    first = next(name for name in table.identity if columns[name] and isinstance(columns[name][0], str))
    columns[first] = [f"{text}#{place}" for place, text in enumerate(columns[first])]
    if "is_deleted" in columns:
        columns["is_deleted"] = [0] * count
    return columns


def expected(table: Table, columns: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows as a query must return them (see :func:`stored`), sorted by identity."""
    values = [[_expected(column.type, value) for value in columns[column.name]] for column in table.columns]
    return _sorted(table, list(zip(*values, strict=True)))


def stored(warehouse: Warehouse, table: Table, source: str | None = None) -> list[tuple[Any, ...]]:
    """Rows of a table, merged, or of another ``source``; times as epoch milliseconds; sorted by identity."""
    found = warehouse.query(f"SELECT {', '.join(table.column_names)} FROM {source or f'{table.name} FINAL'}")
    return _sorted(table, [tuple(_plain(value) for value in row) for row in found])


def _sorted(table: Table, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    places = [table.column_names.index(name) for name in table.identity]
    return sorted(rows, key=lambda row: tuple(row[place] for place in places))


def _zero(column: Column) -> Any:
    if column.type.startswith("Nullable"):
        return math.nan if "Float" in column.type else NULL_TIME if "DateTime" in column.type else -1
    if column.type.startswith("Map"):
        return {}
    return "" if "String" in column.type else 0.0 if "Float" in column.type else 0


def _random(column: Column, count: int, rng: np.random.Generator) -> list[Any]:
    kind = column.type
    if kind.startswith("Map"):
        values: list[Any] = [1.5, -2.0, 1e300] if "Float64" in kind else TEXTS
        return [{f"k{i}": values[i % len(values)] for i in range(n)} for n in rng.integers(0, 4, count)]
    choices = _choices(kind)
    return [choices[place] for place in rng.integers(0, len(choices), count)]


def _choices(kind: str) -> list[Any]:
    if "String" in kind:
        return TEXTS
    null = "Nullable" in kind
    if "Float" in kind:
        return [*FLOATS, math.nan] if null else FLOATS
    if "DateTime" in kind:
        return [*TIMES, NULL_TIME] if null else TIMES
    if "Bool" in kind:
        return [0, 1, -1] if null else [0, 1]
    limits = np.iinfo(kind.removeprefix("Nullable(").rstrip(")").lower())
    return [int(limits.min), int(limits.max), 0, 7]


def _expected(kind: str, value: Any) -> Any:
    if not kind.startswith("Nullable"):
        return bool(value) if kind == "Bool" else value
    missing = math.isnan(value) if "Float" in kind else value == (NULL_TIME if "DateTime" in kind else -1)
    if missing:
        return None
    return bool(value) if "Bool" in kind else value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return round((value - EPOCH) / timedelta(milliseconds=1))
    return value
