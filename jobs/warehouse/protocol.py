"""What every warehouse can do; the pipeline and the commands know nothing else about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jobs.warehouse.sql import Plain
from jobs.warehouse.url import Layout
from pipeline.batch import Columns


@dataclass(frozen=True, slots=True)
class Result:
    """Rows of a query. Times are datetimes in UTC (naive where the column names no zone), NULL is None."""

    names: Sequence[str]
    types: Sequence[str]
    rows: Sequence[tuple[Any, ...]]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def dicts(self) -> list[dict[str, Any]]:
        """One mapping per row."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]

    def value(self) -> Any:
        """The first value of the first row. Raises IndexError if there is none."""
        return self.rows[0][0]


class Warehouse(Protocol):
    """Tables in ClickHouse. Safe to use from several threads.

    Every method raises :class:`jobs.warehouse.errors.WarehouseError`; if its ``transient`` is true, the caller may
    repeat the call, inserts included: a row that arrives twice counts once.
    """

    @property
    def url(self) -> str:
        """The address without the password."""
        ...

    @property
    def layout(self) -> Layout:
        """How tables are made here."""
        ...

    def migrate(self, parameters: Mapping[str, float] | None = None, *, model: str | None = None) -> list[str]:
        """Bring the tables up to date; returns the names of the migrations applied now.

        ``parameters`` and ``model`` (its version) go to ``model_parameters``; without them, the default model's.
        """
        ...

    def insert(self, table: str, columns: Columns) -> int:
        """Append rows to a declared table, all or none; returns how many. See ``pipeline.batch.Columns``."""
        ...

    def query(self, sql: str, parameters: Mapping[str, Plain] | None = None) -> Result:
        """Run one statement that reads; ``{name:Type}`` in it is replaced from ``parameters``."""
        ...

    def format(self, sql: str, format: str, parameters: Mapping[str, Plain] | None = None) -> bytes:
        """The result as text in a ClickHouse output format; a FORMAT clause in the statement wins."""
        ...

    def command(self, sql: str) -> None:
        """Run one statement that changes tables (migrations, ``--replace``)."""
        ...

    def close(self) -> None:
        """Free everything; the warehouse cannot be used afterwards."""
        ...
