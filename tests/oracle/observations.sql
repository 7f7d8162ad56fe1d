-- What each interaction says about perception, one row per observation and dimension: its signals, which together
-- weigh at most the cap, and its answers, each in its own moment with its category's points.
WITH
    asked AS
    (
        SELECT
            s.customer_id AS customer_id,
            s.interaction_key AS interaction_key,
            s.at_ms AS at_ms,
            s.scale AS scale,
            c.weights AS weights,
            ifNull(s.scale_min, c.worst) AS worst,
            ifNull(s.scale_max, c.best) AS best,
            floor(worst) = worst AND floor(best) = best AND best - worst < m.rating_exact_levels AS exact,
            if(exact, toInt64(best - worst) + 1, m.rating_wide_levels) AS levels,
            (s.value - worst) / (best - worst) * (levels - 1) AS place,
            exact AND abs(place - round(place)) > 1e-9 AS between,
            greatest(0.0, least(toFloat64(levels - 1), if(between, place, floor(place + 0.5)))) AS at,
            1 + toInt64(floor(at)) AS category,
            at - floor(at) AS part
        FROM oracle_steps AS s
        INNER JOIN oracle_scales AS c ON c.scale = s.scale
        CROSS JOIN oracle_model AS m
        WHERE s.type = 'answer' AND s.at_ms <= s.began_ms + ${within_ms}
    ),
    answered AS
    (
        SELECT
            a.customer_id AS customer_id,
            a.interaction_key AS interaction_key,
            a.at_ms AS at_ms,
            a.weights AS weights,
            assumeNotNull(v.points + a.part * (w.points - v.points)) AS points
        FROM asked AS a
        INNER JOIN oracle_answer_points AS v
            ON v.scale = a.scale AND v.levels = a.levels AND v.category = a.category
        INNER JOIN oracle_answer_points AS w
            ON w.scale = a.scale AND w.levels = a.levels AND w.category = least(a.levels, a.category + 1)
    )
SELECT
    customer_id,
    interaction_key,
    at_ms,
    dimension,
    weight * cap / greatest(cap, sum(weight) OVER (PARTITION BY customer_id, interaction_key, dimension)) AS weight,
    value,
    false AS stated
FROM ${signals}
UNION ALL
SELECT customer_id, interaction_key, at_ms, dimension, weight, points AS value, true AS stated
FROM answered
ARRAY JOIN weights AS weight, ['meets_needs', 'easy', 'enjoyable'] AS dimension
