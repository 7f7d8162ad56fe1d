"""The embedded warehouse: ClickHouse inside this process (chDB), and its files in a directory.

The process that opens it holds it. Others read through the holder (:mod:`jobs.warehouse.serving`); one that opens it
read-only while nobody holds it is the holder for that time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from jobs.warehouse.block import encode
from jobs.warehouse.engine import Engine
from jobs.warehouse.errors import ReadOnlyError, WarehouseTerminalError
from jobs.warehouse.holding import ENGINE, hold
from jobs.warehouse.migrate import migrate
from jobs.warehouse.protocol import Result
from jobs.warehouse.reading import formatted, rows
from jobs.warehouse.serving import QueryServer
from jobs.warehouse.sql import Plain
from jobs.warehouse.tables import declared
from jobs.warehouse.url import Address, Layout
from pipeline.batch import Columns


class EmbeddedWarehouse:
    """A :class:`jobs.warehouse.protocol.Warehouse` without a server."""

    def __init__(self, address: Address, *, create: bool = True, read_only: bool = False) -> None:
        if address.path is None:
            raise WarehouseTerminalError(f"{address.masked} is not embedded")
        if address.layout.cluster is not None:
            raise WarehouseTerminalError("an embedded store has no cluster", action="Unset the cluster.")
        self.url = address.masked
        self.layout: Layout = address.layout
        self._lock = hold(address.path, create=create, read_only=read_only)
        store = address.path / ENGINE
        try:
            self._reader = Engine(store, read_only=True)
            self._writer = None if read_only else Engine(store, read_only=False)
            self._server = QueryServer(address.path, lambda: Engine(store, read_only=True))
        except BaseException:
            os.close(self._lock)
            raise

    def migrate(self, parameters: Mapping[str, float] | None = None, *, model: str | None = None) -> list[str]:
        """See the protocol."""
        return migrate(self, parameters, model=model)

    def insert(self, table: str, columns: Columns) -> int:
        """See the protocol."""
        block = encode(declared(table), columns)
        if block.rows:
            self._writing().insert(f"INSERT INTO {table}", block.to_bytes())
        return block.rows

    def query(self, sql: str, parameters: Mapping[str, Plain] | None = None) -> Result:
        """See the protocol."""
        return rows(self._reader.run, sql, parameters)

    def format(self, sql: str, format: str, parameters: Mapping[str, Plain] | None = None) -> bytes:
        """See the protocol; every format of ClickHouse."""
        return formatted(self._reader.run, sql, format, parameters)

    def command(self, sql: str) -> None:
        """See the protocol."""
        self._writing().run(sql)

    def close(self) -> None:
        """See the protocol."""
        self._server.close()
        for engine in (self._reader, self._writer):
            if engine is not None:
                engine.close()
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def _writing(self) -> Engine:
        if self._writer is None:
            raise ReadOnlyError(f"{self.url} is open for reading only")
        return self._writer
