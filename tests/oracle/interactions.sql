-- Interactions: their steps reduced by the rules of pipeline.records.PIECE, from steps up to ${within_ms} after the
-- interaction's start (for interactions as such without end, for cells the cell window).
WITH
    reduced AS
    (
        SELECT
            s.customer_id AS customer_id,
            s.interaction_key AS interaction_key,
            any(s.source_partition) AS source_partition,
            argMin(s.interaction_id, s.place) AS interaction_id,
            if(
                any(s.explicit),
                argMinIf(s.journey_id, s.place, s.journey_id != '' AND s.at_ms <= s.began_ms + p.naming_window_ms),
                argMin(s.journey_id, s.place)
            ) AS journey_id,
            argMin(s.channel, s.place) AS channel,
            argMin(s.type, s.place) AS type,
            argMax(s.type, s.place) AS last_type,
            argMaxIf(s.segment, s.place, s.segment != '') AS segment,
            argMinIf(s.touchpoint, s.place, s.touchpoint != '') AS touchpoint,
            argMinIf(s.goal, s.place, s.goal != '' AND s.at_ms <= s.began_ms + p.naming_window_ms) AS goal,
            argMinIf(s.reason, s.place, s.reason != '' AND s.at_ms <= s.began_ms + p.naming_window_ms) AS reason,
            argMaxIf(s.outcome, s.place, s.outcome != '') AS outcome,
            argMaxIf(s.status, s.place, s.status != '') AS status,
            argMaxIf(s.team, s.place, s.team != '') AS team,
            argMaxIf(s.skill, s.place, s.skill != '') AS skill,
            argMaxIf(s.skill_needed, s.place, s.skill_needed != '') AS skill_needed,
            min(s.at_ms) AS started_ms,
            max(s.at_ms) AS ended_ms,
            argMin(s.gap_ms, s.place) AS gap_ms,
            argMin(s.sequence, s.place) AS sequence,
            argMin(s.tie, s.place) AS tie,
            toUInt32(count()) AS events,
            max(s.severity) AS severity,
            argMaxIf(s.visible, s.place, s.visible IS NOT NULL) AS visible,
            argMaxIf(s.resolved, s.place, s.resolved IS NOT NULL) AS resolved,
            toInt32(sum(s.transfers)) AS transfers,
            sum(s.wait_s) AS wait_s,
            argMaxIf(s.promised_s, s.place, s.promised_s IS NOT NULL) AS promised_s,
            sum(s.duration_s) AS duration_s,
            sum(s.amount) AS amount,
            groupUniqArray(toString(s.type)) AS types,
            has(types, 'complaint') AS complaint,
            has(types, 'failure') AS failure,
            countIf(s.type = 'payment' AND s.outcome IN ('failed', 'declined')) > 0 AS failed_payment,
            countIf(s.outcome = 'refunded') > 0 AS refund,
            countIf(s.type = 'proactive_service' AND s.visible) > 0 AS proactive,
            countIf(has(p.bill_reasons, s.reason)) > 0 AS bill,
            countIf(has(p.wrong_bill_reasons, s.reason)) > 0 AS wrong_bill,
            countIf(has(p.price_reasons, s.reason)) > 0 AS price,
            countIf(has(p.pricing_skills, s.skill)) > 0 AS priced,
            countIf(s.type IN ('delivery', 'installation') AND has(p.missed_outcomes, s.outcome)) > 0 AS missed,
            countIf(s.type IN ('delivery', 'installation') AND has(p.kept_outcomes, s.outcome)) > 0 AS kept,
            countIf(has(p.completing_outcomes, s.outcome) OR (s.type = 'case' AND s.status = 'closed')) > 0 AS completed,
            toUInt32(countIf(s.type = 'answer')) AS answers
        FROM oracle_steps AS s
        CROSS JOIN oracle_policy AS p
        WHERE s.at_ms <= s.began_ms + ${within_ms}
        GROUP BY customer_id, interaction_key
    )
SELECT r.*, w.watermark_ms AS watermark_ms, w.watermark_ms > r.ended_ms + r.gap_ms AS closed
FROM reduced AS r
INNER JOIN oracle_watermarks AS w ON w.source_partition = r.source_partition
