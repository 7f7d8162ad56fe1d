"""Rows out of Native blocks, read with clickhouse-driver's columns, so that both warehouses give equal values."""

from __future__ import annotations

from typing import Any

from clickhouse_driver.bufferedreader import BufferedSocketReader
from clickhouse_driver.columns.service import read_column
from clickhouse_driver.connection import ServerInfo
from clickhouse_driver.context import Context
from clickhouse_driver.errors import UnknownTypeError
from clickhouse_driver.reader import read_binary_str
from clickhouse_driver.varint import read_varint

from jobs.warehouse.errors import WarehouseQueryError
from jobs.warehouse.protocol import Result

_BUFFER = 1 << 20


class _Memory:
    """Bytes that read like a socket."""

    def __init__(self, data: bytes) -> None:
        self._rest = memoryview(data)

    def recv_into(self, buffer: bytearray) -> int:
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def decode(native: bytes) -> Result:
    """All rows of the Native blocks in ``native``; names and types are those of the first block.

    Raises:
        WarehouseQueryError: a column is of a type that clickhouse-driver cannot read.
    """
    reader, context = BufferedSocketReader(_Memory(native), _BUFFER), _context()
    names: list[str] = []
    types: list[str] = []
    rows: list[tuple[Any, ...]] = []
    while (width := _next_width(reader)) is not None:
        height = read_varint(reader)
        names, types, columns = [], [], []
        for _ in range(width):
            names.append(read_binary_str(reader))
            types.append(read_binary_str(reader))
            columns.append(_column(context, names[-1], types[-1], height, reader))
        rows.extend(zip(*columns, strict=True))
    return Result(names, types, rows)


def _column(context: Context, name: str, kind: str, height: int, reader: BufferedSocketReader) -> Any:
    try:
        return read_column(context, kind, height, reader) if height else ()
    except UnknownTypeError as error:
        raise WarehouseQueryError(f"column {name} of type {kind} cannot be read: cast it to another type") from error


def _next_width(reader: BufferedSocketReader) -> int | None:
    try:
        return int(read_varint(reader))
    except EOFError:
        return None


def _context() -> Context:
    context = Context()
    context.client_settings = {"strings_as_bytes": False, "strings_encoding": "utf-8", "use_numpy": False}
    context.settings = {}
    context.server_info = ServerInfo("ClickHouse", 0, 0, 0, 0, "UTC", "embedded", 0)
    return context
