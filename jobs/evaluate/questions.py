"""The SQL of an evaluation, on the documented views."""

from __future__ import annotations

from typing import Final

from schemas.tables import DIMENSIONS

_ANSWERS: Final = """
SELECT
    e.customer_id AS customer_id,
    j.interaction_key AS interaction_key,
    toUnixTimestamp64Milli(e.occurred_at) AS at_ms,
    c.segment AS segment,
    toString(e.scale) AS scale,
    assumeNotNull(e.value) AS value,
    assumeNotNull(e.scale_min) AS low,
    assumeNotNull(e.scale_max) AS high,
    toUInt8(e.wanted) AS wanted,
    j.journey_key AS journey_key
FROM
(
    SELECT *, ifNull(toBool(@wanted@), false) AS wanted
    FROM events
    WHERE type = 'answer' AND isNotNull(value) AND isNotNull(scale_min) AND isNotNull(scale_max)
) AS e
INNER JOIN (SELECT * FROM event_journeys WHERE type = 'answer') AS j
    ON j.customer_id = e.customer_id AND j.event_id = e.event_id
LEFT JOIN (SELECT customer_id, toString(segment) AS segment FROM customers) AS c ON c.customer_id = e.customer_id
ORDER BY customer_id, at_ms, e.sequence, e.event_id
"""

_SUMS: Final = ",\n    ".join(
    f"i.interaction_{dimension}_{part} AS {dimension}_{part}"
    for part in ("weight", "sum", "stated")
    for dimension in DIMENSIONS
)

INTERACTIONS: Final = f"""
SELECT
    i.customer_id AS customer_id,
    i.interaction_key AS interaction_key,
    acted_ms,
    {_SUMS}
FROM (SELECT * FROM interactions WHERE customer_id IN (SELECT customer_id FROM events WHERE type = 'answer')) AS i
INNER JOIN
(
    SELECT customer_id, interaction_key, max(toUnixTimestamp64Milli(if(type = 'answer', toDateTime64(0, 3, 'UTC'),
        occurred_at))) AS acted_ms
    FROM event_journeys
    WHERE interaction_key != ''
    GROUP BY customer_id, interaction_key
) AS a ON a.customer_id = i.customer_id AND a.interaction_key = i.interaction_key
ORDER BY customer_id, interaction_key
"""  # noqa: S608 - names of declared columns
"""``acted_ms``: the last event that is no answer; 0 where all are answers."""


def answers(where: str | None) -> str:
    """All answers in order of (customer, time); ``wanted`` says which ones ``where``, SQL on ``events``, selects."""
    return _ANSWERS.replace("@wanted@", f"({where}\n)" if where else "true")
