-- Totals per scope and bucket of the interactions' start, from evidence inside the cell window only.
WITH
    answering AS
    (
        SELECT customer_id, interaction_key, max(answers) > 0 AS answered
        FROM oracle_cell_evidence
        GROUP BY customer_id, interaction_key
    ),
    spread AS
    (
        SELECT
            i.customer_id AS customer_id,
            e.dimension AS dimension,
            e.weight AS weight,
            e.score AS score,
            e.answers AS answers,
            e.answer_sum AS answer_sum,
            e.answer_sumsq AS answer_sumsq,
            a.answered AS answered,
            width.1 AS grain,
            i.started_ms - positiveModulo(i.started_ms, width.2) AS bucket_ms,
            scope,
            if(has(splitByChar('_', scope), 'channel'), toString(i.channel), '') AS channel,
            if(has(splitByChar('_', scope), 'segment'), toString(i.segment), '') AS segment,
            if(has(splitByChar('_', scope), 'touchpoint'), toString(i.touchpoint), '') AS touchpoint
        FROM oracle_cell_interactions AS i
        INNER JOIN oracle_cell_evidence AS e
            ON e.customer_id = i.customer_id AND e.interaction_key = i.interaction_key
        INNER JOIN answering AS a ON a.customer_id = i.customer_id AND a.interaction_key = i.interaction_key
        ARRAY JOIN [('hour', 3600000), ('day', 86400000)] AS width
        ARRAY JOIN
            ['all', 'channel', 'segment', 'touchpoint', 'channel_segment', 'channel_touchpoint', 'segment_touchpoint']
            AS scope
    )
SELECT
    c.grain AS grain,
    c.scope AS scope,
    c.channel AS channel,
    c.segment AS segment,
    c.touchpoint AS touchpoint,
    c.bucket_ms AS bucket_ms,
    c.dimension AS dimension,
    count() AS interactions,
    uniqExact(c.customer_id) AS customers,
    uniqExactIf(c.customer_id, c.answered) AS answer_customers,
    countIf(c.weight > 0) AS n,
    sumIf(c.score, c.weight > 0) AS points,
    sumIf(c.score * c.score, c.weight > 0) AS squares,
    sum(c.answers) AS answers,
    sum(c.answer_sum) AS answer_points,
    sum(c.answer_sumsq) AS answer_squares
FROM spread AS c
GROUP BY grain, scope, channel, segment, touchpoint, bucket_ms, dimension
