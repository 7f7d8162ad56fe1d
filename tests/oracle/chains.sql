-- The journey of each interaction. An explicit journey id is one journey and is never cut.
--
-- All else is a chain of interaction starts of one customer and goal: a start later after the one before than the
-- goal's gap, or one with a completion of the goal between the two, begins a new journey. A start at the very moment
-- of a completion is not after it.
WITH
    starts AS
    (
        SELECT customer_id, goal, started_ms AS at_ms, false AS completion, interaction_key
        FROM oracle_interactions
        WHERE journey_id = ''
    ),
    completions AS
    (
        SELECT s.customer_id AS customer_id, i.goal AS goal, s.at_ms AS at_ms, true AS completion, '' AS interaction_key
        FROM oracle_steps AS s
        INNER JOIN oracle_interactions AS i
            ON i.customer_id = s.customer_id AND i.interaction_key = s.interaction_key
        CROSS JOIN oracle_policy AS p
        WHERE i.journey_id = ''
            AND (has(p.completing_outcomes, s.outcome) OR (s.type = 'case' AND s.status = 'closed'))
    ),
    points AS
    (
        SELECT
            *,
            countIf(NOT completion) OVER before AS earlier,
            maxIf(at_ms, NOT completion) OVER before AS previous_ms,
            countIf(completion) OVER before AS done,
            maxIf(at_ms, completion) OVER before AS done_ms
        FROM (SELECT * FROM starts UNION ALL SELECT * FROM completions)
        WINDOW before AS (
            PARTITION BY customer_id, goal ORDER BY at_ms, completion
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
    ),
    cut AS
    (
        SELECT
            q.customer_id AS customer_id,
            q.goal AS goal,
            q.at_ms AS at_ms,
            q.interaction_key AS interaction_key,
            q.earlier = 0
                OR q.at_ms - q.previous_ms
                    > if(mapContains(p.goal_gaps_ms, q.goal), p.goal_gaps_ms[q.goal], p.journey_gap_ms)
                OR (q.done > 0 AND q.done_ms >= q.previous_ms) AS begins
        FROM points AS q
        CROSS JOIN oracle_policy AS p
        WHERE NOT q.completion
    ),
    chained AS
    (
        SELECT
            customer_id,
            goal,
            interaction_key,
            maxIf(at_ms, begins) OVER (
                PARTITION BY customer_id, goal ORDER BY at_ms, begins DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS began_ms
        FROM cut
    )
SELECT customer_id, interaction_key, [customer_id, 'goal', toString(goal), toString(began_ms)] AS identity, goal AS aim
FROM chained
UNION ALL
SELECT customer_id, interaction_key, [customer_id, 'journey', journey_id] AS identity, '' AS aim
FROM oracle_interactions
WHERE journey_id != ''
