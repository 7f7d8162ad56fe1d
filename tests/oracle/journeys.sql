-- Journeys: their interactions reduced by sum, min, max and latest (equal times: the greatest hash). Silence is judged
-- by the goal that the journey is made by, and not by the one that is only shown.
WITH
    reduced AS
    (
        SELECT
            i.customer_id AS customer_id,
            i.journey_key AS journey_key,
            any(i.journey_id) AS journey_id,
            any(i.aim) AS goal,
            argMinIf(i.goal, (i.started_ms, i.interaction_key), i.goal != '') AS named,
            argMaxIf(i.segment, (i.started_ms, i.tie), i.segment != '') AS segment,
            min(i.started_ms) AS started_ms,
            max(i.ended_ms) AS ended_ms,
            max(i.completed) AS completed,
            toUInt32(count()) AS interactions,
            toUInt32(sum(i.events)) AS events,
            argMaxIf(i.resolved, (i.ended_ms, i.tie), i.resolved IS NOT NULL) AS resolved,
            toInt64(sum(ifNull(i.transfers, 0))) AS transfers,
            sum(ifNull(i.wait_s, 0)) AS wait_s,
            sum(ifNull(i.duration_s, 0)) AS duration_s,
            toUInt32(sum(i.answers)) AS answers,
            any(i.watermark_ms) AS watermark_ms
        FROM oracle_interaction_journeys AS i
        GROUP BY customer_id, journey_key
    )
SELECT
    r.* EXCEPT (named) REPLACE (if(r.goal = '', r.named, r.goal) AS goal),
    multiIf(
        r.completed, 'completed',
        r.watermark_ms > r.ended_ms
            + if(mapContains(p.goal_gaps_ms, r.goal), p.goal_gaps_ms[r.goal], p.journey_gap_ms), 'silent',
        'open'
    ) AS state
FROM reduced AS r
CROSS JOIN oracle_policy AS p
