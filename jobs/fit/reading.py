"""From a warehouse to what a fit learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.evaluate.reading import Base, gather
from jobs.journal.facts import FOREVER_MS
from jobs.warehouse.protocol import Warehouse
from jobs.warehouse.sql import Plain
from pipeline.records import FLAG_FAILED_PAYMENT, PIECE
from schemas.event import CASE_STATUSES, EVENT_TYPES

_FACTS: Final = """
SELECT
    t.types AS types,
    if(failed_payment, {failed:UInt32}, 0) AS flags,
    toInt8(ifNull(resolved, -1)) AS resolved,
    ifNull(transfers, -1) AS transfers,
    toInt8(indexOf({statuses:Array(String)}, toString(status))) - 1 AS status,
    ifNull(wait_s, nan) AS wait_s,
    ifNull(promised_s, nan) AS promised_s,
    ifNull(duration_s, nan) AS duration_s,
    toInt8(ifNull(severity, -1)) AS severity,
    toUnixTimestamp64Milli(started_at) AS start_ms,
    toUnixTimestamp64Milli(ended_at) AS end_ms,
    count() AS n
FROM interactions AS i
INNER JOIN
(
    SELECT customer_id, interaction_key,
        groupBitOr(toUInt32(bitShiftLeft(toUInt32(1), indexOf({names:Array(String)}, toString(type)) - 1))) AS types
    FROM event_journeys
    WHERE interaction_key != ''
    GROUP BY customer_id, interaction_key
) AS t ON t.customer_id = i.customer_id AND t.interaction_key = i.interaction_key
WHERE closed AND ended_at < fromUnixTimestamp64Milli({until:Int64})
GROUP BY types, flags, resolved, transfers, status, wait_s, promised_s, duration_s, severity, start_ms, end_ms
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a warehouse holds."""

    customer: NDArray[np.object_]
    """Of each answer, shape (n,)."""
    segment: NDArray[np.object_]
    scale: NDArray[np.object_]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    facts: NDArray[Any]
    """Closed interactions (dtype PIECE, the fields that signals look at), shape (m,)."""
    count: NDArray[np.int64]
    """How many interactions are alike, shape (m,)."""
    base: Base | None = None
    """The same answers with what happened before them; None = not known."""

    def only(self, rows: NDArray[np.bool_]) -> Seen:
        """With some of the answers only; all interactions stay."""
        answers = {name: getattr(self, name)[rows] for name in ("customer", "segment", "scale", "value", "low", "high")}
        return replace(self, **answers, base=None if self.base is None else self.base.only(rows))


def read(warehouse: Warehouse, until_ms: int | None = None) -> Seen:
    """Answers and closed interactions from before ``until_ms``."""
    return seen_of(warehouse, gather(warehouse, until_ms=until_ms), until_ms)


def seen_of(warehouse: Warehouse, base: Base, until_ms: int | None = None) -> Seen:
    """The answers of ``base``, and all closed interactions from before ``until_ms``."""
    asked: dict[str, Plain] = {
        "until": FOREVER_MS if until_ms is None else until_ms,
        "failed": FLAG_FAILED_PAYMENT,
        "statuses": list(CASE_STATUSES),
        "names": list(EVENT_TYPES),
    }
    found = warehouse.query(_FACTS, asked)
    facts = np.zeros(len(found), dtype=PIECE)
    columns = dict(zip(found.names, zip(*found.rows, strict=True), strict=True)) if found.rows else {"n": ()}
    count = np.array(columns.pop("n"), dtype=np.int64)
    for name, values in columns.items():
        facts[name] = values
    customer, segment, scale = (np.array(base.columns[place], dtype=object) for place in (0, 3, 4))
    value, low, high = (np.array(base.columns[place], dtype=np.float64) for place in (5, 6, 7))
    return Seen(customer, segment, scale, value, low, high, facts, count, base)
