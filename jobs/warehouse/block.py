"""Columns of a declared table as one ClickHouse *Native* block, encoded column by column with NumPy.

Both warehouses insert through this file, so the rules of types, ranges and NULLs exist once. The layout is that of
the Native format (ClickHouse, ``src/Formats/NativeWriter.cpp``): per column its name, its type and its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.warehouse.encoding import encode_column
from jobs.warehouse.errors import RowsError
from jobs.warehouse.varint import prefixed, varint
from pipeline.batch import Columns
from schemas.tables import Table


@dataclass(frozen=True, slots=True)
class Block:
    """Encoded columns of ``rows`` rows, in declared order."""

    rows: int
    columns: Sequence[tuple[str, str, bytes]]
    """Name, ClickHouse type and encoded values."""

    def to_bytes(self, *, flags: bool = False) -> bytes:
        """The Native block; ``flags`` adds the serialisation flag that protocol revisions from 54454 expect."""
        flag = b"\0" if flags else b""
        parts = [varint(len(self.columns)), varint(self.rows)]
        for name, kind, data in self.columns:
            parts += (prefixed(name.encode()), prefixed(kind.encode()), flag, data)
        return b"".join(parts)


def encode(table: Table, columns: Columns) -> Block:
    """Encode ``columns``, which must be exactly the declared ones.

    Raises:
        RowsError: columns missing or unknown, unequal lengths, a value outside the range of its type.
    """
    _check_names(table, columns)
    rows = _common_length(table, columns)
    return Block(rows, [(c.name, c.type, _encode(table, c.name, c.type, columns)) for c in table.columns])


def _encode(table: Table, name: str, kind: str, columns: Columns) -> bytes:
    try:
        return encode_column(kind, columns[name])
    except (ValueError, TypeError, OverflowError, UnicodeError) as error:
        raise RowsError(f"{table.name}.{name} ({kind}): {error}") from error


def _check_names(table: Table, columns: Columns) -> None:
    missing = _listed(name for name in table.column_names if name not in columns)
    unknown = _listed(name for name in columns if name not in table.column_names)
    if missing or unknown:
        raise RowsError(f"{table.name}: missing columns: {missing or 'none'}; unknown columns: {unknown or 'none'}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _common_length(table: Table, columns: Columns) -> int:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise RowsError(f"{table.name}: columns of different lengths: {lengths}")
    return next(iter(lengths.values()))
