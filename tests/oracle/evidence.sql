-- Evidence of each interaction on each dimension: undecayed, decayed to its end, and the score with the prior of its
-- segment, (n·μ + S)/(n + W). Amends (not ``own``) reach the decayed sums alone.
WITH
    summed AS
    (
        SELECT
            i.customer_id AS customer_id,
            i.interaction_key AS interaction_key,
            i.dimension AS dimension,
            any(i.segment) AS segment,
            sumIf(o.weight, o.own) AS weight,
            sumIf(o.weight * o.value, o.own) AS sum,
            sumIf(o.weight, o.stated) AS stated,
            sum(o.weight * exp2((o.at_ms - i.ended_ms) / m.journey_half_life_ms)) AS journey_weight,
            sum(o.weight * o.value * exp2((o.at_ms - i.ended_ms) / m.journey_half_life_ms)) AS journey_sum,
            sum(o.weight * exp2((o.at_ms - i.ended_ms) / m.relationship_half_life_ms)) AS relationship_weight,
            sum(o.weight * o.value * exp2((o.at_ms - i.ended_ms) / m.relationship_half_life_ms)) AS relationship_sum,
            countIf(o.stated AND o.weight > 0) AS answers,
            sumIf(o.value, o.stated AND o.weight > 0) AS answer_sum,
            sumIf(o.value * o.value, o.stated AND o.weight > 0) AS answer_sumsq
        FROM
        (
            SELECT customer_id, interaction_key, ended_ms, segment, dimension
            FROM ${interactions}
            ARRAY JOIN ['meets_needs', 'easy', 'enjoyable'] AS dimension
        ) AS i
        LEFT JOIN ${lasting} AS o
            ON o.customer_id = i.customer_id AND o.interaction_key = i.interaction_key AND o.dimension = i.dimension
        CROSS JOIN oracle_model AS m
        GROUP BY customer_id, interaction_key, dimension
    )
SELECT
    s.*,
    if(mapContains(m.segments, s.segment), m.segments[s.segment], m.prior_mean) AS prior,
    (m.interaction_prior_weight * prior + s.sum) / (m.interaction_prior_weight + s.weight) AS score
FROM summed AS s
CROSS JOIN oracle_model AS m
