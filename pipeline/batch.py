"""What goes into the core and what comes out: raw records of one partition in, one flush out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Headers = Sequence[tuple[str, bytes]]
Columns = Mapping[str, Any]
"""Column name -> values of equal length (NumPy array or list), all columns of the declared table.

Times are epoch milliseconds. In a column declared Nullable, NaN (floats), -1 (integers and flags) or
-2**63 (times) mean NULL: the warehouse translates.
"""


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Consecutive records of one partition as the broker has them, in order of offset."""

    offsets: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    """Broker append time, epoch milliseconds."""
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Sequence[Headers] | None = None
    """Per record; None where no record of the batch has any."""

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that the contract refuses, with what is needed to find, show and requeue it."""

    reason: str
    message: str
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """Where a flush ended: the link of the chain that recovery checks."""

    offset: int
    """Last log offset that the state includes; -1 before any."""
    previous: int
    """The offset of the marker before."""
    watermark_ms: int
    previous_watermark_ms: int


@dataclass(frozen=True, slots=True)
class Flush:
    """The effect of the records up to ``marker.offset``: apply it in the order changelog, rows, offset."""

    partition: int
    marker: Marker
    changes: Mapping[bytes, bytes | None]
    """Changelog records: dirty keys with their new value, None = forget. Includes the marker itself."""
    rows: Mapping[str, Columns]
    """Table name -> columns; retractions are rows with ``is_deleted`` = 1."""
    rejected: Sequence[Rejected]
    counts: Mapping[str, int] = field(default_factory=dict)
    """events, duplicates, conflicts, late, rejected, ticks, interactions, journeys, customers, cells: rows touched."""
