"""Closed interactions of a warehouse as the records that signals look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.warehouse.protocol import Warehouse
from jobs.warehouse.sql import Plain
from pipeline.records import EXPLICIT, FLAG_FAILED_PAYMENT, IMPLICIT, PIECE
from pipeline.strings import Strings
from schemas.event import CASE_STATUSES, EVENT_TYPES

FOREVER_MS: Final = 4_102_444_800_000
_TEXTS: Final = ("channel", "touchpoint", "segment", "goal", "reason", "outcome", "team", "skill", "skill_needed")

_FACTS: Final = f"""
SELECT
    i.customer_id AS customer_id,
    i.interaction_key AS interaction_key,
    interaction_id,
    journey_id,
    {", ".join(f"toString(i.{name}) AS {name}" for name in _TEXTS)},
    t.types AS types,
    if(failed_payment, {{failed:UInt32}}, 0) AS flags,
    toInt8(ifNull(resolved, -1)) AS resolved,
    toInt8(ifNull(severity, -1)) AS severity,
    toInt8(ifNull(visible, -1)) AS visible,
    ifNull(transfers, -1) AS transfers,
    toInt8(indexOf({{statuses:Array(String)}}, toString(status))) - 1 AS status,
    ifNull(wait_s, nan) AS wait_s,
    ifNull(promised_s, nan) AS promised_s,
    ifNull(duration_s, nan) AS duration_s,
    ifNull(amount, nan) AS amount,
    toUnixTimestamp64Milli(started_at) AS start_ms,
    toUnixTimestamp64Milli(ended_at) AS end_ms,
    events
FROM interactions AS i
INNER JOIN
(
    SELECT customer_id, interaction_key,
        groupBitOr(toUInt32(bitShiftLeft(toUInt32(1), indexOf({{names:Array(String)}}, toString(type)) - 1))) AS types
    FROM event_journeys
    WHERE interaction_key != ''
    GROUP BY customer_id, interaction_key
) AS t ON t.customer_id = i.customer_id AND t.interaction_key = i.interaction_key
WHERE ended_at < fromUnixTimestamp64Milli({{until:Int64}})
    AND customer_id IN (SELECT customer_id FROM events WHERE type = 'answer')
ORDER BY customer_id, start_ms, interaction_key
"""  # noqa: S608 - names of declared columns


@dataclass(frozen=True, slots=True)
class Facts:
    """Interactions of the customers who gave answers, shape (m,), by customer and start."""

    keys: list[tuple[str, str]]
    """Customer id and interaction key."""
    records: NDArray[Any]
    """dtype PIECE; ``customer`` numbers the customers, texts are codes of ``strings``."""
    strings: Strings

    def by_key(self) -> dict[tuple[str, str], Any]:
        """The record of each key."""
        return dict(zip(self.keys, self.records, strict=True))


def read_facts(warehouse: Warehouse, until_ms: int | None = None) -> Facts:
    """Interactions that ended before ``until_ms``."""
    asked: dict[str, Plain] = {
        "until": FOREVER_MS if until_ms is None else until_ms,
        "failed": FLAG_FAILED_PAYMENT,
        "statuses": list(CASE_STATUSES),
        "names": list(EVENT_TYPES),
    }
    found = warehouse.query(_FACTS, asked)
    records, strings = np.zeros(len(found), dtype=PIECE), Strings()
    if not found.rows:
        return Facts([], records, strings)
    columns = dict(zip(found.names, zip(*found.rows, strict=True), strict=True))
    keys = list(zip(columns.pop("customer_id"), columns.pop("interaction_key"), strict=True))
    people: dict[str, int] = {}
    records["customer"] = [people.setdefault(name, len(people)) for name, _ in keys]
    for name, source in (("interaction", "interaction_id"), ("journey", "journey_id"), *((one, one) for one in _TEXTS)):
        records[name] = strings.codes(columns.pop(source))
    for name, values in columns.items():
        records[name] = values
    records["grouping"] = np.where(records["interaction"] != 0, EXPLICIT, IMPLICIT)
    return Facts(keys, records, strings)
