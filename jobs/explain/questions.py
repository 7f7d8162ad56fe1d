"""The SQL of an explanation, on the documented views."""

from __future__ import annotations

from typing import Final

from schemas.tables import DIMENSIONS

NEWEST: Final = "SELECT max(as_of) FROM customers"

SEGMENTS: Final = "SELECT customer_id, segment FROM customers WHERE customer_id IN {customers:Array(String)}"

_SUMS: Final = ",\n    ".join(
    (
        *(
            f"{horizon}_{dimension}_{part}"
            for horizon in ("relationship", "journey", "interaction")
            for dimension in DIMENSIONS
            for part in ("weight", "sum")
        ),
        *(f"{dimension}_score" for dimension in DIMENSIONS),
    )
)

INTERACTIONS: Final = (
    """
SELECT
    i.customer_id AS customer_id,
    i.interaction_key AS interaction_key,
    started_at,
    ended_at,
    channel,
    i.type AS type,
    touchpoint,
    i.segment AS own_segment,
    events,
    arrayStringConcat(arrayFilter(part -> part != '', [
        if(failure, 'failure', ''),
        if(complaint, 'complaint', ''),
        if(failed_payment, 'payment failed', ''),
        multiIf(resolved, 'resolved', resolved = false, 'not resolved', ''),
        if(ifNull(transfers, 0) > 1, concat(toString(transfers), ' transfers'), ''),
        if(ifNull(wait_s >= 1.5 * promised_s, false),
            concat('waited ', toString(round(wait_s / promised_s, 1)), ' x promise'), ''),
        told
    ]), ', ') AS what,
    """  # noqa: S608 - names of declared columns
    + _SUMS
    + """
FROM interactions AS i
LEFT JOIN
(
    SELECT e.customer_id AS customer_id, interaction_key,
        arrayStringConcat(groupArray(concat('said ', scale, ' ', toString(value))), ', ') AS told
    FROM
    (
        SELECT customer_id, event_id, scale, value
        FROM events
        WHERE type = 'answer' AND customer_id IN {customers:Array(String)}
        ORDER BY occurred_at, sequence, event_id
    ) AS e
    INNER JOIN event_journeys AS j ON j.customer_id = e.customer_id AND j.event_id = e.event_id
    GROUP BY customer_id, interaction_key
) AS said ON said.customer_id = i.customer_id AND said.interaction_key = i.interaction_key
WHERE i.customer_id IN {customers:Array(String)} AND ended_at <= {at:DateTime64(3, 'UTC')}
ORDER BY customer_id, started_at, interaction_key
"""
)

EVENTS: Final = """
SELECT
    j.interaction_key AS interaction_key,
    e.event_id AS event_id,
    e.occurred_at AS at,
    toString(e.type) AS type,
    toString(e.channel) AS channel,
    toString(e.touchpoint) AS touchpoint,
    toString(e.reason) AS reason,
    toString(e.outcome) AS outcome,
    toString(e.scale) AS scale,
    e.value AS value
FROM (SELECT * FROM events WHERE customer_id IN {customers:Array(String)}) AS e
INNER JOIN event_journeys AS j ON j.customer_id = e.customer_id AND j.event_id = e.event_id
WHERE interaction_key != ''
ORDER BY e.occurred_at, e.sequence, e.event_id
"""
