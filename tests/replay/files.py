"""Small files of every kind that a source reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs import sources

ORDERS = "id,when,amount,ok\n007,29/2/2016 01:16,12.5,yes\n008,1/3/2016 09:00,?,no\n"
ORDERS_SQL = """
    SELECT id AS event_id, concat('c', id) AS customer_id, 'purchase' AS type,
           parseDateTimeOrNull(`when`, '%e/%c/%Y %H:%i', 'UTC') AS occurred_at,
           toFloat64OrNull(amount) AS amount, ok = 'yes' AS resolved, '' AS team
    FROM input ORDER BY occurred_at DESC
"""


def write(path: Path, content: str | bytes) -> Path:
    """A file with that content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def values(files: Sequence[Path], select: str | None = None, file_format: str | None = None) -> list[bytes]:
    """All values of a source."""
    return [value for chunk in sources.read(files, select, file_format) for value in chunk]


def mapped(tmp_path: Path, sql: str, *files: Path, file_format: str | None = None) -> list[dict[str, Any]]:
    """Events that a mapping makes of files."""
    mapping = write(tmp_path / "mapping.sql", sql)
    return [json.loads(value) for value in values(files, str(mapping), file_format)]
