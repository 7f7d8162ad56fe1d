"""Where events come from when they do not come from Kafka: files, and anything ClickHouse can read.

A source is an iterator of lists of record values (JSON bytes, one event each) in order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from jobs.sources import mapping, ndjson


def read(files: Sequence[Path], select: str | None = None, file_format: str | None = None) -> Iterator[list[bytes]]:
    """Values of ``files``: as they stand (NDJSON), or as the mapping ``select`` makes them.

    Raises :class:`jobs.errors.InputError` before the first value for a missing file or mapping, and while
    reading for one that turns out to be unreadable.
    """
    if select is None:
        return ndjson.read(files)
    return mapping.read(files, mapping.find(select), file_format)
