-- Evidence of each journey on each dimension: that of its interactions together, and the score with the prior of the
-- journey's segment.
SELECT
    s.customer_id AS customer_id,
    s.journey_key AS journey_key,
    s.dimension AS dimension,
    s.weight AS weight,
    s.evidence AS evidence,
    s.stated AS stated,
    (m.interaction_prior_weight * if(mapContains(m.segments, j.segment), m.segments[j.segment], m.prior_mean) + s.evidence)
        / (m.interaction_prior_weight + s.weight) AS score
FROM
(
    SELECT
        i.customer_id AS customer_id,
        i.journey_key AS journey_key,
        e.dimension AS dimension,
        sum(e.weight) AS weight,
        sum(e.sum) AS evidence,
        sum(e.stated) AS stated
    FROM oracle_interaction_journeys AS i
    INNER JOIN oracle_evidence AS e ON e.customer_id = i.customer_id AND e.interaction_key = i.interaction_key
    GROUP BY customer_id, journey_key, dimension
) AS s
INNER JOIN oracle_journeys AS j ON j.customer_id = s.customer_id AND j.journey_key = s.journey_key
CROSS JOIN oracle_model AS m
