-- Decayed sums per customer, horizon and dimension at the customer's last event, with a fixed landmark L
-- (PERCEPTION.md, "Check in SQL"): Σ w·2^((t-L)/H), moved once by 2^((L-T)/H).
WITH moments AS
(
    SELECT customer_id, max(toUnixTimestamp64Milli(occurred_at)) AS moment_ms FROM events GROUP BY customer_id
)
SELECT
    o.customer_id AS customer_id,
    frame.1 AS horizon,
    o.dimension AS dimension,
    any(exp2((m.landmark_ms - t.moment_ms) / frame.2)) AS to_moment,
    to_moment * sum(o.weight * exp2((o.at_ms - m.landmark_ms) / frame.2)) AS weight,
    to_moment * sum(o.weight * o.value * exp2((o.at_ms - m.landmark_ms) / frame.2)) AS sum,
    to_moment * sumIf(o.weight * exp2((o.at_ms - m.landmark_ms) / frame.2), o.stated) AS stated
FROM oracle_lasting AS o
INNER JOIN moments AS t ON t.customer_id = o.customer_id
CROSS JOIN oracle_model AS m
ARRAY JOIN [('journey', m.journey_half_life_ms), ('relationship', m.relationship_half_life_ms)] AS frame
GROUP BY customer_id, frame, dimension
