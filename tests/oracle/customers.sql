-- Counts per customer; the segment is that of the latest interaction that names one.
SELECT
    e.customer_id AS customer_id,
    any(i.segment) AS segment,
    min(toUnixTimestamp64Milli(e.occurred_at)) AS first_ms,
    max(toUnixTimestamp64Milli(e.occurred_at)) AS last_ms,
    count() AS events,
    any(i.interactions) AS interactions,
    any(i.answers) AS answers
FROM events AS e
LEFT JOIN
(
    SELECT
        customer_id,
        argMaxIf(j.segment, (j.started_ms, j.tie), j.segment != '') AS segment,
        count() AS interactions,
        sum(j.answers) AS answers
    FROM oracle_interactions AS j
    GROUP BY customer_id
) AS i ON i.customer_id = e.customer_id
GROUP BY customer_id
