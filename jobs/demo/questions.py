"""The SQL of the summary, on the documented views: anyone can ask the same."""

from __future__ import annotations

from typing import Final

FLOW: Final = """
SELECT
    (SELECT count() FROM events) AS events,
    (SELECT count() FROM late) AS late,
    (SELECT count() FROM rejected) AS rejected,
    (SELECT count() FROM interactions) AS interactions,
    (SELECT count() FROM journeys) AS journeys,
    (SELECT countIf(state = 'completed') FROM journeys) AS completed,
    (SELECT count() FROM customers) AS customers,
    (SELECT countIf(type = 'answer') FROM events) AS answers,
    (SELECT countIf(type IN ('ad', 'recommendation', 'promise')) FROM events) AS one_way
"""

INDEX: Final = """
SELECT dimension, score, low, high, n AS customers, inferred_share
FROM perception_index
"""

GOALS: Final = """
SELECT
    goal,
    sum(n) AS journeys,
    sum(reached) AS completed,
    arrayReduce('median', arrayFlatten(groupArray(days))) AS median_days,
    argMax(path, (crosses, n, path)) AS path
FROM
(
    SELECT
        goal,
        arrayStringConcat(channels, ' > ') AS path,
        length(any(channels)) > 1 AS crosses,
        count() AS n,
        countIf(state = 'completed') AS reached,
        groupArray(dateDiff('second', started_at, ended_at) / 86400) AS days
    FROM journeys
    WHERE goal != ''
    GROUP BY goal, path
)
GROUP BY goal
ORDER BY journeys DESC, goal
LIMIT 8
"""

TOUCHPOINTS: Final = """
SELECT touchpoint, dimension, n, score, low, high
FROM touchpoints
WHERE customers >= 10 AND high < (SELECT prior_mean - 1 FROM model)
ORDER BY high, touchpoint
LIMIT 1 BY touchpoint
LIMIT 6
"""

PHASES: Final = """
SELECT
    multiIf(bucket_at < {start:DateTime64(3, 'UTC')}, 0, bucket_at < {end:DateTime64(3, 'UTC')}, 1, 2) AS phase,
    dimension,
    sum(c.interactions) AS contacts,
    sum(c.n) AS total,
    if(total > 0, sum(c.n * ifNull(c.mean, 0)) / total, NULL) AS score,
    sum((c.n - 1) * pow(ifNull(c.stddev, 0), 2) + c.n * pow(ifNull(c.mean, 0), 2)) AS squares,
    if(total > 1, greatest(0, squares - total * score * score) / (total - 1), NULL) AS variance,
    if(total > 1, greatest(0, score - 1.645 * sqrt(variance / total)), NULL) AS low,
    if(total > 1, least(100, score + 1.645 * sqrt(variance / total)), NULL) AS high
FROM cells AS c
WHERE grain = 'hour' AND scope = 'touchpoint' AND touchpoint = {touchpoint:String}
    AND bucket_at >= {start:DateTime64(3, 'UTC')} - INTERVAL 7 DAY
    AND bucket_at < {end:DateTime64(3, 'UTC')} + INTERVAL 7 DAY
GROUP BY phase, dimension
ORDER BY phase, dimension
"""

RECOVERIES: Final = """
SELECT
    reason,
    count() AS failures,
    countIf(recovered) AS fixed,
    ifNull(medianIf(recovery_s, recovered), 0) / 3600 AS median_hours,
    countIf(failed_again) AS failed_again
FROM service_recovery
GROUP BY reason
ORDER BY failures DESC, reason
"""

CARE: Final = """
SELECT
    countIf(type = 'proactive_service' AND visible) AS seen,
    countIf(type = 'proactive_service' AND visible = false) AS unseen,
    countIf(type = 'complaint' AND reason = 'price') AS price_complaints,
    countIf(type = 'complaint' AND reason = 'price' AND skill = skill_needed) AS priced_well
FROM events
"""

PROMISES: Final = """
SELECT
    count() AS promised,
    countIf(wait_s <= promised_s) AS kept,
    (SELECT sum(ads) FROM expectations) AS ads,
    (SELECT sum(recommendations) FROM expectations) AS recommendations,
    (SELECT sum(promises) FROM expectations) AS promises,
    avgIf(points, wait_s <= promised_s) - avgIf(points, wait_s > promised_s) AS gap,
    1.645 * sqrt(varSampIf(points, wait_s <= promised_s) / countIf(wait_s <= promised_s)
        + varSampIf(points, wait_s > promised_s) / countIf(wait_s > promised_s)) AS half
FROM
(
    SELECT wait_s, promised_s, (meets_needs_score + easy_score + enjoyable_score) / 3 AS points
    FROM interactions
    WHERE type IN ('delivery', 'installation') AND wait_s IS NOT NULL AND promised_s IS NOT NULL
)
"""

WAITS: Final = """
SELECT
    multiIf(started_at < {start:DateTime64(3, 'UTC')}, 0, started_at < {end:DateTime64(3, 'UTC')}, 1, 2) AS phase,
    ifNull(avg(wait_s), 0) AS wait_s
FROM interactions
WHERE touchpoint = {touchpoint:String}
    AND started_at >= {start:DateTime64(3, 'UTC')} - INTERVAL 7 DAY
    AND started_at < {end:DateTime64(3, 'UTC')} + INTERVAL 7 DAY
GROUP BY phase
"""

WHO: Final = """
SELECT
    customer_id,
    segment,
    dimension,
    score,
    low,
    high,
    confidence,
    inferred_share
FROM customer_perception_at(at = {at:DateTime64(3, 'UTC')})
WHERE horizon = 'relationship' AND dimension = 'meets_needs'
ORDER BY high, customer_id
LIMIT 1
"""

REJECTIONS: Final = """
SELECT reason, count() AS records, argMin(message, (source_partition, source_offset)) AS example
FROM rejected
GROUP BY reason
ORDER BY records DESC, reason
"""
